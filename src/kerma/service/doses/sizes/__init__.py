"""Heights and masses of patients from a CSV file, HL7 messages or FHIR observations."""
