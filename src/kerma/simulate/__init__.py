"""Phantoms, images, dose reports and a whole service, invented, with known truth."""
