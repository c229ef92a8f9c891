"""The door: upload, quarantine, unknown devices and who may act on them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from kerma.core import InputError, NotEntitled
from kerma.service.doses import menus, selectors, services
from kerma.service.doses.identity import pseudonym
from kerma.service.doses.ingest import ingest_bytes
from kerma.service.doses.models import Quarantined, Study
from kerma.service.estate.models import DicomIdentity
from kerma.service.records import log
from kerma.service.records.models import Event
from tests.service.doses_world import World, build_world, content, edited, simulated, truths

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return build_world()


def stranger(**elements: Any) -> bytes:
    """A report of a device in no inventory: serial LN…, station LOANUNIT."""
    raw = content(truths("unknown_device")[0])
    return edited(raw, **elements) if elements else raw


def words(answer: Any) -> str:
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", unescape(text))


def upload(*raws: tuple[str, bytes]) -> dict[str, Any]:
    return {"files": [SimpleUploadedFile(name, raw) for name, raw in raws]}


# Upload -------------------------------------------------------------------------------------------


def test_upload_says_what_became_of_each_file(world: World) -> None:
    raw = content(simulated()[1][0])
    page = world.client("technologist").post(
        "/doses/upload/",
        upload(("good.dcm", raw), ("again.dcm", raw), ("cut.dcm", raw[:-200]), ("a.txt", b"hello")),
    )
    text = words(page)
    for name, outcome in (("good.dcm", "stored"), ("again.dcm", "known already"),
                          ("cut.dcm", "quarantined")):  # fmt: skip
        assert f"{name} {outcome}" in text
    assert Study.objects.count() == 1
    assert Quarantined.objects.count() == 2
    assert Event.objects.filter(kind="dose.stored", actor=world.people["technologist"]).count() == 1


def test_upload_without_a_file_asks_for_one(world: World) -> None:
    page = world.client("technologist").post("/doses/upload/", {})
    assert page.status_code == 422
    assert "There is something to put right" in words(page)


@pytest.mark.parametrize("who", ["user-quill", "service_manager", "assistant"])
def test_upload_is_for_those_entitled(world: World, who: str) -> None:
    files = upload(("good.dcm", content(simulated()[1][0])))
    assert world.client(who).get("/doses/upload/").status_code == 403
    assert world.client(who).post("/doses/upload/", files).status_code == 403
    assert Study.objects.count() == 0
    with pytest.raises(NotEntitled):
        services.files_take(by=world.people[who], files=[])


# Quarantine ---------------------------------------------------------------------------------------


def test_quarantine_lists_tries_again_and_dismisses(world: World) -> None:
    raw = content(simulated()[1][0])
    ingest_bytes(raw[:-200], name="cut.dcm")
    row = Quarantined.objects.get()
    client = world.client("administrator")
    assert "cut.dcm Quarantined" in words(client.get("/doses/quarantine/"))
    page = client.post(f"/doses/quarantine/{row.pk}/retry/", follow=True)
    assert "is still quarantined" in words(page)
    row.refresh_from_db()
    assert row.attempts == 2
    page = client.post(f"/doses/quarantine/{row.pk}/dismiss/", follow=True)
    assert "Nothing waits" in words(page)
    row.refresh_from_db()
    assert (row.status, row.dismissed_by) == ("dismissed", world.people["administrator"])
    assert "cut.dcm Dismissed" in words(client.get("/doses/quarantine/?status=all"))
    assert client.post(f"/doses/quarantine/{row.pk}/retry/").status_code == 404
    assert client.post(f"/doses/quarantine/{row.pk}/dismiss/").status_code == 422
    assert Event.objects.filter(kind="dose.dismissed").count() == 1


def test_quarantine_is_changed_only_by_those_entitled_and_never_by_a_link(world: World) -> None:
    ingest_bytes(b"hello", name="a.txt")
    row = Quarantined.objects.get()
    for act in ("retry", "dismiss"):
        url = f"/doses/quarantine/{row.pk}/{act}/"
        assert world.client("technologist").get(url).status_code == 405
        for who in ("service_manager", "user-quill"):
            assert world.client(who).post(url).status_code == 403
    manager = world.client("service_manager").get("/doses/quarantine/")
    assert manager.status_code == 200
    assert "Try again" not in words(manager)
    row.refresh_from_db()
    assert row.attempts == 1
    assert Event.objects.filter(kind="refused").exists()


# Unknown devices ----------------------------------------------------------------------------------


def test_unknown_devices_are_grouped_by_what_their_header_says(world: World) -> None:
    for n in range(3):
        ingest_bytes(stranger(StudyInstanceUID=f"1.2.{n}", SOPInstanceUID=f"1.3.{n}"), name="a")
    ingest_bytes(
        stranger(StudyInstanceUID="1.2.9", SOPInstanceUID="1.3.9", StationName="OTHER"), name="a"
    )
    found = selectors.devices()
    assert [(d.station, d.count) for d in found] == [("LOANUNIT", 3), ("OTHER", 1)]
    assert selectors.device_count() == 2
    page = words(world.client("technologist").get("/doses/devices/"))
    assert "Wherewithal Rentals Loan 1" in page
    assert page.count("LOANUNIT") == 1


def test_the_same_serial_number_is_suggested_before_anything_else(world: World) -> None:
    ingest_bytes(stranger(), name="a")
    device = selectors.devices()[0]
    for system in (world.quill, world.fenwick):
        system.serial = device.serial.lower() if system == world.fenwick else "other"
        system.model = "Loan 1" if system == world.quill else "x"
        system.manufacturer = "Wherewithal Rentals"
        system.save()
    found = selectors.suggest(selectors.devices())[0].suggestion
    assert found is not None
    assert found.system == world.fenwick
    assert "serial" in found.reason


def test_station_then_model_and_site_are_suggested_and_doubt_suggests_nothing(
    world: World,
) -> None:
    ingest_bytes(stranger(), name="a")

    def suggested(places: str = "") -> Any:
        found = selectors.suggest(selectors.devices(), places=places)[0].suggestion
        return found and found.system

    assert suggested() is None
    for system in (world.quill, world.fenwick):
        system.model, system.manufacturer = "Loan 1", "Wherewithal Rentals"
        system.save()
    assert suggested() is None  # two systems of that model
    assert suggested("Fenwick Hospital") == world.fenwick
    DicomIdentity.objects.create(system=world.quill, station="loanunit", valid_to="2001-01-01")
    assert suggested("Fenwick Hospital") == world.quill


def test_making_a_device_known_matches_its_studies_and_their_patients(world: World) -> None:
    """The keys become the employer's: the patient's earlier studies there are found."""
    elements = {"PatientID": "4711", "AccessionNumber": "A-1"}
    for n in range(3):
        ids = {"StudyInstanceUID": f"1.2.{n}", "SOPInstanceUID": f"1.3.{n}"}
        ingest_bytes(stranger(**ids, **elements), name="a")
    example = Study.objects.first()
    assert example is not None
    client = world.client("technologist")
    form = {"system": world.quill.pk, "serial": "on"}
    page = client.post(f"/doses/devices/{example.pk}/", form, follow=True)
    assert "3 studies matched" in words(page)
    assert set(Study.objects.values_list("system", flat=True)) == {world.quill.pk}
    issuer = None
    assert set(Study.objects.values_list("patient_key", flat=True)) == {
        pseudonym("quill", "4711", issuer)
    }
    entry = Event.objects.get(kind="system.alias")
    assert entry.subject == log.subject_of(world.quill)
    assert entry.data["studies"] == 3
    assert selectors.device_count() == 0
    ids = {"StudyInstanceUID": "1.2.9", "SOPInstanceUID": "1.3.9"}
    ingest_bytes(stranger(**ids, **elements), name="a")
    late = Study.objects.get(study_uid="1.2.9")
    assert (late.system, late.patient_key) == (world.quill, example_key())


def example_key() -> str:
    return pseudonym("quill", "4711", None)


def test_a_first_day_leaves_earlier_studies_alone(world: World) -> None:
    for n, day in enumerate(("20260101", "20260601")):
        ingest_bytes(
            stranger(StudyInstanceUID=f"1.2.{n}", SOPInstanceUID=f"1.3.{n}", StudyDate=day),
            name="a",
        )
    example = Study.objects.latest("date")
    assert services.alias_add(
        by=world.people["technologist"], system=world.quill, example=example,
        serial=True, station=False, valid_from=example.date,
    ) == 1  # fmt: skip
    assert Study.objects.filter(system=None).count() == 1


def test_an_alias_that_recognises_nothing_is_refused_whole(world: World) -> None:
    """Another system already signs with this station name: the two cannot be told apart."""
    DicomIdentity.objects.create(system=world.fenwick, station="LOANUNIT", serial="not this one")
    DicomIdentity.objects.create(system=world.fenwick, station="LOANUNIT", valid_to="2000-01-01")
    ingest_bytes(stranger(), name="a")
    example = Study.objects.get()
    by = world.people["technologist"]
    before = DicomIdentity.objects.count()
    with pytest.raises(InputError) as refused:
        services.alias_add(by=by, system=world.quill, example=example, serial=False, station=False)
    assert refused.value.code == "blank"
    DicomIdentity.objects.filter(valid_to="2000-01-01").update(valid_to=None)
    DicomIdentity.objects.create(system=world.quill, station="LOANUNIT", serial="x")
    Study.objects.update(system=None)
    with pytest.raises(InputError) as refused:
        services.alias_add(by=by, system=world.quill, example=example, serial=False, station=True)
    assert refused.value.code == "not-recognised"
    assert DicomIdentity.objects.count() == before + 1
    assert not Event.objects.filter(kind="system.alias").exists()


@pytest.mark.parametrize("who", ["administrator", "assistant", "user-quill"])
def test_only_those_who_edit_the_inventory_make_a_device_known(world: World, who: str) -> None:
    ingest_bytes(stranger(), name="a")
    example = Study.objects.get()
    form = {"system": world.quill.pk, "serial": "on"}
    assert world.client(who).post(f"/doses/devices/{example.pk}/", form).status_code == 403
    assert Study.objects.get().system is None
    with pytest.raises(NotEntitled):
        services.alias_add(
            by=world.people[who], system=world.quill, example=example, serial=True, station=False
        )


def test_a_device_that_names_itself_in_no_way_cannot_be_recognised(world: World) -> None:
    ingest_bytes(stranger(DeviceSerialNumber="", StationName=""), name="a")
    study = Study.objects.get()
    study.serial = study.station = ""
    study.save()
    page = words(world.client("technologist").get(f"/doses/devices/{study.pk}/"))
    assert "nothing tells it from another device" in page
    assert "Make it known" not in page


# The rail -----------------------------------------------------------------------------------------


def test_the_rail_counts_what_waits_for_staff(world: World, django_assert_num_queries: Any) -> None:
    ingest_bytes(stranger(), name="a")
    ingest_bytes(content(simulated()[1][0])[:-200], name="cut.dcm")
    ingest_bytes(b"hello", name="refused.txt")
    request = RequestFactory().get("/")
    request.user = world.people["technologist"].user
    with django_assert_num_queries(2):
        waiting = menus.waiting(request)
    quarantined = Quarantined.objects.filter(status="quarantined").count()
    assert waiting == quarantined + 1
    request.user = world.people["user-quill"].user
    assert menus.waiting(request) == 0
