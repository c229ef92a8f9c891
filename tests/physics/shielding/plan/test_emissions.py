"""What each use gives out: the figure of the function it calls, its beam, where it goes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma.core import InputError, quantity
from kerma.physics.shielding import Beam, bir, curve, mixed, ncrp
from kerma.physics.shielding.angular import scatter_factor
from kerma.physics.shielding.plan import USES, Plan, Use, assess, faults
from kerma.physics.shielding.plan.emission import Emission
from kerma.physics.shielding.plan.emissions import emissions
from kerma.physics.shielding.plan.rays import Scene, kerma_at
from kerma.physics.shielding.plan.uses import TEXT
from tests.physics.shielding.plan.cases import area, ct, kap, patients, room, source, wall

ONE_M, ONE = quantity(1, "m"), quantity(1, "1")
FLOOR = "Rad Room (floor or other barriers)"
GYPSUM = "gypsum_wallboard"
FOUR = [[1, 0, 0, 9.0], [-1, 1, 0, 4.0], [-1, -1, 0, 4.0], [3, 3, 0, 0.5]]
COMPLETE: dict[str, dict[str, Any]] = {
    "kap": {"kap_gy_cm2": 500, "kv": 85, "direction": [0, 0, -1]},
    "kap_bins": {"bins": {"70": 100, "90": 50, "110": 0}, "direction": [0, 0, -2]},
    "primary": {"kap_gy_cm2": 500, "kv": 85, "direction": [1, 0, 0], "half_angle_deg": 15,
                "field_area_cm2": 1000, "field_distance_m": 1.0},
    "ct_dlp": {"region": "head", "dlp_mgy_cm": 1e5, "kv": 120},
    "dental": {"modality": "panoramic", "kap_gy_cm2": 20, "kv": 80},
    "patients": {"distribution": "Chest Room", "patients": 300, "direction": "side"},
    "patients_primary": {"distribution": "Chest Room", "patients": 300, "use": 1.0,
                         "beam": [1, 0, 0], "half_angle_deg": 12, "preshielding": "table"},
    "own_workload": {"bins": {"70": 1.0, "100": 0.5}, "patients": 100, "field_area_cm2": 1000,
                     "field_distance_m": 1.0, "angle_deg": 90},
    "ct_procedures": {"region": "body", "procedures": 150, "dlp_mgy_cm": 770, "kv": 120},
    "mammography": {"patients": 150},
    "dexa": {"scanner": "fan", "hours": 200},
    "isodose": {"points": FOUR, "workload": 1000, "kv": 120, "quality": "ct_secondary",
                "largest_gap_m": 1000.0, "document": "Invented map"},
}  # fmt: skip


def _plan(method: str, *uses: Use) -> Plan:
    return replace(room(method), sources=(source("s", (3.0, 2.5), *uses),))


def _emit(kind: str, method: str = "", **given: Any) -> tuple[Emission, ...]:
    use = Use(kind, {**COMPLETE[kind], **given})
    return emissions(_plan(method or USES[kind].methods[0], use))


def test_every_kind_of_use_is_complete_here_and_gives_something() -> None:
    assert COMPLETE.keys() == USES.keys()
    for kind in USES:
        for method in USES[kind].methods:
            given = Use(kind, COMPLETE[kind])
            found = emissions(_plan(method, given))
            assert all(e.mgy_1m > 0.0 and e.kerma_1m.sources for e in found if kind != "isodose")
            assert found
            blocking = [f for f in faults(_plan(method, given)) if f.blocking]
            assert [f for f in blocking if f.about == "s"] == []


@pytest.mark.parametrize("kind", USES)
def test_without_a_needed_parameter_it_is_named(kind: str) -> None:
    for asked in USES[kind].parameters:
        if not asked.needed:
            continue
        given = {k: v for k, v in COMPLETE[kind].items() if k != asked.key}
        plan = _plan(USES[kind].methods[0], Use(kind, given))
        found = [f for f in faults(plan) if f.code == "use-incomplete"]
        assert len(found) == 1, asked.key
        assert "missing" in found[0].message
        assert found[0].message.startswith("Source s:")


@pytest.mark.parametrize("kind", USES)
def test_what_is_no_number_no_choice_no_direction_is_refused(kind: str) -> None:
    for asked in USES[kind].parameters:
        if not asked.needed:
            continue
        for bad in (" ", "", 7, ["map"]) if asked.kind == TEXT else ("x", -1, [1], float("nan")):
            plan = _plan(USES[kind].methods[0], Use(kind, {**COMPLETE[kind], asked.key: bad}))
            blocking = [f for f in faults(plan) if f.blocking and f.about == "s"]
            assert blocking, (asked.key, bad)


def test_uk_scatter_by_kap() -> None:
    (one,) = _emit("kap")
    made = bir.scatter(quantity(500, "Gy.cm2"), quantity(85, "kV"), angle=quantity(90, "deg"),
                       distance=ONE_M)  # fmt: skip
    assert one.kerma_1m.value == made.value
    assert one.beam == Beam("primary", kv=85.0)
    toward = np.array([[0.0, 0.0, 2.0], [0.0, 0.0, -2.0], [2.0, 0.0, 0.0]])
    s = scatter_factor([180.0, 0.0, 90.0], 85.0)
    assert one.mgy_1m * one.spread(toward) == pytest.approx(s * 500 / 1000 / 4, rel=1e-9)


def test_a_histogram_of_kv_gives_one_emission_each() -> None:
    low, high = _emit("kap_bins")
    assert (low.kv, high.kv) == (70.0, 90.0)  # the empty bin gives nothing
    assert low.mgy_1m == pytest.approx(float(scatter_factor(90.0, 70.0)) * 0.1)
    assert (low.beam, high.beam) == (Beam("primary", kv=70.0), Beam("primary", kv=90.0))
    pairs = emissions(_plan("uk", Use("kap_bins", {**COMPLETE["kap_bins"], "bins": [[70, 100]]})))
    assert pairs[0].mgy_1m == low.mgy_1m


def test_a_primary_beam_is_inside_its_cone_only() -> None:
    (one,) = _emit("primary")
    inside, rim, outside = (
        [[math.cos(t), math.sin(t), 0.0]] for t in np.radians([0.0, 15.0, 15.01])
    )
    spread = [float(one.spread(2.0 * np.array(v))[0]) for v in (inside, rim, outside)]
    assert spread == pytest.approx([0.25, 0.25, 0.0])
    assert one.mgy_1m == pytest.approx(500 / 1000 * 1000.0)


def test_ct_and_its_shadow() -> None:
    (bare,) = _emit("ct_dlp")
    assert bare.mgy_1m == pytest.approx(0.14 * 1e5 / 1000)
    assert bare.beam == Beam("ct_secondary", kv=120.0)
    (shaded,) = _emit("ct_dlp", axis_deg=0.0, shadow_half_angle_deg=20.0)
    near, off = (math.radians(v) for v in (19, 21))
    ways = [[0, 1, 0], [0, 0, 1], [1, 0, 0], [math.sin(near), math.cos(near), 0],
            [math.sin(off), math.cos(off), 0]]  # fmt: skip
    assert shaded.spread(np.array(ways, float)) == pytest.approx([0.1, 0.1, 1.0, 0.1, 1.0])
    assert bare.spread(np.array(ways, float)) == pytest.approx([1.0] * 5)
    assert "bir/ct/gantry-transmission" in shaded.rests_on


def test_dental() -> None:
    (one,) = _emit("dental")
    assert one.mgy_1m == pytest.approx(9.3 * 20 / 1000)


def test_ncrp_uses_are_those_of_the_method() -> None:
    (one,) = _emit("patients")
    made = ncrp.secondary("Chest Room", patients=quantity(300, "1"), distance=ONE_M,
                          direction="side")  # fmt: skip
    assert (one.mgy_1m, one.beam) == (made.value.value, Beam("secondary", "Chest Room"))
    (one,) = _emit("patients_primary")
    assert one.mgy_1m == pytest.approx(1.2 * 300)
    assert one.cone == ((1.0, 0.0, 0.0), 12.0)
    (one,) = _emit("ct_procedures")
    assert one.mgy_1m == pytest.approx(1.2 * 3e-4 * 770 * 150)
    (one,) = _emit("own_workload")
    found = mixed.secondary_source(
        {70.0: 1.0, 100.0: 0.5}, patients=quantity(100, "1"), field_area=quantity(1000, "cm2"),
        field_distance=ONE_M, angle=quantity(90, "deg"), distance=ONE_M, leakage_distance=ONE_M,
    )  # fmt: skip
    assert (one.mgy_1m, one.beam) == (found.kerma.value.value, found.beam)


@pytest.mark.parametrize("method", ["ncrp147", "uk"])
def test_mammography_is_the_isocentre_of_its_row_in_both_methods(method: str) -> None:
    (one,) = _emit("mammography", method)
    assert one.mgy_1m == pytest.approx(3.6e-2 * 150)
    assert one.beam == Beam("secondary", "Mammography Room")
    confidences = {s.confidence for s in one.kerma_1m.sources}
    assert confidences == {"seen"}


def test_bone_densitometry_has_its_rate_and_no_transmission() -> None:
    (fan,), (pencil,) = _emit("dexa"), _emit("dexa", scanner="pencil")
    assert (fan.mgy_1m, pencil.mgy_1m) == (pytest.approx(0.04 * 200), pytest.approx(0.002 * 200))
    assert fan.beam is None
    plan = _plan("uk", Use("dexa", COMPLETE["dexa"]))
    behind = kerma_at(Scene(plan), [[3.0, -0.5, 1.0]])[0]
    assert behind == pytest.approx(8.0 / 9.0)  # 100 mm of concrete between: not credited


def test_isodoses_hold_between_their_points_and_nowhere_else() -> None:
    (one,) = _emit("isodose")
    places = np.array([p[:3] for p in FOUR], float)
    kerma = one.mgy_1m * one.spread(places)
    assert kerma == pytest.approx([p[3] * 1000 / 1000 for p in FOUR], rel=1e-9)
    assert np.isnan(one.spread(np.array([[10.0, 0, 0], [1.0, 0, 0.1]]))).all()
    even = [[*p[:3], 8.0 / sum(v * v for v in p[:3])] for p in FOUR]
    (square,) = _emit("isodose", points=even)
    assert square.mgy_1m * square.spread(np.array([[1.2, 0.7, 0.0]])) == pytest.approx(
        8.0 / (1.2**2 + 0.7**2), rel=1e-9
    )  # fmt: skip


def test_a_gap_in_the_isodoses_is_not_bridged() -> None:
    (bound,) = _emit("isodose", largest_gap_m=2.5)
    (open_,) = _emit("isodose")
    # Between (1, 0), (-1, 1) and (-1, -1) no side is over 2.3 m; those to (3, 3) are.
    near, far = np.array([[-0.9, 0.5, 0.0]]), np.array([[1.5, 1.5, 0.0]])
    assert bound.spread(near) == pytest.approx(open_.spread(near))
    assert np.isfinite(open_.spread(far)).all()
    assert np.isnan(bound.spread(far)).all()


def test_isodoses_say_nothing_of_the_gantry() -> None:
    """Nearer than any point stands the scanner itself, as on the page of one position."""
    (open_,) = _emit("isodose")
    assert np.isnan(open_.spread(np.array([[0.2, 0.1, 0.0], [0.9, 0.0, 0.0]]))).all()


def test_on_a_line_between_two_triangles_the_narrower_speaks() -> None:
    """The side x = 1 belongs to a narrow triangle and to a wide one: it is known."""
    field = [[x, y, 0.0, 8.0 / (x * x + y * y)] for x, y in ((1, 0), (1, 2), (2, 1), (-9, 1))]
    (bound,) = _emit("isodose", points=field, largest_gap_m=2.5)
    on_it = np.array([[1.0, y, 0.0] for y in np.linspace(0.05, 1.95, 39)])
    assert 1000.0 * bound.mgy_1m * bound.spread(on_it) == pytest.approx(
        8000.0 / np.einsum("ij,ij->i", on_it, on_it), rel=1e-9
    )
    assert np.isnan(bound.spread(np.array([[-2.0, 1.0, 0.0]]))).all()


def test_isodoses_in_space_hold_between_their_points() -> None:
    corners = [[x, y, z] for r in (0.5, 3) for x in (-r, r) for y in (-r, r) for z in (-1, 1.5)]
    field = [[*c, 8.0 / sum(v * v for v in c)] for c in corners]
    (one,) = _emit("isodose", points=field)
    inside = np.array([[2.9, 2.9, 0.3], [-2.0, 2.99, -0.9], [0.5, -2.99, 1.49]])
    assert one.mgy_1m * one.spread(inside) == pytest.approx(
        8.0 / np.einsum("ij,ij->i", inside, inside), rel=1e-9
    )
    unknown = np.array([[0.1, 0.1, 0.1], [2.9, 2.9, 1.6], [3.1, 0.0, 0.0]])
    assert np.isnan(one.spread(unknown)).all()


def test_a_softer_beam_than_the_tables_stands_at_the_softest_of_them() -> None:
    (soft,) = _emit("kap", kv=45)
    assert soft.beam == Beam("primary", kv=50.0)
    assert soft.mgy_1m == pytest.approx(float(scatter_factor(90.0, 45.0)) * 0.5)
    assert any("45 kV stands at 50 kV" in a for a in soft.kerma_1m.assumptions)
    plan = _plan("uk", Use("kap_bins", {**COMPLETE["kap_bins"], "bins": {"45": 10, "70": 5}}))
    assert [f for f in faults(plan) if f.blocking] == []


@pytest.mark.parametrize(
    "points", [[[1, 0, 0, 1], [2, 0, 0, 1], [3, 0, 0, 1]], [[1, 0, 0, 1]], [[0, 0, 0, 1]] * 4,
               [[1, 0, 0, -1], *FOUR], [[1, 2], *FOUR]]
)  # fmt: skip
def test_isodoses_that_are_none(points: Any) -> None:
    with pytest.raises(InputError):
        _emit("isodose", points=points)


def test_an_area_outside_the_isodoses_is_not_judged() -> None:
    use = Use("isodose", COMPLETE["isodose"])
    plan = replace(_plan("uk", use), areas=(area("x", (20, 0), (24, 4)),))
    (found,) = assess(plan).areas
    assert found.adequate is None
    assert found.kerma is None
    assert "isodoses" in found.why
    square = [(x, y) for r in (0.4, 5) for x in (-r, r) for y in (-r, r)]
    points = [[x, y, 0, 1e-6 / (x * x + y * y)] for x, y in square]
    wide = Use("isodose", {**COMPLETE["isodose"], "points": points})
    held = replace(_plan("uk", wide), areas=(area("x", (0, -2), (6, -0.5)), area(
        "y", (7, 0), (12, 4))))  # fmt: skip
    inside, partly = assess(held).areas
    assert inside.adequate is True
    assert partly.adequate is None
    assert "Part of the area" in partly.why


LEAD = {"table": 0.85, "cross-table": 0.3}


@pytest.mark.parametrize(("case", "pre"), LEAD.items())
def test_what_stands_in_the_beam_counts_once(case: str, pre: float) -> None:
    use = Use("patients_primary", {**COMPLETE["patients_primary"], "preshielding": case})
    beam = Beam("primary", "Chest Room")
    plan = replace(_plan("ncrp147", use), barriers=())
    held = curve("lead", beam)

    def at(*barriers: Any) -> float:
        return float(kerma_at(Scene(replace(plan, barriers=barriers)), [[5.0, 2.5, 1.0]])[0])

    bare = 360.0 / 4.0
    one = wall("a", (4, 0), (4, 5), 1.0)
    assert at(one) == pytest.approx(bare * held.transmission(1.0 + pre), rel=1e-9)
    # Nothing else in the way: the worst of the three equivalents; no barrier ever passes more.
    alone = at()
    assert held.transmission(pre) <= alone / bare * (1 + 1e-12)
    for material in ("gypsum_wallboard", "concrete", "steel", "wood", "plate_glass", "lead"):
        for mm in (0.01, 10.0):
            assert at(wall("a", (4, 0), (4, 5), mm, material)) <= alone * (1 + 1e-12), material
    two = at(one, wall("b", (4.5, 0), (4.5, 5), 1.0))
    assert bare * held.transmission(2.0 + pre) < two < at(one)


def test_the_receptor_in_the_beam_names_the_rows_it_may_rest_on() -> None:
    """A wall of another material: the receptor's own fits decide, and must be verified too."""
    use = Use("patients_primary", {**COMPLETE["patients_primary"], "preshielding": "table"})
    plan = replace(_plan("ncrp147", use), barriers=(wall("a", (4, 0), (4, 5), 32, GYPSUM),),
                   areas=(area("x", (5, 0), (6, 5)),))  # fmt: skip
    made = assess(plan)
    beam = Beam("primary", "Chest Room")
    receptor = {curve(m, beam).parts[0][1].found.id for m in ("lead", "concrete", "steel")}
    assert receptor | {curve(GYPSUM, beam).parts[0][1].found.id} <= {s.row for s in made.sources}
    (found,) = made.areas
    assert found.calculation is not None
    (line,) = [w for w in found.calculation.working if "through" in w]
    assert "the image receptor" in line
    steel = curve("steel", beam).transmission(7.0)
    assert f"7 mm steel, B = {steel:.4g}" in line
    assert made.needs is not None
    assert made.needs.barriers
    for need in made.needs.barriers:
        assert receptor <= {s.row for s in need.calculation.sources}


def test_a_use_of_the_other_method_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        emissions(_plan("ncrp147", kap()))
    assert refused.value.code == "other-method"
    with pytest.raises(InputError) as refused:
        emissions(_plan("uk", patients(FLOOR, 10)))
    assert refused.value.code == "other-method"


def test_uncertainty_of_a_use_is_in_the_budget() -> None:
    """The kerma of a plan carries what the functions state; none is invented where none is."""
    made = assess(room("uk", ct())).areas[0].calculation
    assert made is not None
    assert made.value.u is None
