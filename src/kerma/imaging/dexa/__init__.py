"""Bone densitometry: constancy, precision and cross-calibration, from tabled readings."""
