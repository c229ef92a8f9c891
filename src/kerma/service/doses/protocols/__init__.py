"""Protocols of a scanner by patient size."""
