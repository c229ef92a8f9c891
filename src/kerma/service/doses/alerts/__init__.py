"""Dose alerts: thresholds of the service, passed once for each examination, answered by people."""
