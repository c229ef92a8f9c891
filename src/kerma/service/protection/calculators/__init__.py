"""Calculators: one public calculation of the physics, one page, one paragraph of a signed paper."""
