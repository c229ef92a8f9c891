"""Who the patient was is nowhere in what is stored; the same patient can still be told."""

from __future__ import annotations

import sqlite3
import zlib
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from kerma.service.doses.identity import assigned, pseudonym
from kerma.service.doses.ingest import ingest_bytes
from kerma.service.doses.models import Study
from kerma.service.records import log
from kerma.service.records.models import Event
from tests.service.doses_world import (
    World,
    build_world,
    content,
    edited,
    real,
    recognise,
    simulated,
    truths,
)

ID, NAME, ACCESSION = "9434765919", "Quillfeather^Araminta", "ACC-55-2201"
STAFF = "Thistlewood^Peregrine"


@pytest.fixture
def world(db: None) -> World:
    return build_world()


def marked(raw: bytes) -> bytes:
    """Return an object whose identifiers are wherever a device might put them."""
    return edited(
        raw,
        PatientID=ID, PatientName=NAME, PatientBirthDate="19510723", AccessionNumber=ACCESSION,
        StudyID="RIS-7781-X", OperatorsName=STAFF, ReferringPhysicianName=STAFF,
        StudyDescription=f"Chest {ID} Araminta Quillfeather", ProtocolName=f"AP {ACCESSION}",
    )  # fmt: skip


SECRETS = (ID, "Quillfeather", "Araminta", ACCESSION, "Thistlewood", "RIS-7781-X", "19510723")


def everything() -> bytes:
    """Return the database as bytes, with the compressed records opened."""
    target = sqlite3.connect(":memory:")
    connection.connection.backup(target)
    text = target.serialize()
    text += b"".join(
        zlib.decompress(bytes(r)) for r in Study.objects.values_list("record", flat=True)
    )
    return text.replace(b" ", b"").lower()


@pytest.mark.django_db(transaction=True)
def test_no_identifier_is_in_the_database_or_on_a_page() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("reads the SQLite file byte by byte")
    world = build_world()
    raws = [content(simulated()[1][0]), content(truths("continued")[0])]
    for raw in raws:
        assert ingest_bytes(marked(raw), name="a.dcm").outcome == "stored"
    found = everything()
    assert b"chest" in found  # what was done is kept
    for secret in SECRETS:
        assert secret.lower().encode() not in found, secret
    assert Event.objects.filter(kind="dose.stored").count() == 2
    client = world.client("technologist")
    for study in Study.objects.all():
        paths = ["", "events/1/", "?format=json", "?format=csv"]
        for address in (
            "/doses/",
            "/doses/?format=json",
            *(f"/doses/{study.pk}/{p}" for p in paths),
        ):
            page = client.get(address).content.lower()
            for secret in SECRETS:
                assert secret.lower().encode() not in page, (secret, address)


@pytest.mark.shared
@pytest.mark.django_db(transaction=True)
def test_names_of_staff_and_the_request_number_are_not_stored() -> None:
    """The report names persons inside its content tree, and the request in its header."""
    if connection.vendor != "sqlite":
        pytest.skip("reads the SQLite file byte by byte")
    raw = real("CT-RDSR-ToshibaPixelMed")
    assert b"Nobody" in raw
    assert b"4935683" in raw
    ingest_bytes(raw, name="a.dcm")
    found = everything()
    assert b"nobody" not in found
    assert b"4935683" not in found


@pytest.mark.django_db
def test_one_number_at_two_employers_gives_two_keys(world: World) -> None:
    first, second = _two()
    recognise(world.quill, first)
    recognise(world.fenwick, second)
    for raw in (first, second):
        ingest_bytes(edited(raw, PatientID=ID), name="a.dcm")
    one, other = Study.objects.order_by("system__asset")
    assert {one.system, other.system} == {world.quill, world.fenwick}
    assert one.patient_key
    assert other.patient_key
    assert one.patient_key != other.patient_key


def _two() -> tuple[bytes, bytes]:
    """Return reports of two devices."""
    seen: dict[str, bytes] = {}
    for truth in simulated()[1]:
        if truth.readable and truth.system:
            seen.setdefault(truth.device_serial, content(truth))
    first, second, *_ = seen.values()
    return first, second


@pytest.mark.django_db
@pytest.mark.parametrize("empty", ["", "   "])
def test_patients_without_a_number_are_never_taken_for_one(empty: str) -> None:
    for raw in _two():
        ingest_bytes(edited(raw, PatientID=empty), name="a.dcm")
    assert list(Study.objects.values_list("patient_key", flat=True)) == ["", ""]


def test_a_key_says_nothing_without_the_secret_and_differs_by_issuer() -> None:
    import hashlib

    key = pseudonym("quill", ID)
    assert len(key) == 64
    assert key not in {hashlib.sha256(t.encode()).hexdigest() for t in (ID, f"quill{ID}")}
    assert pseudonym("quill", ID, "NHS") != key
    assert pseudonym("quill", f" {ID} ".lower()) == key


def test_a_key_made_before_the_device_was_known_becomes_the_employers() -> None:
    assert assigned("quill", pseudonym("", ID)) == pseudonym("quill", ID)
    assert pseudonym("", ID) != pseudonym("quill", ID)
    assert assigned("quill", "") == ""


@pytest.mark.django_db
def test_the_keys_are_beside_the_database_and_the_log_stays_whole(world: World) -> None:
    first, _ = _two()
    recognise(world.quill, first)
    ingest_bytes(marked(first), name="a.dcm")
    folder = Path(settings.HOME) / "secrets"
    assert (folder / "identity-quill").stat().st_mode & 0o077 == 0
    assert list(log.broken_links()) == []


@pytest.mark.django_db
def test_a_failure_of_the_reader_is_recorded_without_its_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The words of an unforeseen error can hold anything the file holds."""

    def fails(_content: bytes) -> None:
        raise ValueError(f"cannot read {NAME} {ID}")

    monkeypatch.setattr("kerma.service.doses.ingest.read_report", fails)
    result = ingest_bytes(_two()[0], name="a.dcm")
    assert result.outcome == "quarantined"
    assert "ValueError" in result.reason
    assert ID not in result.reason
    assert "Quillfeather" not in result.reason
