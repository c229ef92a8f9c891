"""Dental imaging: cone-beam volumes of any simple object, intra-oral and panoramic test objects."""
