"""The choices of the simulation, as data."""
