"""X-ray fields, their alignment and size, focal spots, and what the detector does to lengths."""
