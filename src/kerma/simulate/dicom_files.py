"""Write simulated images as real DICOM objects: CT, DX, MG, CR, IO, PX, XA and RF.

Headers hold what the reader and the identity checks look at, nothing that could be taken for a
patient. The same arguments give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import dcmwrite
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from kerma import __version__
from kerma.core import InputError
from kerma.simulate.models import System
from kerma.simulate.seeding import uid

Array = npt.NDArray[np.floating[Any]]

_IMPLEMENTATION = "2.25.186402934786571299321178532174502611137"
# PS3.4 B.5. Objects that come in two kinds: for processing, for presentation.
_CLASSES = {
    "CT": ("1.2.840.10008.5.1.4.1.1.2",) * 2,
    "CR": ("1.2.840.10008.5.1.4.1.1.1",) * 2,
    "DX": ("1.2.840.10008.5.1.4.1.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1"),
    "PX": ("1.2.840.10008.5.1.4.1.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1"),
    "MG": ("1.2.840.10008.5.1.4.1.1.1.2.1", "1.2.840.10008.5.1.4.1.1.1.2"),
    "IO": ("1.2.840.10008.5.1.4.1.1.1.3.1", "1.2.840.10008.5.1.4.1.1.1.3"),
    "XA": ("1.2.840.10008.5.1.4.1.1.12.1",) * 2,
    "RF": ("1.2.840.10008.5.1.4.1.1.12.2",) * 2,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One image to write.

    Attributes
    ----------
    pixels
        Shape (rows, columns), before quantisation: HU for CT, pixel values otherwise.
    spacing_mm
        Side of the square pixels; for CT in the slice, otherwise at the detector.
    state
        ``raw`` or ``presentation``.
    bits
        Bits stored, 12 to 16.
    intercept
        Rescale Intercept of CT, whole HU; the slope is 1.
    z_mm, thickness_mm
        Of a CT slice.
    more
        Further header values by DICOM keyword (KVP, Exposure, ConvolutionKernel ...).
    """

    pixels: Array
    modality: str
    spacing_mm: float
    state: str = "raw"
    bits: int = 14
    intercept: int = -1024
    z_mm: float = 0.0
    thickness_mm: float = 1.0
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a frame belongs: system, time, series and number; fixes the UIDs with the seed."""

    system: System
    when: datetime
    seed: int
    series: str
    number: int = 1
    institution: str = ""


def quantise(pixels: Array, *, bits: int, intercept: int = 0) -> npt.NDArray[np.uint16]:
    """Return stored values: rounded to whole numbers, clipped to what the bits hold."""
    stored = np.clip(np.rint(pixels - intercept), 0, 2**bits - 1)
    return stored.astype(np.uint16)


def write_image(path: Path, frame: Frame, place: Place) -> str:
    """Write one image and return its SOP Instance UID.

    Raises
    ------
    InputError
        Code ``unknown-modality`` for a modality that is not simulated.
    """
    if frame.modality not in _CLASSES:
        raise InputError(
            f"Images of modality “{frame.modality}” are not simulated. Use one of "
            f"{', '.join(_CLASSES)}.",
            code="unknown-modality",
        )
    intercept = frame.intercept if frame.modality == "CT" else 0
    stored = quantise(frame.pixels, bits=frame.bits, intercept=intercept)
    dataset = _dataset(frame, place)
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, frame.bits, frame.bits - 1
    dataset.PixelRepresentation = 0
    middle = float(np.median(stored)) + intercept
    dataset.WindowCenter, dataset.WindowWidth = round(middle), max(1, round(float(np.ptp(stored))))
    dataset.PixelData = stored.astype("<u2").tobytes()
    dcmwrite(path, dataset, enforce_file_format=True)
    return str(dataset.SOPInstanceUID)


def _dataset(frame: Frame, place: Place) -> FileDataset:
    system, when = place.system, place.when
    sop_uid = uid(place.seed, system.key, place.series, when, place.number, "image")
    sop_class = _CLASSES[frame.modality][0 if frame.state == "raw" else 1]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(sop_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_IMPLEMENTATION)
    meta.ImplementationVersionName = f"KERMA_{__version__}"[:16]
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    values = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": sop_class,
        "SOPInstanceUID": sop_uid,
        **_when(when),
        "AccessionNumber": "",
        "Modality": frame.modality,
        "Manufacturer": system.manufacturer,
        "ManufacturerModelName": system.model,
        "InstitutionName": place.institution,
        "StationName": system.identity.station_name,
        "DeviceSerialNumber": system.identity.device_serial,
        "SoftwareVersions": system.software,
        "StudyDescription": "Quality control",
        "SeriesDescription": place.series,
        "PatientName": "Phantom^Kerma",
        "PatientID": f"QA-{system.asset_number}",
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyInstanceUID": uid(place.seed, system.key, when.date(), "qc study"),
        "SeriesInstanceUID": uid(place.seed, system.key, place.series, when, "series"),
        "SeriesNumber": 1,
        "InstanceNumber": place.number,
        "BurnedInAnnotation": "NO",
        **_image(frame, place),
        **frame.more,
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def _when(when: datetime) -> dict[str, str]:
    day, clock = f"{when:%Y%m%d}", f"{when:%H%M%S}"
    dates = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
    times = ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime")
    return {**dict.fromkeys(dates, day), **dict.fromkeys(times, clock)}


def _image(frame: Frame, place: Place) -> dict[str, Any]:
    spacing = [frame.spacing_mm, frame.spacing_mm]
    if frame.modality == "CT":
        rows, columns = frame.pixels.shape
        corner = [
            -frame.spacing_mm * (columns - 1) / 2,
            -frame.spacing_mm * (rows - 1) / 2,
            frame.z_mm,
        ]
        return {
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "PixelSpacing": spacing,
            "SliceThickness": frame.thickness_mm,
            "SliceLocation": frame.z_mm,
            "ImagePositionPatient": [round(c, 4) for c in corner],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "FrameOfReferenceUID": uid(place.seed, place.system.key, place.when, "frame"),
            "PatientPosition": "HFS",
            "RescaleSlope": 1,
            "RescaleIntercept": frame.intercept,
            "RescaleType": "HU",
        }
    raw = frame.state == "raw"
    values: dict[str, Any] = {
        "ImageType": ["ORIGINAL" if raw else "DERIVED", "PRIMARY"],
        "ImagerPixelSpacing": spacing,
        "PixelIntensityRelationship": "LIN" if raw else "LOG",
    }
    if len(set(_CLASSES[frame.modality])) == 2:
        values["PresentationIntentType"] = "FOR PROCESSING" if raw else "FOR PRESENTATION"
    elif not raw:
        values["ImageType"] = ["DERIVED", "PRIMARY", "POST_PROCESSED"]
    else:
        # Objects of one class only say so in the Image Type.
        values["ImageType"] = ["ORIGINAL", "PRIMARY", "RAW"]
    return values
