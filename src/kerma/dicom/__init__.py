"""Reading DICOM objects: bytes in, typed records and images out."""
