"""Studies for other systems: JSON, and the FHIR radiation dose summary."""
