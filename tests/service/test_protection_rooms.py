"""The register of rooms: entries are added with a reason; lists, filters, files, the placard."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kerma.core import InputError, NotEntitled
from kerma.service.estate.models import Room
from kerma.service.protection.models import AsBuilt, RoomEntry
from kerma.service.protection.rooms import selectors, services
from kerma.service.records.integrity import verify
from kerma.service.records.models import Event
from tests.service import factory
from tests.service import shielding_world as world
from tests.service.cast import Cast, cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def who() -> Cast:
    return cast()


def entered(who: Cast, room: Room | None = None, **given: Any) -> RoomEntry:
    return services.entry_set(**{
        "by": who.checker, "room": room or who.system.room, "designation": "controlled",
        "valid_from": factory.days(-10), "reason": "By the risk assessment.", **given,
    })  # fmt: skip


def full(who: Cast, room: Room | None = None, **given: Any) -> RoomEntry:
    return entered(who, room, **{
        "when": "while the X-ray set is powered", "signs": "Trefoil and red light",
        "local_rules": "LR 14", "supervisor": "Ash Test", **given,
    })  # fmt: skip


def in_force(who: Cast, *rooms: Room) -> Any:
    design = world.design(who, "CT suite")
    design.rooms.set(rooms)
    world.drawn(design, world.document(world.ct_source(who.system.asset)))
    version = world.kept(design)
    return design, version, world.issued(version)


def listed(who: Cast, reader: str = "checker", **query: str) -> set[str]:
    answer = factory.client(getattr(who, reader)).get(reverse("rooms"), {"format": "json", **query})
    assert answer.status_code == 200
    return {row["room"] for row in json.loads(answer.content)}


# Entries ------------------------------------------------------------------------------------------


def test_an_entry_holds_from_its_day_and_the_newest_holds(who: Cast) -> None:
    room = who.system.room
    first = full(who)
    again = entered(who, designation="supervised", valid_from=factory.days(-5), reason="Unit gone.")
    now = selectors.standing([room], factory.today())[room.pk]
    assert now.entry == again
    assert selectors.standing([room], factory.days(-7))[room.pk].entry == first
    assert selectors.standing([room], factory.days(-20))[room.pk].entry is None
    assert list(selectors.entries(room)) == [again, first]
    room.refresh_from_db()
    assert room.designation == "Supervised area"
    corrected = full(who, valid_from=factory.days(-5), reason="The wrong room was meant.")
    assert selectors.standing([room], factory.today())[room.pk].entry == corrected


def test_entries_are_sealed_logged_and_never_changed(who: Cast) -> None:
    row = full(who)
    assert verify().findings == []
    assert Event.objects.filter(kind="room.entry", subject=f"room:{row.room_id}").exists()
    row.reason = "another"
    with pytest.raises(TypeError):
        row.save()
    with pytest.raises(TypeError):
        row.delete()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"designation": "forbidden"}, "bad-designation"), ({"reason": " \n"}, "blank"),
        ({"valid_from": factory.days(1)}, "future"), ({"valid_from": factory.days(-11)}, "earlier"),
        ({"supervisor": "x" * 161}, "too-long"),
    ],
)  # fmt: skip
def test_entries_that_say_nothing_or_change_the_past_are_refused(
    who: Cast, given: dict[str, Any], code: str
) -> None:
    full(who)
    with pytest.raises(InputError) as caught:
        entered(who, **given)
    assert caught.value.code == code
    assert RoomEntry.objects.count() == 1


def test_a_design_of_another_site_is_refused(who: Cast) -> None:
    design = world.design(who, site=who.foreign.room.site, employer=who.theirs)
    with pytest.raises(InputError, match="another site"):
        entered(who, design=design)


@pytest.mark.parametrize("by", ["technologist", "administrator", "manager", "nurse", "assistant"])
def test_only_who_does_shielding_work_may_enter(who: Cast, by: str) -> None:
    with pytest.raises(NotEntitled):
        entered(who, by=getattr(who, by))
    url = reverse("room-entry", args=[who.system.room.key])
    browser = factory.client(getattr(who, by))
    assert browser.get(url).status_code == 403
    given = {"designation": "controlled", "valid_from": "2026-01-01", "reason": "x"}
    assert browser.post(url, given).status_code == 403
    assert not RoomEntry.objects.exists()
    assert reverse("room-entry", args=[who.system.room.key]) not in page(who, by)


@pytest.mark.parametrize(
    ("given", "gaps"),
    [
        ({}, ["local rules", "an RPS", "signs"]), ({"designation": "supervised"}, ["signs"]),
        ({"designation": "undesignated"}, []),
        ({"local_rules": "LR 1", "supervisor": "A", "signs": "B"}, []),
    ],
)  # fmt: skip
def test_what_the_law_asks_for_and_is_not_said_is_a_gap(
    who: Cast, given: dict[str, str], gaps: list[str]
) -> None:
    assert selectors.gaps_of(entered(who, **given)) == gaps
    assert selectors.gaps_of(None) == ["an entry"]


# Pages --------------------------------------------------------------------------------------------


def page(who: Cast, reader: str = "checker") -> str:
    url = reverse("room", args=[who.system.room.key])
    answer = factory.client(getattr(who, reader)).get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_regulator_reaches_the_report_in_three_clicks(who: Cast) -> None:
    full(who)
    _, version, issue = in_force(who, who.system.room)
    browser = factory.client(who.nurse)
    first = browser.get("/equipment/").content.decode()
    assert f'href="{reverse("rooms")}"' in first
    second = browser.get(reverse("rooms")).content.decode()
    assert f'href="{reverse("issue", args=[issue.pk])}"' in second
    assert browser.get(reverse("issue", args=[issue.pk])).status_code == 200
    # Pages of designs are for staff: a hospital's reader is led to none.
    assert reverse("design-version", args=[version.pk]) not in page(who, "nurse")
    assert reverse("design-version", args=[version.pk]) in page(who)


def test_a_hospital_sees_its_own_rooms_only(who: Cast) -> None:
    assert listed(who, "nurse") == {who.system.room.name}
    assert listed(who, "outsider") == {who.foreign.room.name}
    assert listed(who) == {who.system.room.name, who.foreign.room.name}
    browser = factory.client(who.outsider)
    for name in ("room", "room-entry", "room-placard"):
        assert browser.get(reverse(name, args=[who.system.room.key])).status_code == 404


def test_the_page_says_what_holds_and_everything_that_held(who: Cast) -> None:
    full(who)
    entered(who, designation="supervised", valid_from=factory.days(-2), reason="Tube withdrawn.")
    text = page(who)
    assert "By the risk assessment." in text
    assert "Tube withdrawn." in text
    assert "Missing:" in text
    assert who.system.asset in text


def test_a_new_entry_begins_with_what_held_but_not_why(who: Cast) -> None:
    full(who)
    browser, url = factory.client(who.checker), reverse("room-entry", args=[who.system.room.key])
    shown = browser.get(url).content.decode()
    assert "Ash Test" in shown
    assert "By the risk assessment." not in shown
    given = {"designation": "supervised", "valid_from": factory.today().isoformat(),
             "reason": "The set was withdrawn.", "signs": "Trefoil"}  # fmt: skip
    assert browser.post(url, {**given, "reason": ""}).status_code == 422
    late = browser.post(url, {**given, "valid_from": factory.days(3).isoformat()})
    assert late.status_code == 422
    assert "today at the latest" in late.content.decode()
    assert browser.post(url, given).status_code == 302
    assert RoomEntry.objects.first().designation == "supervised"


@pytest.mark.parametrize(
    ("text", "linked"),
    [("https://rules.example/14", True), ("LR 14", False), ("javascript:alert(1)", False)],
)
def test_only_addresses_of_the_web_become_links(who: Cast, text: str, linked: bool) -> None:
    full(who, local_rules=text)
    assert (f'href="{text}"' in page(who)) is linked
    answer = factory.client(who.checker).get(reverse("rooms")).content.decode()
    assert (f'href="{text}"' in answer) is linked


def test_what_is_typed_is_shown_as_text(who: Cast) -> None:
    full(who, supervisor="<script>alert(1)</script>", reason="<b>x</b>")
    for text in (
        page(who),
        placard(who),
        factory.client(who.nurse).get("/protection/rooms/").content.decode(),
    ):
        assert "<script>alert" not in text
        assert "<b>x</b>" not in text


# Filters and files --------------------------------------------------------------------------------


def test_rooms_are_narrowed_by_site_designation_and_words(who: Cast) -> None:
    ours, theirs = who.system.room, who.foreign.room
    full(who)
    assert listed(who, designation="controlled") == {ours.name}
    assert listed(who, designation="supervised") == set()
    assert listed(who, designation="absent") == {theirs.name}
    assert listed(who, site=theirs.site.key) == {theirs.name}
    assert listed(who, q=who.foreign.asset) == {theirs.name}
    assert listed(who, q="nowhere") == set()


def test_rooms_without_a_design_in_force(who: Cast) -> None:
    ours, theirs = who.system.room, who.foreign.room
    second = factory.room(ours.site)
    in_force(who, ours, second)
    assert listed(who, no_design="on") == {theirs.name}
    # An entry that names another design, of which nothing is issued, takes the room out of it.
    other = world.design(who, "New suite")
    entered(who, second, design=other)
    assert listed(who, no_design="on") == {theirs.name, second.name}


def test_a_paper_of_an_as_built_measurement_puts_no_design_in_force(who: Cast) -> None:
    design = world.design(who)
    design.rooms.add(who.system.room)
    world.drawn(design, world.document(world.ct_source(who.system.asset)))
    world.issued(world.kept(design), "As-built verification")
    assert who.system.room.name in listed(who, no_design="on")
    assert selectors.standing([who.system.room], factory.today())[who.system.room.pk].held is None


def test_rooms_to_look_at_again(who: Cast) -> None:
    in_force(who, who.system.room)
    assert listed(who, recheck="on") == set()
    who.system.status = "withdrawn"
    who.system.save()
    assert listed(who, recheck="on") == {who.system.room.name}
    assert "was withdrawn" in page(who)


def test_the_last_measurement_is_shown(who: Cast) -> None:
    _, version, _ = in_force(who, who.system.room)
    AsBuilt.objects.create(
        version=version, barrier="w1", name="Wall", measured_on=factory.days(-1), readings={},
        record={}, record_sha256="", outcome="less", at=timezone.now(), by=who.checker,
    )  # fmt: skip
    answer = factory.client(who.checker).get(reverse("rooms"), {"format": "json"})
    row = next(r for r in json.loads(answer.content) if r["room"] == who.system.room.name)
    assert row["as_built"] == "Wall: less than designed; 1 of 1 measured"
    assert "less shielding than designed" in row["recheck"]


def test_a_good_wall_measured_later_does_not_hide_a_bad_one(who: Cast) -> None:
    _, version, _ = in_force(who, who.system.room)
    for barrier, outcome, ago in (("w9", "less", 3), ("w1", "less", 2), ("w1", "agrees", 1)):
        AsBuilt.objects.create(
            version=version, barrier=barrier, name=f"Wall {barrier}", readings={}, record={},
            measured_on=factory.days(-ago), record_sha256="", outcome=outcome, at=timezone.now(),
            by=who.checker,
        )  # fmt: skip
    room = who.system.room
    built = selectors.standing([room], factory.today())[room.pk].as_built
    assert built is not None
    assert (built.worst.name, built.measured) == ("Wall w9", 2)


def test_files_hold_every_row_and_column(who: Cast) -> None:
    full(who, supervisor="=1+1")
    browser = factory.client(who.checker)
    for form in ("csv", "xlsx", "json"):
        answer = browser.get(reverse("rooms"), {"format": form})
        assert answer.status_code == 200
        assert answer["Content-Disposition"].endswith(f'.{form}"')
    text = browser.get(reverse("rooms"), {"format": "csv"}).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 2
    ours = next(r for r in rows if r["Room"] == who.system.room.name)
    assert (ours["Signs"], ours["While"]) == (
        "Trefoil and red light", "while the X-ray set is powered",
    )  # fmt: skip
    assert ours["RPS"] == "'=1+1"


def test_no_rooms_at_all(who: Cast) -> None:
    nobody = factory.hospital_user(factory.employer())
    answer = factory.client(nobody).get(reverse("rooms"))
    assert answer.status_code == 200
    assert "No room yet" in answer.content.decode()
    assert json.loads(factory.client(nobody).get("/protection/rooms/?format=json").content) == []


def queries(who: Cast, **query: str) -> int:
    browser = factory.client(who.checker)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert browser.get(reverse("rooms"), query).status_code == 200
    return len(seen)


def test_many_rooms_cost_no_more_queries_than_few(who: Cast) -> None:
    full(who)
    in_force(who, who.system.room)
    who.system.status = "withdrawn"
    who.system.save()
    asked = ({"q": "Room"}, {"no_design": "on"}, {"recheck": "on"}, {"sort": "-since"})
    queries(who)  # what is read once
    few = [queries(who, **query) for query in asked]
    site = who.system.room.site
    made = Room.objects.bulk_create(
        Room(site=site, key=f"many-{n}", name=f"Room {n:05d}") for n in range(300)
    )
    RoomEntry.objects.bulk_create(
        RoomEntry(room=r, designation="controlled", valid_from=factory.days(-3), reason="x",
                  at=timezone.now(), by=who.checker) for r in made
    )  # fmt: skip
    in_force(who, *made[:60])
    queries(who)
    assert [queries(who, **query) for query in asked] == few


def test_ten_thousand_rooms_are_listed_and_written(who: Cast) -> None:
    site = who.system.room.site
    made = Room.objects.bulk_create(
        (Room(site=site, key=f"many-{n}", name=f"Room {n:05d}") for n in range(10_000)),
        batch_size=1000,
    )
    RoomEntry.objects.bulk_create(
        (RoomEntry(room=r, designation="controlled", valid_from=factory.days(-3), reason="x",
                   at=timezone.now(), by=who.checker) for r in made), batch_size=1000,
    )  # fmt: skip
    in_force(who, *made[:500])
    browser = factory.client(who.checker)
    answer = browser.get(reverse("rooms"), {"sort": "-designation", "page": "9"})
    assert answer.status_code == 200
    assert "10" in answer.content.decode()
    assert len(listed(who)) == 10_002


# The placard --------------------------------------------------------------------------------------


def placard(who: Cast, reader: str = "checker") -> str:
    url = reverse("room-placard", args=[who.system.room.key])
    answer = factory.client(getattr(who, reader)).get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_placard_says_what_the_register_says(who: Cast) -> None:
    full(who)
    for reader in ("checker", "nurse"):
        text = placard(who, reader)
        for words in ("Controlled area", "X-rays", "trefoil.svg", "Ash Test", "LR 14",
                      "While the X-ray set is powered", "Trefoil and red light"):  # fmt: skip
            assert words in text, words
        assert "Missing from the register" not in text


def test_a_placard_that_lacks_something_says_so(who: Cast) -> None:
    entered(who)
    assert "Missing from the register" in placard(who)


def test_no_placard_without_an_entry_or_a_designation(who: Cast) -> None:
    assert "Nothing to hang" in placard(who)
    entered(who, designation="undesignated")
    assert "needs no placard" in placard(who)
    assert "trefoil" not in placard(who)
