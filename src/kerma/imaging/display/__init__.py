"""Displays: contrast response and uniformity of luminance, from photometer readings."""
