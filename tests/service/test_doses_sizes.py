"""Patient sizes from three kinds of file: with their unit, to the one examination they are of."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from kerma.core import InputError
from kerma.service.doses.identity import pseudonym
from kerma.service.doses.models import SizeImport, Study
from kerma.service.doses.sizes.reading import read
from kerma.service.doses.sizes.services import sizes_take
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def who() -> Cast:
    return play.cast()


def study(uid: str, accession: str, employer: str = "", **more: object) -> Study:
    return Study.objects.create(
        study_uid=uid, modality="CT", record=b"x",
        accession_key=pseudonym(employer, accession), **more,
    )  # fmt: skip


HL7 = (
    "MSH|^~\\&|RIS|H|KERMA|P|20261101||ORU^R01|1|P|2.5\r"
    "PID|1||SECRET\r"
    "OBR|1||A2^RIS||||||||||||||||A2\r"
    "OBX|1|NM|8302-2^Height^LN||172|cm\r"
    "OBX|2|NM|29463-7^Weight^LN||71.5|kg\r"
)
FHIR = {
    "resourceType": "Bundle",
    "entry": [
        {"resource": {
            "resourceType": "Observation", "basedOn": [{"identifier": {"value": "A3"}}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "valueQuantity": {"value": 64, "unit": "kg", "code": "kg"},
        }},
    ],
}  # fmt: skip


def test_three_kinds_of_file_reach_their_examinations(who: Cast) -> None:
    one, two, three = study("1.1", "A1"), study("1.2", "A2", who.ours.key), study("1.3", "A3")
    sizes_take(content=b"accession;height_cm;mass_kg\nA1;165;58.2\n", name="a.csv")
    sizes_take(content=HL7.encode(), name="b.hl7")
    sizes_take(content=json.dumps(FHIR).encode(), name="c.json")
    for item in (one, two, three):
        item.refresh_from_db()
    assert (one.height_m, one.mass_kg) == (1.65, 58.2)
    assert (two.height_m, two.mass_kg) == (1.72, 71.5)
    assert three.mass_kg == 64
    assert one.changed_at is not None, "the columnar copy has to look at it again"


def test_what_is_there_stays_unless_it_is_to_be_replaced(who: Cast) -> None:
    item = study("1.1", "A1", mass_kg=80.0)
    content = b"study_uid,mass_kg\n1.1,70\n"
    sizes_take(content=content, name="a.csv")
    item.refresh_from_db()
    assert item.mass_kg == 80.0
    sizes_take(content=content, name="a.csv", overwrite=True)
    item.refresh_from_db()
    assert item.mass_kg == 70.0


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("A1,heavy", "not a mass"),
        ("A1,7000", "between"),
        ("A9,70", "no examination"),
        ("A1,", "neither"),
        (",70", "no examination"),
    ],
)
def test_a_row_that_cannot_be_taken_over_says_why(who: Cast, row: str, why: str) -> None:
    item = study("1.1", "A1")
    made = sizes_take(content=f"accession,mass_kg\n{row}\n".encode(), name="a.csv")
    assert made.matched == 0
    assert why in made.refused[0]["why"]
    item.refresh_from_db()
    assert item.mass_kg is None


def test_two_examinations_of_one_number_are_no_match(who: Cast) -> None:
    study("1.1", "A1")
    study("1.2", "A1", who.ours.key)
    assert sizes_take(content=b"accession,mass_kg\nA1,70\n", name="a.csv").matched == 0


def test_a_unit_is_never_assumed() -> None:
    with pytest.raises(InputError, match="the unit is part of the name"):
        read(b"accession,height\nA1,172\n")
    (size,) = read(HL7.replace("|172|cm", "|172|").encode())
    assert size.height_m is None
    assert "no unit" in size.trouble


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"\xff\xfe\x00", "not-text"), (b"", "no-columns"), (b"{not json", "not-fhir"),
     (b"name,mass\nx,1\n", "no-columns")],
)  # fmt: skip
def test_what_is_no_file_of_sizes_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(content)
    assert refusal.value.code == code


def test_the_number_itself_is_not_kept(who: Cast) -> None:
    study("1.1", "SECRET-77")
    made = sizes_take(content=b"accession,mass_kg\nSECRET-77,70\nSECRET-78,70\n", name="a.csv")
    assert "SECRET" not in str(made.refused)


def test_the_page(who: Cast) -> None:
    study("1.1", "A1")
    browser = factory.client(who.technologist)
    assert "No sizes yet" in browser.get("/doses/sizes/").content.decode()
    file = BytesIO(b"accession,mass_kg\nA1,70\nA2,71\n")
    file.name = "sizes.csv"
    assert browser.post("/doses/sizes/", {"file": file}).status_code == 302
    page = browser.get("/doses/sizes/").content.decode()
    assert "no examination of this number" in page
    assert SizeImport.objects.get().matched == 1
    assert factory.client(who.nurse).get("/doses/sizes/").status_code == 403


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'accession,height_cm\n"' + b"a" * 200_000 + b'",170\n', "not-csv"),
        (b'{"a":' * 50_000, "not-fhir"),
        (b'{"resourceType": "Bundle", "entry": [null]}', "not-fhir"),
    ],
)
def test_files_made_to_do_harm_are_refused(content: bytes, code: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(content)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "change",
    [
        {"code": "x"},
        {"code": {"coding": ["x"]}},
        {"valueQuantity": "64 kg"},
        {"basedOn": "A3"},
        {"basedOn": [{"identifier": "A3"}]},
    ],
)
def test_an_observation_of_another_form_is_a_row_with_its_reason(change: dict[str, object]) -> None:
    entry = FHIR["entry"][0]["resource"] | change  # type: ignore[index]
    (row,) = read(json.dumps(entry).encode())
    assert "form FHIR gives it" in row.trouble


def test_a_line_end_inside_quotes_joins_no_digits() -> None:
    (row,) = read(b'accession;height_cm\nA;"17\n2"\n')
    assert row.height_m is None
    assert "is not a height" in row.trouble
