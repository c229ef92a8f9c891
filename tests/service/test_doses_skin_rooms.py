"""Rooms commissioned for skin dose: who may, from which day, and what the form takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from kerma.core import InputError, NotEntitled
from kerma.physics import skin
from kerma.physics.skin.profile import Transmission
from kerma.service.doses.models import RoomProfile
from kerma.service.doses.skin.room_forms import ProfileForm, initial_of
from kerma.service.doses.skin.rooms import in_force, library_profile, starting_points, unknowns
from kerma.service.estate.models import System
from kerma.service.records.integrity import verify
from tests.service import cast as play
from tests.service import doses_life, factory
from tests.service.cast import Cast
from tests.service.skin_world import MEASURED, commission, measured_profile, reports, room

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def who() -> Cast:
    return play.cast()


@pytest.fixture
def system(who: Cast) -> System:
    return room(who, reports()[0])


# Who may, and from when -------------------------------------------------------------------------


def test_a_commissioning_ends_the_one_before_and_both_are_sealed(who: Cast, system: System) -> None:
    first = commission(who, system)
    second = commission(who, system, valid_from=MEASURED + 90 * DAY, reason="New table top.")
    first.refresh_from_db()
    assert (first.ended_on, second.ended_on) == (second.valid_from, None)
    assert in_force(system, MEASURED - DAY) is None
    assert in_force(system, MEASURED) == in_force(system, second.valid_from - DAY) == first
    assert in_force(system, second.valid_from) == in_force(system, factory.today()) == second
    assert verify().sound
    RoomProfile.objects.filter(pk=first.pk).update(ended_on=None)
    assert any(f.kind == "doses.roomprofile" for f in verify().findings)


def test_one_that_holds_from_earlier_takes_the_place_of_all_after_it(
    who: Cast, system: System
) -> None:
    rows = [commission(who, system, valid_from=MEASURED + n * 100 * DAY) for n in range(3)]
    last = commission(who, system, valid_from=MEASURED + 150 * DAY, reason="Found later.")
    held = [in_force(system, MEASURED + n * DAY) for n in (0, 100, 149, 150, 200, 900)]
    assert held == [rows[0], rows[1], rows[1], last, last, last]
    rows[2].refresh_from_db()
    assert rows[2].ended_on == rows[2].valid_from
    assert verify().sound


def test_the_profile_kept_is_the_one_that_is_read(who: Cast, system: System) -> None:
    row = commission(who, system)
    found = library_profile(row)
    expected = replace(measured_profile(), status="validated", reason="Measured.")
    assert found == expected
    assert row.profile_sha256 == expected.sha256


@pytest.mark.parametrize("role", ["colleague", "trainee", "technologist", "nurse", "administrator"])
def test_only_an_mpe_validates(who: Cast, system: System, role: str) -> None:
    with pytest.raises(NotEntitled):
        commission(who, system, by=getattr(who, role))
    assert not RoomProfile.objects.exists()


def test_the_mpe_of_another_employer_does_not(who: Cast) -> None:
    with pytest.raises(NotEntitled, match="appointment"):
        commission(who, who.foreign)


def test_a_guess_does_not_end_a_measurement_but_a_refusal_does(who: Cast, system: System) -> None:
    commission(who, system)
    with pytest.raises(NotEntitled):
        commission(who, system, by=who.colleague, status="indicative")
    row = commission(who, system, by=who.colleague, status="refused", reason="Table broken.")
    assert in_force(system, factory.today()) == row
    again = commission(who, system, by=who.colleague, status="indicative", evidence=None)
    assert again.status == "indicative"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"status": "checked"}, "bad-status"),
        ({"reason": "  "}, "blank"),
        ({"valid_from": date(2200, 1, 1)}, "future"),
        ({"evidence": None}, "no-evidence"),
        ({"profile": "uncalibrated"}, "no-calibration"),
        ({"profile": "unknown table", "status": "indicative"}, "unknown-row"),
    ],
)
def test_what_is_not_put_in_force(
    who: Cast, system: System, given: dict[str, Any], code: str
) -> None:
    changed = {
        "uncalibrated": replace(measured_profile(), calibrations=()),
        "unknown table": replace(
            measured_profile(), transmission=Transmission(rows_model="None such")
        ),
    }
    given = {k: changed.get(v, v) if isinstance(v, str) else v for k, v in given.items()}
    with pytest.raises(InputError) as refusal:
        commission(who, system, **given)
    assert refusal.value.code == code
    assert not RoomProfile.objects.exists()


def test_the_life_of_a_profile_for_the_tamper_tests(who: Cast) -> None:
    row = doses_life.a_room_profile(who)
    assert verify().sound, verify().findings
    assert in_force(who.system, factory.today()) == row


def test_what_was_not_measured_is_said() -> None:
    assert unknowns(measured_profile()) == []
    siemens = next(p for p in skin.built_in() if p.name == "siemens-axiom-artis")
    told = " ".join(unknowns(siemens))
    assert "not calibrated" in told
    assert "another room" in told
    assert "turned table" in told
    bare = replace(siemens, transmission=Transmission(), pivot="isocentre")
    assert any("upper bounds" in u for u in unknowns(bare))


# The form ---------------------------------------------------------------------------------------


def typed(profile: skin.RoomProfile, **more: Any) -> dict[str, Any]:
    """Return what a browser would post for a profile."""
    found = {k: v for k, v in initial_of(profile).items() if v is not None}
    if not found["obliquity"]:
        del found["obliquity"]
    given = {"status": "indicative", "valid_from": "2024-03-01", "reason": "Put together."}
    return {**found, **given, **more}


@pytest.mark.parametrize("name", ["siemens-axiom-artis", "philips-allura", "measured"])
def test_what_the_form_shows_is_what_it_gives_back(system: System, name: str) -> None:
    built_in = {p.name: p for p in skin.built_in()}
    profile = built_in.get(name) or replace(
        measured_profile(), pivot="table point", pivot_mm=(1.5, -2.0, 300.0)
    )
    form = ProfileForm(typed(profile))
    assert form.is_valid(), form.errors
    sources = tuple(" ".join(s.split()) for s in profile.sources)
    about = {"name": system.asset, "title": f"{system.asset} {system.name}", "serials": (),
             "manufacturer": system.manufacturer, "models": (system.model,), "reason": "",
             "status": "indicative", "valid_from": MEASURED, "sources": sources}  # fmt: skip
    assert form.profile(system) == replace(profile, **about)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("calibrations", "; 1.04; 3; 2026-03-01\nA; 1.04; 3", "Line 2: 3 of 4 parts"),
        ("calibrations", "; 1,04; 3; 2026-03-01", "“1,04” is not a number"),
        ("calibrations", "; nan; 3; 2026-03-01", "does not lie between"),
        ("calibrations", "; 1.04; 3; 1 March", "not a day"),
        ("table_points", "80; 0.1; 1.4", "does not lie between 0.01 and 1"),
        ("table_points", "80; 0.1", "2 of 3 parts"),
        ("across_offset_mm", "inf", "number"),
        ("across_offset_mm", "9e9", "less than or equal"),
        ("across_item", "table_cradle", "Select a valid choice"),
        ("inherent_al_mm", "0", "greater than or equal"),
        ("pivot", "table point", "three coordinates"),
        ("field_from", [], "required"),
    ],
)
def test_what_the_form_refuses(field: str, value: Any, told: str) -> None:
    form = ProfileForm(typed(measured_profile(), **{field: value}))
    assert not form.is_valid()
    assert told in " ".join(form.errors[field])


def test_measured_transmission_needs_its_points() -> None:
    form = ProfileForm(typed(measured_profile(), table_points=""))
    assert "measured" in str(form.errors["table_points"])


# Pages ------------------------------------------------------------------------------------------


def test_a_room_is_commissioned_on_its_page(who: Cast, system: System) -> None:
    browser = factory.client(who.approver)
    path = f"/doses/skin/rooms/{system.pk}/"
    assert "Not commissioned" in browser.get(path).content.decode()
    form = browser.get(f"{path}commission/?from=siemens-axiom-artis").content.decode()
    assert 'value="450.0"' in form
    assert "Begun from Siemens" in form
    body = typed(measured_profile(), status="validated", reason="Laser and film.")
    assert browser.post(f"{path}commission/", body).status_code == 422
    film = SimpleUploadedFile("film <1>.pdf", b"film", "application/pdf")
    answer = browser.post(f"{path}commission/", {**body, "evidence": film})
    assert answer.status_code == 302, answer.content.decode()[:3000]
    page = browser.get(path).content.decode()
    assert "Laser and film." in page
    assert "true over displayed 1.06" in page
    assert "film &lt;1&gt;.pdf" in page
    row = RoomProfile.objects.get()
    sent = browser.get(f"/doses/skin/profiles/{row.pk}/evidence/")
    assert (sent.content, sent.headers["Content-Type"]) == (b"film", "application/octet-stream")
    assert verify().sound


def test_a_room_is_refused_on_its_page(who: Cast, system: System) -> None:
    browser = factory.client(who.colleague)
    path = f"/doses/skin/rooms/{system.pk}/"
    body = {"valid_from": "2025-01-01", "reason": "The table is not tied to the beam."}
    assert browser.post(f"{path}refuse/", body).status_code == 302
    page = browser.get(path).content.decode()
    assert "The table is not tied to the beam." in page
    assert starting_points(system)[0][0] != "room"


@pytest.mark.parametrize(
    ("role", "shown", "changes"),
    [("technologist", 200, 403), ("assistant", 200, 403), ("manager", 200, 403),
     ("administrator", 403, 403), ("nurse", 404, 404), ("outsider", 404, 404)],
)  # fmt: skip
def test_who_opens_and_changes_a_room(
    who: Cast, system: System, role: str, shown: int, changes: int
) -> None:
    row = commission(who, system)
    browser = factory.client(getattr(who, role))
    path = f"/doses/skin/rooms/{system.pk}/"
    assert browser.get(path).status_code == shown
    assert browser.get(f"/doses/skin/profiles/{row.pk}/evidence/").status_code == shown
    for page in ("commission", "refuse"):
        assert browser.get(f"{path}{page}/").status_code == changes
        assert browser.post(f"{path}{page}/", typed(measured_profile())).status_code == changes
    assert browser.post(f"{path}redo/").status_code == changes
    assert RoomProfile.objects.get() == row


def test_the_system_leads_to_its_profile(who: Cast, system: System) -> None:
    def page(person: Any) -> str:
        return factory.client(person).get(f"/equipment/{system.asset}/").content.decode()

    assert f"/doses/skin/rooms/{system.pk}/" in page(who.colleague)
    assert "/doses/skin/" not in page(who.nurse)
