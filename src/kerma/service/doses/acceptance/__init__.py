"""Acceptance test of the reading of dose reports: known files in, expected values out, signed.

As AAPM Medical Physics Practice Guideline 6.a asks of a dose index monitoring system before it is
relied on, and after every change of it.
"""
