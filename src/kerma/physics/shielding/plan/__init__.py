"""A shielding design in three dimensions: drawn, checked, assessed, and what it still needs."""
