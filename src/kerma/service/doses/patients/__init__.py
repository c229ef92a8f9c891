"""A patient's studies by identifier, and exports with patient keys: by right, with a reason."""
