"""Protection: calculators of the physics, shielding designs, rooms and their designation."""
