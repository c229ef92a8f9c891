"""Detector measurements on projection images: general, fluoroscopic, dental, mammographic."""
