"""Skin dose: rooms commissioned, maps worked out and turned about, a signed paper on one."""
