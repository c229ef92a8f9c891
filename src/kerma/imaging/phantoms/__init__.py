"""Measurements of whole test objects: find it, refuse any other, measure every module."""
