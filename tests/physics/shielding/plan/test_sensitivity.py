"""How far a design holds: twice the workload, a step of occupancy, a higher voltage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kerma.physics.shielding.plan import Layer, Use, assess
from kerma.physics.shielding.plan.sensitivity import occupancies, step_up, worst_of
from tests.physics.shielding.plan.cases import (
    ct,
    kap,
    one_wall,
    patients,
    room,
    source,
)


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
