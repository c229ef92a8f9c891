"""Breast dose beside `kerma.physics.breast`: from headers, against limits, and a second model."""
