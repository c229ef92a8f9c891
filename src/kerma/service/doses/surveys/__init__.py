"""Doses in the layout a national survey asks for; each layout is one file in ``layouts/``."""
