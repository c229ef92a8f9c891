"""Planar test objects that are found and read automatically, and contrast-detail curves."""
