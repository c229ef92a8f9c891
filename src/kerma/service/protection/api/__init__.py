"""Calculations for other systems: ``/api/v1/calculations/``."""
