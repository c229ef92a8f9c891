"""Where dose reports are fetched from: PACS that are asked, Orthancs that are followed."""
