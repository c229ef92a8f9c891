"""The demo service: the simulated world carried through the real services."""
