"""Dose in the body: estimates of a study or a patient by a named method, kept as they were made."""
