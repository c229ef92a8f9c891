"""Physics of radiation: arrays and numbers in, numbers out; nothing here reads an image."""
