"""DICOM over the network: receive, ask, fetch. Bytes go to a folder; no database is known here."""
