"""Beams as calculations: quality, output, minimum filtration, meter corrections, distance.

Spectra are those of `kerma.physics.beams`; every function returns a `Calculation`.
"""
