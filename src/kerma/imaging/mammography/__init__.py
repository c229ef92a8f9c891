"""Mammography: contrast-detail phantoms, SDNR, uniformity, AEC and breast tomosynthesis."""
