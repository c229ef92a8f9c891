"""Shielding designs: drawing, versions, papers, and what was built of them."""
