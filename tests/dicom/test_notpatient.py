"""Not-patient patterns: the published cases, and that nothing else matches."""

from __future__ import annotations

import pytest

from kerma.dicom.notpatient import matches

IDS = ("qa*", "PHY*")
NAMES = ("*TEST*", "QA*", "PHYSICS*")


@pytest.mark.parametrize(
    ("name", "patient_id", "expected"),
    [
        ("Smith^Dolliquay", "278247623467", []),
        ("Smith^Dolliquay", "QA12345", ["id qa*"]),
        ("Physics^LBDAlignment", "12345", ["name PHYSICS*"]),
        (
            "Physics^LBDAlignmentTest",
            "PHY12345",
            ["id PHY*", "name *TEST*", "name PHYSICS*"],
        ),
        (None, None, []),
        ("", "", []),
    ],
)
def test_patterns(name: str | None, patient_id: str | None, expected: list[str]) -> None:
    found = matches(patient_id, name, id_patterns=IDS, name_patterns=NAMES)
    assert [str(match) for match in found] == expected


def test_a_pattern_covers_the_whole_text() -> None:
    assert not matches("12QA", None, id_patterns=["QA*"])
    assert matches("12QA", None, id_patterns=["*QA"])


def test_no_pattern_matches_nobody() -> None:
    assert matches("QA1", "Test") == ()


def test_an_empty_pattern_matches_nobody() -> None:
    assert not matches("QA1", "Test", id_patterns=[""], name_patterns=[""])
