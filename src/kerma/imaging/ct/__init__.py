"""Measurements on CT slices of one simple object: water, a wire, a rod, a uniform region."""
