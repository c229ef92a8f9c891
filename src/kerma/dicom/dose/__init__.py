"""Dose reports and dose-bearing headers: bytes in, one `StudyRecord` out."""

from kerma.dicom.dose.merge import merge
from kerma.dicom.dose.reading import read_report
from kerma.dicom.dose.records import StudyRecord, as_dict, to_json

__all__ = ["StudyRecord", "as_dict", "merge", "read_report", "to_json"]
