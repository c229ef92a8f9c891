"""Audits of patient dose: typical values by room, local reference levels, a signed report."""
