"""Optimisation projects: a change, the doses before and after it, and a sign-off."""
