"""Kerma: the working system of a diagnostic radiology physics and radiation protection service."""

__version__ = "0.1.0"
