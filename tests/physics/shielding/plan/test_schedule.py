"""The schedule says what to add and where, and what a barrier is worth in lead."""

from __future__ import annotations

import pytest

from kerma.physics.shielding import Beam, curve
from kerma.physics.shielding.plan import Layer, assess
from tests.physics.shielding.plan.cases import (
    kap,
    one_wall,
    room,
)

LEAD_100 = Beam("primary", kv=100.0)


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
