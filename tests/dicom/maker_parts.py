"""Pieces of the reports of makers of many kinds; see `makers` and `maker_images`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydicom.dataset import Dataset

from tests.dicom import build

Truth = dict[str, Any]
Case = tuple[Dataset, Truth]

COMPREHENSIVE_3D = "1.2.840.10008.5.1.4.1.1.88.34"
ENHANCED_XRAY = "1.2.840.10008.5.1.4.1.1.88.76"
RADIOPHARMACEUTICAL = "1.2.840.10008.5.1.4.1.1.88.68"
PROJECTION = build.dcm("113704", "Projection X-Ray")
MAMMOGRAPHY = ("71651007", "SCT", "Mammography")
CT = ("77477000", "SCT", "Computed Tomography X-Ray")
FLUOROSCOPY = ("44491008", "SCT", "Fluoroscopy")
STATIONARY = build.dcm("113611", "Stationary Acquisition")
ROTATIONAL = build.dcm("113613", "Rotational Acquisition")
PLANES = {"A": "113620", "B": "113621", "single": "113622", "all": "113890"}
BODY = build.dcm("113691", "IEC Body Dosimetry Phantom")
HEAD = build.dcm("113690", "IEC Head Dosimetry Phantom")


def procedure(value: build.Concept) -> Dataset:
    return build.code(build.dcm("121058", "Procedure reported"), value)


def plane(name: str) -> Dataset:
    return build.code(build.dcm("113764", "Acquisition Plane"), build.dcm(PLANES[name]))


def totals(name: str, *values: tuple[str, str | None, str | None]) -> Dataset:
    """Accumulated data of a plane; `values`: concept, number, unit."""
    return build.item(
        "CONTAINER",
        build.dcm("113702", "Accumulated X-Ray Dose Data"),
        [plane(name), *numbers(values)],
    )


def numbers(values: Iterable[tuple[str, str | None, str | None]]) -> list[Dataset]:
    return [build.num(build.dcm(concept), number, unit) for concept, number, unit in values]


def event(
    uid: str,
    kind: build.Concept,
    *values: tuple[str, str | None, str | None],
    items: Sequence[Dataset] = (),
) -> Dataset:
    """An irradiation event of projection X-ray; `values`: concept, number, unit."""
    return build.item(
        "CONTAINER",
        build.dcm("113706", "Irradiation Event X-Ray Data"),
        [
            plane("single"),
            build.uid(build.dcm("113769", "Irradiation Event UID"), uid),
            build.moment(build.dcm("111526", "DateTime Started"), "20240205101112"),
            build.code(build.dcm("113721", "Irradiation Event Type"), kind),
            *numbers(values),
            *items,
        ],
    )


def mean_dose(
    uid: str,
    kind: build.Concept,
    doses: Sequence[Dataset] = (),
    parameters: Sequence[Dataset] = (),
) -> Dataset:
    """A CT acquisition."""
    blocks = [
        build.text(build.dcm("125203", "Acquisition Protocol"), "Thorax"),
        build.code(build.dcm("113820", "CT Acquisition Type"), kind),
        build.uid(build.dcm("113769", "Irradiation Event UID"), uid),
    ]
    if parameters:
        blocks.append(build.item("CONTAINER", build.dcm("113822"), parameters))
    if doses:
        blocks.append(build.item("CONTAINER", build.dcm("113829", "CT Dose"), doses))
    return build.item("CONTAINER", build.dcm("113819", "CT Acquisition"), blocks)


def ct_dose(ctdivol: str, dlp: str, unit: str, phantom: build.Concept | None) -> list[Dataset]:
    found = [
        build.num(build.dcm("113830", "Mean CTDIvol"), ctdivol, "mGy"),
        build.num(build.dcm("113838", "DLP"), dlp, unit),
    ]
    if phantom:
        found.insert(1, build.code(build.dcm("113835", "CTDIw Phantom Type"), phantom))
    return found


def ct_totals(*items: Dataset) -> Dataset:
    return build.item("CONTAINER", build.dcm("113811", "CT Accumulated Dose Data"), items)
