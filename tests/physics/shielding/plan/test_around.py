"""Sensitivity, schedule, as built, differences between two plans."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from kerma.core import InputError, quantity
from kerma.physics.shielding import Beam, curve
from kerma.physics.shielding.layers import layered_log
from kerma.physics.shielding.plan import Layer, Plan, Slab, Storey, Use, assess, faults
from kerma.physics.shielding.plan.as_built import as_built
from kerma.physics.shielding.plan.differences import differences, needs_recheck
from kerma.physics.shielding.plan.sensitivity import occupancies, step_up, worst_of
from tests.physics.shielding.plan.cases import (
    area,
    ct,
    kap,
    one_wall,
    patients,
    room,
    source,
    wall,
)

LEAD_100 = Beam("primary", kv=100.0)


def test_steps_of_occupancy_are_the_methods_own() -> None:
    assert occupancies("ncrp147") == (0.025, 0.05, 0.125, 0.2, 0.5, 1.0)
    assert occupancies("uk") == (0.05, 0.125, 0.2, 0.5, 1.0)
    assert step_up("ncrp147", 0.05) == 0.125
    assert step_up("uk", 0.1) == 0.125
    assert step_up("uk", 1.0) is None


def test_twice_the_workload_and_one_step_of_occupancy() -> None:
    made = assess(room())
    before = {a.key: a.ratio for a in made.areas}
    workload, occupancy, voltage = made.sensitivity
    for held in workload.areas:
        assert held.ratio == pytest.approx(2 * float(before[held.area] or 0))
    corridor, office = occupancy.areas
    assert corridor.ratio == pytest.approx(float(before["c"] or 0) * 0.2 / 0.125)
    assert office.ratio == before["o"]
    assert "highest step" in office.note
    raised = replace(room(), sources=(source("ct", (3, 2.5), ct(kv=130), kap(kv=95)),))
    assert {h.area: h.ratio for h in voltage.areas} == pytest.approx(
        {a.key: a.ratio for a in assess(raised).areas}, rel=1e-6
    )
    assert worst_of(made.sensitivity)["workload"] == max(h.ratio for h in workload.areas if h.ratio)


def test_an_adequate_area_may_not_hold_twice_the_workload() -> None:
    plan = one_wall("uk", ct(1e5), gap=3.0, layers=(Layer("lead", 1.0),), goal=None)
    (one,) = assess(plan).areas
    assert one.ratio is not None
    scaled = one_wall("uk", ct(1e5 / one.ratio * 0.7), gap=3.0, layers=(Layer("lead", 1.0),),
                      goal=None)  # fmt: skip
    made = assess(scaled)
    assert made.adequate is True
    assert made.sensitivity[0].areas[0].adequate is False


def test_a_voltage_no_table_has_is_refused_and_a_distribution_has_none() -> None:
    high = replace(room(), sources=(source("ct", (3, 2.5), ct(kv=140)),))
    assert "150 kV lies outside the tables" in assess(high).sensitivity[2].refused
    plan = one_wall("ncrp147", patients("Chest Room", 100), gap=3.0,
                    layers=(Layer("lead", 1.0),), goal=None)  # fmt: skip
    assert "No use states" in assess(plan).sensitivity[2].refused
    bins = replace(room(), sources=(source("ct", (3, 2.5), Use("kap_bins", {
        "bins": {"70": 100, "90": 50}, "direction": [0, 0, -1]})),))  # fmt: skip
    table = assess(bins).sensitivity[2]
    assert table.refused == ""
    assert all((h.ratio or 0) > (a.ratio or 0) for h, a in zip(
        table.areas, assess(bins).areas, strict=True))  # fmt: skip


def test_schedule_says_what_to_add_and_where() -> None:
    made = assess(room())
    rows = {r.key: r for r in made.schedule}
    assert list(rows) == ["n", "e", "s", "w", "d", "f"]
    north, door, slab = rows["n"], rows["d"], rows["f"]
    assert (north.length_m, north.height_m, north.least_height_m) == (6.0, 3.0, 2.1)
    assert north.existing == "100 mm concrete"
    assert north.add.endswith("mm lead")
    assert north.total == f"{north.existing} + {north.add}"
    assert (door.add, door.kind, door.height_m) == ("", "Door", 2.1)
    assert (slab.kind, slab.length_m, slab.least_height_m) == ("Slab", None, None)
    beams = {e.beam: e.lead_mm for e in door.lead}
    assert beams == pytest.approx({"ct secondary, 120 kV": 1.8, "primary, 85 kV": 1.8})
    for held in north.lead:
        assert 0.9 < held.lead_mm < 1.6


def test_lead_equivalence_is_what_lead_would_let_through() -> None:
    plan = one_wall("uk", kap(kv=100.0), gap=3.0, layers=(Layer("concrete", 100.0),), goal=None)
    (row,) = assess(plan).schedule
    through = curve("concrete", LEAD_100).transmission(100.0)
    assert row.lead[0].lead_mm == pytest.approx(curve("lead", LEAD_100).thickness(through))


def test_a_barrier_nothing_passes_has_no_equivalence_that_says_anything() -> None:
    plan = one_wall("uk", kap(kv=100.0), gap=10.0, layers=(Layer("lead", 2e3),), goal=None)
    made = assess(plan)
    assert made.schedule[0].lead == ()
    assert made.adequate is True


def _readings(transmission: float, u: float = 0.02) -> dict[str, object]:
    return {"without": quantity(500.0, "uGy", 500.0 * u),
            "behind": quantity(500.0 * transmission, "uGy", 500.0 * transmission * u)}  # fmt: skip


@pytest.mark.parametrize(
    ("mm", "verdict"), [(2.0, "agrees"), (1.99, "agrees"), (1.5, "less"), (2.5, "more")]
)
def test_measured_against_designed(mm: float, verdict: str) -> None:
    passed = curve("lead", LEAD_100).transmission(mm)
    made = as_built([Layer("lead", 1.8), Layer("lead", 0.2)], LEAD_100, **_readings(passed))  # type: ignore[arg-type]
    assert made.verdict == verdict
    assert made.measured.value.value == pytest.approx(passed)
    assert made.measured.value.u == pytest.approx(passed * math.hypot(0.02, 0.02), rel=1e-3)
    assert made.designed.value.value == pytest.approx(curve("lead", LEAD_100).transmission(2.0))
    assert made.thickness is not None
    assert made.thickness.value.value == pytest.approx(mm, rel=1e-6)
    slope = (math.log(curve("lead", LEAD_100).transmission(mm - 1e-4)) - math.log(passed)) / 1e-4
    assert made.thickness.value.u == pytest.approx(math.hypot(0.02, 0.02) / slope, rel=5e-3)
    assert made.as_dict()["verdict"] == verdict
    assert f"{passed:.2g}"[:3] in made.why or "k = 2" in made.why


def test_the_comparison_is_by_the_expanded_uncertainty() -> None:
    designed = curve("lead", LEAD_100).transmission(2.0)
    for beyond, verdict in ((1.99, "agrees"), (2.01, "less"), (-2.01, "more")):
        u = 0.03 * designed
        made = as_built([Layer("lead", 2.0)], LEAD_100, without=quantity(1.0, "mGy", 0.0),
                        behind=quantity(designed + beyond * u, "mGy", u))  # fmt: skip
        assert made.verdict == verdict


def test_layers_as_built_and_readings_of_another_unit() -> None:
    stack = [Layer("concrete", 100.0), Layer("lead", 1.0)]
    curves = [curve(v.material, LEAD_100) for v in stack]
    passed = math.exp(layered_log(curves, [100.0, 1.0]))
    made = as_built(stack, LEAD_100, without=quantity(5.0, "mGy", 0.05),
                    behind=quantity(5000.0 * passed, "uGy", 50.0 * passed))  # fmt: skip
    assert made.verdict == "agrees"
    assert made.measured.value.value == pytest.approx(passed)


@pytest.mark.parametrize(
    ("layers", "words", "code"),
    [([], {}, "no-layers"), ([Layer("lead", 1.0)], {"behind": quantity(1, "uGy")},
                             "no-uncertainty"),
     ([Layer("lead", 1.0)], {"behind": quantity(1, "kV", 1)}, "wrong-unit"),
     ([Layer("lead", 1.0)], {"behind": quantity(0, "uGy", 1)}, "not-above-zero"),
     ([Layer("straw", 1.0)], {}, "unknown-material")],
)  # fmt: skip
def test_as_built_refused(layers: list[Layer], words: dict[str, object], code: str) -> None:
    given = {**_readings(0.01), **words}
    with pytest.raises(InputError) as refused:
        as_built(layers, LEAD_100, **given)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_more_behind_than_before_has_no_thickness() -> None:
    made = as_built([Layer("lead", 1.0)], LEAD_100, **_readings(1.2))  # type: ignore[arg-type]
    assert made.thickness is None
    assert made.verdict == "less"


Change = Callable[[Plan], Plan]


def _areas(**words: object) -> Change:
    return lambda p: replace(p, areas=(replace(p.areas[0], **words), *p.areas[1:]))  # type: ignore[arg-type]


def _sources(**words: object) -> Change:
    return lambda p: replace(p, sources=(replace(p.sources[0], **words),))  # type: ignore[arg-type]


def _walls(**words: object) -> Change:
    return lambda p: replace(p, barriers=(replace(p.barriers[0], **words), *p.barriers[1:]))  # type: ignore[arg-type]


DOOR = wall("d2", (4, 0), (5, 0), 1.0, kind="door", within="n", top_m=2.0)
CHANGES: list[tuple[Change, str, bool]] = [
    (_sources(uses=(ct(5.6e6), kap())), "dose-length product per year up 40 %", True),
    (_sources(uses=(ct(2e6), kap())), "per year down 50 %", False),
    (_sources(uses=(ct(kv=130), kap())), "tube voltage changed from 120 to 130", True),
    (_sources(uses=(ct(region="head"), kap())), "from Body, 32 cm to Head, 16 cm", True),
    (_sources(uses=(ct(), kap(), kap(20.0))), "is used for Scatter by KAP now", True),
    (_sources(uses=(ct(),)), "no longer used for Scatter by KAP", False),
    (_sources(system="other"), "system of Source ct was exchanged", True),
    (_sources(position=(3.0, 2.0)), "stands elsewhere", True),
    (_sources(name="CT 2"), "is called CT 2 now", False),
    (lambda p: replace(p, sources=(*p.sources, source("x", (1, 1), ct()))), "Source x is new",
     True),
    (lambda p: replace(p, sources=()), "Source ct is gone", False),
    (_areas(occupancy=1.0), "Occupancy of Area c is 1, it was 0.125", True),
    (_areas(occupancy=0.05), "Occupancy of Area c is 0.05", False),
    (_areas(designation="controlled", goal=0.3), "is controlled area now", True),
    (_areas(goal=0.1), "another goal", True),
    (_areas(polygon=((0, -3), (6, -3), (6, 0), (0, 0))), "another outline", True),
    (lambda p: replace(p, areas=(*p.areas, area("x", (7, 0), (8, 1)))), "Area x is new", True),
    (lambda p: replace(p, areas=p.areas[:1]), "Area o is gone", False),
    (lambda p: replace(p, barriers=p.barriers[:1] + p.barriers[2:]), "Wall e was removed", True),
    (lambda p: replace(p, barriers=(*p.barriers, wall("x", (1, 1), (1, 2)))), "Wall x is new",
     False),
    (lambda p: replace(p, barriers=(*p.barriers, DOOR)), "Door Wall d2 is new", True),
    (_walls(layers=(Layer("concrete", 80.0),)), "thinner or of another material", True),
    (_walls(layers=(Layer("concrete", 100.0), Layer("lead", 1.0))), "is thicker", False),
    (_walls(layers=(Layer("steel", 100.0),)), "another material", True),
    (_walls(top_m=2.0), "another place or size", True),
    (_walls(end=(6.5, 0)), "another place or size", True),
    (lambda p: replace(p, slabs=(Slab("f", "Floor", "u", (Layer("concrete", 100.0),)),)),
     "is thinner", True),
    (lambda p: replace(p, slabs=()), "was removed", True),
    (lambda p: replace(p, storeys=(p.storeys[0], Storey("u", "First floor", 3.5, 3.0))),
     "other heights", True),
    (lambda p: replace(p, storeys=(*p.storeys, Storey("t", "Top", 7.0, 3.0))), "Top is new", True),
    (lambda p: replace(p, rule="product"), "the rule “product”", True),
    (lambda p: replace(p, method="ncrp147"), "The method is NCRP", True),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words", "recheck"), CHANGES)
def test_what_changed_is_said_and_whether_to_look_again(
    change: Change, words: str, recheck: bool
) -> None:
    before = room()
    found = differences(before, change(before))
    (one,) = [d for d in found if words in d.message]
    assert one.recheck is recheck
    assert needs_recheck([one]) is recheck


def test_nothing_changed() -> None:
    assert differences(room(), room()) == ()
    assert not needs_recheck(())


@pytest.mark.parametrize(("change", "words", "recheck"), CHANGES)
def test_a_change_that_raises_a_ratio_is_never_left_without_a_recheck(
    change: Change, words: str, recheck: bool
) -> None:
    """Whatever makes an area worse calls for a re-check."""
    before, after = room(), change(room())
    if any(f.blocking for f in faults(after)):
        return
    was = {a.key: a.ratio or 0.0 for a in assess(before).areas}
    is_now = {a.key: a.ratio or 0.0 for a in assess(after).areas}
    worse = any(v > was.get(k, 0.0) * (1 + 1e-6) for k, v in is_now.items())
    assert recheck or not worse
