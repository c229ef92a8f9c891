"""Why a design in force must be looked at again: each reason when there is one, and only then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from kerma.core import content_hash
from kerma.physics.shielding.plan import read
from kerma.service.protection.models import AsBuilt, Design, DesignVersion
from kerma.service.protection.shielding import recheck
from kerma.service.protection.shielding.in_force import in_force
from kerma.service.protection.shielding.plan_workload import designed
from tests.service import factory
from tests.service import shielding_world as world
from tests.service.cast import Cast, cast
from tests.service.test_shielding_workload import fill

pytestmark = pytest.mark.django_db


@dataclass
class Scene:
    who: Cast
    design: Design
    version: DesignVersion


@pytest.fixture
def scene() -> Scene:
    """A CT room whose design is issued."""
    who = cast()
    design = world.design(who)
    design.rooms.add(who.system.room)
    world.drawn(design, world.document(world.ct_source(who.system.asset)))
    version = world.kept(design)
    world.issued(version)
    return Scene(who, design, version)


def codes(of: Scene) -> list[str]:
    found = recheck.of_design(of.design)
    assert all(r.sentence.endswith(".") for r in found)
    return [r.code for r in found]


def scans(of: Scene, dlp: float, weeks: int = 10) -> None:
    """So many weeks of ten scans, up to last week."""
    last = timezone.localdate() - timedelta(days=7)
    monday = last - timedelta(days=last.weekday())
    fill(of.who.system, [
        {"date": monday - timedelta(days=7 * w), "dlp_mgy_cm": dlp}
        for w in range(weeks) for _ in range(10)
    ])  # fmt: skip


def measured(of: Scene, outcome: str, ago: int = 3, barrier: str = "w1") -> AsBuilt:
    return AsBuilt.objects.create(
        version=of.version, barrier=barrier, name="Wall to the corridor",
        measured_on=factory.days(-ago), readings={}, record={}, record_sha256=content_hash({}),
        outcome=outcome, at=timezone.now(), by=of.version.by,
    )  # fmt: skip


def test_nothing_changed_is_no_reason(scene: Scene) -> None:
    assert codes(scene) == []


def test_a_design_without_an_issued_paper_has_nothing_to_be_looked_at_again(scene: Scene) -> None:
    other = world.design(scene.who, "Another")
    world.drawn(other, world.document(world.ct_source("gone")))
    version = world.kept(other)
    assert recheck.of_design(other) == []
    assert other.pk not in recheck.of_designs()
    assert [r.code for r in recheck.of_version(version)] == ["system-gone"]


def test_a_paper_of_an_as_built_measurement_is_not_the_design(scene: Scene) -> None:
    later = world.kept(scene.design)
    world.issued(later, "As-built verification")
    assert in_force([scene.design.pk])[scene.design.pk].version == scene.version.pk
    world.issued(later)
    held = in_force()[scene.design.pk]
    assert (held.version, held.number) == (later.pk, 2)
    assert held.issue is not None


def test_a_workload_above_the_designs(scene: Scene) -> None:
    scans(scene, 1000.0)  # 10,000 a week: 521,429 a year, designed for 1,000,000
    assert codes(scene) == []
    scans(scene, 1000.0)
    (found,) = recheck.of_design(scene.design)
    assert found.code == "workload"
    said = found.sentence.replace("\u202f", " ").replace("\xa0", " ")
    assert "1 040 000 mGy cm a year" in said
    assert "1 000 000 mGy cm" in said
    assert "70 days covered" in found.sentence


def test_today_counts_what_must_be_looked_at_again(scene: Scene) -> None:
    def told() -> str:
        return factory.client(scene.who.colleague).get("/").content.decode()

    assert "shielding design to look at again" not in told()
    measured(scene, "less")
    assert "shielding design to look at again" in told()
    assert "shielding design" not in factory.client(scene.who.nurse).get("/").content.decode()


def test_a_few_weeks_are_no_workload(scene: Scene) -> None:
    scans(scene, 10_000.0, weeks=3)
    assert codes(scene) == []


def test_a_system_withdrawn_moved_gone_or_new(scene: Scene) -> None:
    system = scene.who.system
    system.status, system.withdrawn_on = "withdrawn", factory.days(-9)
    system.save()
    assert [(r.code, r.since) for r in recheck.of_design(scene.design)] == [
        ("system-withdrawn", factory.days(-9))
    ]
    system.status = "in_use"
    system.room = factory.room(system.room.site)
    system.save()
    assert codes(scene) == ["system-moved"]
    factory.system(scene.design.rooms.get())
    assert codes(scene) == ["system-moved", "system-new"]


def test_displays_and_sources_nobody_linked_are_no_new_systems(scene: Scene) -> None:
    factory.system(scene.design.rooms.get(), modality="display")
    assert codes(scene) == []
    world.drawn(scene.design, world.document(world.ct_source("")))
    world.issued(world.kept(scene.design))
    assert codes(scene) == []


def test_a_design_of_no_named_room_asks_for_the_site(scene: Scene) -> None:
    scene.design.rooms.clear()
    assert codes(scene) == []
    scene.who.system.room = scene.who.foreign.room
    scene.who.system.save()
    assert codes(scene) == ["system-moved"]


def area(**changes: Any) -> dict[str, Any]:
    return {"key": "a1", "name": "Corridor", "storey": "s1", "polygon": world.CORRIDOR,
            "occupancy": 0.2, "occupancy_why": "Agreed with the head of imaging.",
            **changes}  # fmt: skip


@pytest.mark.parametrize(
    ("areas", "words"),
    [
        ([area(occupancy=1.0)], "Occupancy of Corridor is 1, it was 0.2."),
        ([area(), area(key="a2", name="Office")], "Area Office is new."),
        ([area(occupancy=0.1)], None), ([area(name="Passage")], None),
    ],
)  # fmt: skip
def test_neighbours_of_the_newest_drawing(scene: Scene, areas: list[Any], words: str) -> None:
    source = world.ct_source(scene.who.system.asset)
    world.drawn(scene.design, world.document(source, areas=areas))
    found = recheck.of_design(scene.design)
    assert [r.sentence for r in found] == ([f"In the newest drawing: {words}"] if words else [])
    assert all(r.since == factory.today() for r in found)


def test_walls_redrawn_are_a_proposal_and_no_reason(scene: Scene) -> None:
    source = world.ct_source(scene.who.system.asset)
    world.drawn(scene.design, world.document(source, barriers=[]))
    assert codes(scene) == []


def test_reference_rows_that_changed(scene: Scene) -> None:
    sources = scene.version.assessment["sources"]
    assert len(sources) > 3
    sources[0]["sha256"] = "0" * 64
    sources[1]["row"] = "bir/no-such-row"
    DesignVersion.objects.filter(pk=scene.version.pk).update(
        assessment=scene.version.assessment, assessment_sha256=content_hash(sources)
    )
    (found,) = recheck.of_design(scene.design)
    assert found.code == "reference"
    assert sources[0]["row"] in found.sentence
    assert found.sentence.startswith("2 rows")


def test_less_shielding_than_designed_until_it_is_measured_again(scene: Scene) -> None:
    measured(scene, "less", ago=3)
    (found,) = recheck.of_design(scene.design)
    assert (found.code, found.since) == ("as-built-less", factory.days(-3))
    measured(scene, "agrees", ago=5)  # an older one, written later
    assert codes(scene) == ["as-built-less"]
    measured(scene, "agrees", ago=1)
    assert codes(scene) == []
    measured(scene, "less", ago=1, barrier="w2")
    assert codes(scene) == ["as-built-less"]


def test_a_version_that_cannot_be_read_says_so(scene: Scene) -> None:
    DesignVersion.objects.filter(pk=scene.version.pk).update(
        document={"plan": {"method": "old"}}, document_sha256="1" * 64
    )
    assert codes(scene) == ["unreadable"]


@pytest.mark.parametrize("more", [0, 12])
def test_so_many_designs_cost_no_more_queries(
    scene: Scene, more: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(more):
        design = world.design(scene.who, f"Design {number}")
        design.rooms.add(scene.who.system.room)
        world.drawn(design, world.document(world.ct_source(scene.who.system.asset, 1e6 + number)))
        world.issued(world.kept(design))
    with django_assert_num_queries(10):
        assert len(recheck.of_designs()) == 1 + more


# What a plan was designed for ---------------------------------------------------------------------


def amounts(method: str, *uses: tuple[str, dict[str, Any]]) -> dict[str, float]:
    source = {"system": "X", "uses": [{"kind": k, "given": g, "title": ""} for k, g in uses]}
    plan = read(world.document(source, method=method)["plan"])
    return {d.measure: d.amount for d in designed(plan)}


def test_kap_of_scatter_adds_and_the_primary_beam_is_not_counted_twice() -> None:
    scatter = ("kap", {"kap_gy_cm2": 100.0, "kv": 80})
    bins = ("kap_bins", {"bins": {"80": 40.0, "85": 60.0}})
    primary = ("primary", {"kap_gy_cm2": 100.0})
    assert amounts("uk", scatter, bins, primary) == {"kap": 200.0}
    assert amounts("uk", primary) == {"kap": 100.0}


def test_patients_of_one_room_are_the_same_people() -> None:
    bucky = ("patients", {"distribution": "Rad Room (chest bucky)", "patients": 60})
    floor = ("patients", {"distribution": "Rad Room (floor or other barriers)", "patients": 100})
    other = ("patients", {"distribution": "Fluoroscopy Tube (R&F room)", "patients": 20})
    assert amounts("ncrp147", bucky, floor, other) == {"patients": 120.0}


def test_ct_by_procedures_is_a_dlp() -> None:
    use = ("ct_procedures", {"procedures": 120, "dlp_mgy_cm": 500.0})
    assert amounts("ncrp147", use) == {"dlp": 60_000.0}


def test_a_use_without_its_number_is_no_workload() -> None:
    assert amounts("uk", ("kap", {"kv": 80}), ("kap_bins", {})) == {}
