"""The tables fit the records: a concept without a home would fail only when a report brings it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields

import pydicom
import pytest
from pydicom.datadict import tag_for_keyword

from kerma.dicom import facts
from kerma.dicom.dose import parts, records, source, tables
from kerma.dicom.dose.values import quantities
from tests.dicom import build

HOMES: dict[str, set[type]] = {
    "observer": {parts.Observer},
    "staff": {records.Staff},
    "report": {records.Report},
    "total": {records.Accumulated},
    "calibration": {parts.Calibration},
    "event": {records.Event},
    "source": {parts.Source},
    "mechanics": {parts.Mechanics},
    "detector": {parts.Detector},
    "breast": {parts.Breast},
    "filter": {parts.Filter},
    "ct": {parts.CT},
    "person": {parts.Person},
    "device": {parts.DeviceRef},
    "administration": {parts.Administration},
    "organ": {parts.OrganDose},
    "characteristics": {parts.Characteristics},
}
# Read by name in the program.
LOOSE = {
    "shutters": {"bottom", "left", "right", "top"},
    "side": {"laterality"},
    "staff": {"observer_name"},
}


def homes(part: str, container: str) -> set[str]:
    if part in LOOSE:
        return LOOSE[part]
    if part == "check" and container == "dose_check":
        return {field.name for field in fields(parts.DoseCheck)}
    if part == "check":
        return {"pre_activity", "post_activity", "device", "observer_kind", "observer_name"}
    return {field.name for kind in HOMES[part] for field in fields(kind)}


@pytest.mark.parametrize("container", sorted(tables.sections()))
def test_every_concept_has_a_home_and_a_known_kind(container: str) -> None:
    for spec in tables.sections()[container].values():
        if spec.part != "children":
            assert spec.field in homes(spec.part, container), spec
        assert spec.kind in quantities() | {"text", "code", "flag", "moment", "items"}, spec


def test_every_image_attribute_exists_and_has_a_home() -> None:
    for row in tables.attributes():
        assert tag_for_keyword(row.keyword) is not None, row.keyword
        assert row.field in homes(row.part, ""), row
        assert row.kind in quantities()


def test_every_fact_is_an_attribute_and_none_names_a_person() -> None:
    for keyword in facts.KEYWORDS:
        tag = tag_for_keyword(keyword)
        assert tag is not None, keyword
        assert tag >> 16 != 0x0010, keyword
        assert pydicom.datadict.dictionary_VR(tag) != "PN", keyword


def test_every_field_of_every_container_can_be_read() -> None:
    """One report that holds every concept of the table, in its container, is read without error."""
    nested = {
        "xray_total": ("113702", {"calibrations": "calibration"}),
        "xray_event": ("113706", {"filters": "filter"}),
        "ct_total": ("113811", {}),
        "ct_event": ("113819", {"parameters": "ct_parameters", "doses": "ct_dose"}),
        "administration": ("113502", {"organ_doses": "organ_dose"}),
        "characteristics": ("121118", {}),
    }
    containers = [
        build.item("CONTAINER", build.dcm(code), everything(name, inner))
        for name, (code, inner) in nested.items()
    ]
    from kerma.dicom.dose import read_report, to_json

    study = read_report(build.encode(build.report([*everything("report", {}), *containers])))
    assert study.events
    assert to_json(study)


def everything(container: str, inner: dict[str, str]) -> list[pydicom.Dataset]:
    found = []
    for (value, scheme), spec in tables.sections()[container].items():
        concept = (value, scheme, spec.field)
        if spec.kind == "items":
            children = everything(inner[spec.field], {}) if spec.field in inner else []
            if spec.field not in ("xray_totals", "xray_events", "ct_totals", "ct_events"):
                found.append(build.item("CONTAINER", concept, children))
        elif spec.kind in ("text", "moment"):
            found.append(build.text(concept, "20200101120000"))
        elif spec.kind in ("code", "flag"):
            found.append(build.code(concept, ("R-0038D", "SRT", "Yes")))
        else:
            found.append(build.num(concept, "1", ""))
    return found


def test_the_fast_reader_is_much_faster_than_pydicom_visiting_every_element() -> None:
    data = build.encode(build.report([build.fluoro(n) for n in range(150)]))

    def fast() -> None:
        source.read_tree(data, "report")

    def visit() -> None:
        pydicom.dcmread(pydicom.filebase.DicomBytesIO(data)).walk(lambda dataset, element: None)

    assert best(visit) > 5 * best(fast)


def best(call: Callable[[], None]) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)
