"""Shielding: more work needs more, what is found keeps the goal, and what cannot be is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation
from kerma.physics.shielding import Source, behind, bir, ncrp, per_patient
from kerma.physics.shielding.angular import angle_between
from kerma.physics.shielding.barrier import standard_lead

ONE = quantity(1, "1")
FLOOR = "Rad Room (floor or other barriers)"
BUCKY = "Rad Room (chest bucky)"
TABLE_CASE, CROSS = "table or wall bucky", "cross-table lateral"
# Direction of each printed K1sec.
SIDE, BACK = "side", "fwd_back"


def _n(value: float, unit: str = "1") -> Quantity:
    return quantity(value, unit)


ONE_M = quantity(1, "m")


def _wall(kap: float, d: float, t: float = 1.0, material: str = "lead") -> float:
    kerma = bir.wall_scatter(_n(kap, "Gy.cm2"), _n(85, "kV"), distance=_n(d, "m"))
    return bir.barrier([bir.source(kerma, 85)], material=material, occupancy=_n(t)).value.value


@settings(max_examples=30)
@given(st.floats(100, 1e5), st.floats(1, 5), st.floats(0.05, 0.9))
def test_more_work_less_distance_more_presence_need_more(kap: float, d: float, t: float) -> None:
    x = _wall(kap, d, t)
    assert _wall(kap * 2, d, t) >= x
    assert _wall(kap, d * 0.9, t) >= x
    assert _wall(kap, d, t * 1.1) >= x
    assert _wall(kap * 4, d * 2, t) == pytest.approx(x, rel=1e-9)


@settings(max_examples=20)
@given(st.floats(1, 500), st.floats(1.0, 4.0), st.sampled_from(["lead", "concrete", "steel"]))
def test_the_thickness_found_keeps_the_goal(n: float, d: float, material: str) -> None:
    both = [
        ncrp.primary_source(FLOOR, patients=_n(n), distance=_n(d, "m"), use=_n(0.09)),
        ncrp.secondary_source(FLOOR, patients=_n(n), distance=_n(d, "m"), direction=SIDE),
    ]
    made = ncrp.barrier(both, material=material, area="uncontrolled", occupancy=_n(0.2))
    if made.value.value > 0:
        after = behind(both, material=material, x=made.value, period="week")
        assert after.value.value == pytest.approx(0.1, rel=1e-6)


def test_nothing_needed_and_a_wrong_material() -> None:
    assert _wall(0.01, 3) == 0.0
    assert _wall(500, 1.5, material="gypsum_wallboard") > 100 * _wall(500, 1.5)


def test_local_constraint_and_record() -> None:
    kerma = bir.wall_scatter(_n(500, "Gy.cm2"), _n(85, "kV"), distance=quantity(1.5, "m", 0.05))
    source = bir.source(kerma, 85)
    local = bir.barrier([source], material="lead", occupancy=ONE,
                        local_constraint=_n(150, "uSv"))  # fmt: skip
    made = bir.barrier([source], material="lead", occupancy=ONE)
    assert local.others["allowed"].value == pytest.approx(0.15)
    assert local.value.value > made.value.value
    assert Calculation.from_dict(made.as_dict()).sha256 == made.sha256
    assert made.value.u is not None
    assert {"bir/scatter_from_kap/wall_max", "archer/ncrp147-A.1-primary-85-lead"} <= {
        s.row for s in made.sources
    }
    assert not made.recalled
    assert any("ceilings" in limit for limit in made.limits)


def test_lead_sheets() -> None:
    """BS EN 12588 sheets less their tolerance of 5 %; the thickest are recalled, and say so."""
    assert standard_lead(_n(1.25, "mm")).value.value == 1.32
    assert standard_lead(_n(1.26, "mm")).value.value == 1.80
    assert standard_lead(_n(3.2, "mm")).recalled
    with pytest.raises(InputError) as refused:
        standard_lead(_n(3.5, "mm"))
    assert refused.value.code == "no-standard-size"


def _secondary(**more: Any) -> Source:
    words: dict[str, Any] = {"patients": ONE, "distance": ONE_M, "direction": SIDE} | more
    return ncrp.secondary_source(words.pop("of", FLOOR), **words)


def _required(**more: Any) -> Calculation:
    words: dict[str, Any] = {"material": "lead", "area": "uncontrolled", "occupancy": ONE} | more
    return ncrp.barrier(words.pop("of", [_secondary()]), **words)


def _primary(**more: Any) -> Source:
    words: dict[str, Any] = {"patients": ONE, "distance": ONE_M, "use": ONE} | more
    return ncrp.primary_source(words.pop("of", FLOOR), **words)


F: dict[str, Any] = {"field_area": _n(1, "cm2"), "field_distance": ONE_M, "angle": _n(90, "deg")}
REFUSALS: list[tuple[Callable[[], object], str]] = [
    (lambda: _secondary(of="Theatre"), "unknown-distribution"),
    (lambda: _secondary(direction="up"), "unknown-direction"),
    (lambda: _secondary(direction="isocentre"), "no-coefficient"),
    (lambda: _secondary(distance=_n(0, "m")), "not-above-zero"),
    (lambda: _secondary(distance=_n(1, "mGy")), "wrong-unit"),
    (lambda: _primary(of="Cardiac Angiography"), "no-coefficient"),
    (lambda: _primary(use=_n(1.1)), "outside-domain"),
    (lambda: _required(occupancy=_n(1.1)), "outside-domain"),
    (lambda: _required(occupancy=_n(0)), "not-above-zero"),
    (lambda: _required(of=[]), "no-sources"),
    (lambda: _required(area="garden"), "unknown-row"),
    (lambda: _required(area="film_in_loaded_cassettes"), "not-a-number"),
    (lambda: _required(material="brick"), "unknown-material"),
    (lambda: _required(of=[_primary(preshielding=TABLE_CASE)], material="wood"),
     "no-preshielding"),
    (lambda: bir.barrier([_secondary()], material="lead", occupancy=ONE), "other-period"),
    (lambda: bir.ct("body", dlp=_n(1, "mGy.cm"), phantom="head", distance=ONE_M),
     "other-phantom"),
    (lambda: bir.ct("neck", dlp=_n(1, "mGy.cm"), phantom="head", distance=ONE_M),
     "unknown-region"),
    (lambda: bir.dental("cone-beam", kap=_n(1, "Gy.cm2"), distance=ONE_M), "no-coefficient"),
    (lambda: bir.scatter(_n(1, "Gy.cm2"), _n(80, "kV"), angle=_n(190, "deg"), distance=ONE_M),
     "outside-domain"),
    (lambda: per_patient("Mammography Room", **F), "no-coefficient"),
    (lambda: per_patient({200.0: 1.0}, **F), "outside-domain"),
    (lambda: per_patient({80.0: 1.0, 155.0: 0.01}, **F), "outside-domain"),
    (lambda: per_patient({80.0: -1.0, 90.0: 1.0}, **F), "no-workload"),
    (lambda: per_patient({80.0: 1.0}, **F | {"angle": _n(10, "deg")}), "outside-domain"),
    (lambda: angle_between((0, 0, 0), (1, 0, 0)), "no-direction"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "code"), REFUSALS)
def test_refused(call: Callable[[], object], code: str) -> None:
    with pytest.raises(InputError) as refused:
        call()
    assert refused.value.code == code
    assert str(refused.value)
