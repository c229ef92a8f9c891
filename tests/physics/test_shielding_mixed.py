"""Transmission from a workload: NCRP 147's Tables B.1 and C.1 rebuilt; histograms; isodoses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.core import InputError, Quantity, UnsupportedError, quantity
from kerma.physics.calculation import Calculation
from kerma.physics.shielding import (
    Beam,
    PlanBarrier,
    PlanSource,
    bir,
    curve,
    histogram,
    isodose,
    kerma_at,
    layers,
    mixed,
    ncrp,
    per_patient,
    tertiary,
    transmission,
)
from kerma.physics.shielding.angular import scatter_factor
from kerma.physics.shielding.isodose import MapPoint
from kerma.physics.shielding.mixed import MixedBeam, Term

ROOMS = [name for name in ncrp.distributions() if not name.startswith("Mammography")]
TUNGSTEN_KV = (50, 70, 100, 125, 150)
# Greatest departure of Table C.1's lead fit from the rebuild, 0.3 to 2 mm: 3 %, as the methods
# note says, in six rooms. In two soft ones the fit itself wavers, by 7.3 % and 5.1 %.
WAVER = {"Rad Room (floor or other barriers)": 0.075, "Peripheral Angiography": 0.052}
MATERIALS = {  # thickness in mm and how closely the fits of Table C.1 follow
    "concrete": (np.linspace(10, 250, 49), 0.025), "steel": (np.linspace(1, 20, 39), 0.085),
    "gypsum_wallboard": (np.linspace(10, 300, 59), 0.025), "wood": (np.linspace(20, 300, 29), 0.01),
    "plate_glass": (np.linspace(5, 120, 47), 0.06),
}  # fmt: skip


def q(value: float, unit: str = "1", u: float | None = None) -> Quantity:
    return quantity(value, unit, u)


def rebuilt(of: Any, angle: float = 90.0, field: tuple[float, float] = (1000, 1.0)) -> MixedBeam:
    area, at = field
    if isinstance(of, str):
        room = ncrp.distributions()[of]
        area, at = room["F_cm2"], room["dF_m"]
    return mixed.secondary_beam(
        of, field_area=q(area, "cm2"), field_distance=q(at, "m"), angle=q(angle, "deg"),
        distance=q(1, "m"), leakage_distance=q(1, "m"),
    )  # fmt: skip


def departure(material: str, own: Beam, tabulated: Beam, x: Any) -> float:
    both = [curve(material, beam).log_transmission(x) for beam in (own, tabulated)]
    return float(np.max(np.abs(np.exp(both[0] - both[1]) - 1)))


@pytest.mark.parametrize("name", ROOMS)
def test_table_c1_lead_is_rebuilt_within_3_percent(name: str) -> None:
    """NCRP 147 Table C.1, lead, 0.3 to 2 mm (methods, physics.md 1.1): side scatter and leakage."""
    x = np.linspace(0.3, 2.0, 120)
    assert departure("lead", rebuilt(name), Beam("secondary", name), x) < WAVER.get(name, 0.0305)


@pytest.mark.parametrize("material", MATERIALS)
@pytest.mark.parametrize("name", ROOMS)
def test_table_c1_of_the_other_materials_is_rebuilt(name: str, material: str) -> None:
    x, within = MATERIALS[material]
    assert departure(material, rebuilt(name), Beam("secondary", name), x) < within


@pytest.mark.parametrize("kv", TUNGSTEN_KV)
def test_table_c1_of_one_voltage_is_rebuilt(kv: float) -> None:
    """Table C.1 by kVp within 3.2 %; lead at 150 kV within 6.2 %."""
    own, table = rebuilt({float(kv): 1.0}), Beam("secondary", kv=float(kv))
    for material, (x, _) in {**MATERIALS, "lead": (np.linspace(0.1, 1.5, 57), 0)}.items():
        within = 0.062 if (kv, material) == (150, "lead") else 0.032
        assert departure(material, own, table, x) < within


@pytest.mark.parametrize("name", ROOMS)
def test_table_c1_is_not_that_of_back_scatter_nor_without_leakage(name: str) -> None:
    """Negative controls: another geometry or no leakage misses by far more."""
    x, table = np.linspace(0.3, 2.0, 60), Beam("secondary", name)
    assert departure("lead", rebuilt(name, angle=135), table, x) > 0.11
    scatter = MixedBeam("secondary", name="scatter only",
                        terms=tuple(t for t in rebuilt(name).terms if not t.leakage))  # fmt: skip
    assert departure("lead", scatter, table, x) > 0.29


@pytest.mark.parametrize("name", [r for r in ROOMS if ncrp.distributions()[r]["K1p"] is not None])
def test_table_b1_is_rebuilt(name: str) -> None:
    """NCRP 147 Table B.1, concrete and gypsum within 3.2 %."""
    own, table = mixed.primary_beam(name), Beam("primary", name)
    for material in ("concrete", "gypsum_wallboard"):
        assert departure(material, own, table, np.linspace(10, 200, 39)) < 0.032


@given(st.floats(50, 150), st.floats(0.05, 3.0))
def test_one_voltage_is_its_fit(kv: float, mm: float) -> None:
    own = curve("lead", MixedBeam("primary", name="one", terms=(Term(kv, 0.3),)))
    fit = curve("lead", Beam("primary", kv=kv))
    assert own.transmission(mm) == pytest.approx(fit.transmission(mm), rel=1e-12)
    assert own.least_slope == pytest.approx(fit.least_slope)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from([50.0, 63.0, 81.0, 100.0, 125.0, 150.0]),
                       st.floats(1e-6, 1e3), st.booleans()), min_size=1, max_size=6),
    st.floats(0.01, 6.0), st.floats(0.01, 4.0), st.sampled_from(["lead", "steel"]),
)  # fmt: skip
def test_a_mixture_is_a_transmission(
    terms: list[tuple[float, float, bool]], mm: float, more: float, material: str
) -> None:
    """It falls; lies between its parts; comes back through its inverse; keeps its least slope."""
    held = curve(material, MixedBeam("secondary", name="m", terms=tuple(Term(*t) for t in terms)))
    log_b = [float(held.log_transmission(x)) for x in (0.0, mm, mm + more)]
    assert log_b[0] == pytest.approx(0.0, abs=1e-12)
    assert log_b[0] > log_b[1] > log_b[2]
    assert (log_b[1] - log_b[2]) / more >= held.least_slope * (1 - 1e-9)
    assert held.thickness(math.exp(log_b[1])) == pytest.approx(mm, rel=1e-6)
    total = sum(s for _, s, _ in terms)
    by_hand = math.fsum(
        share / total * (math.exp(-sum(w * f.alpha for w, f in part.parts) * mm) if leak
                         else part.transmission(mm))
        for kv, share, leak in terms for part in [curve(material, Beam("primary", kv=kv))]
    )  # fmt: skip
    assert held.transmission(mm) == pytest.approx(by_hand, rel=1e-9)


def test_deep_down_logarithms_do_not_underflow() -> None:
    """e^-1000 and less is still a number: the hardest part alone is left."""
    held = curve("lead", MixedBeam("primary", name="m", terms=(Term(60, 1.0), Term(150, 1e-9))))
    log_b = float(held.log_transmission(800.0))
    alone = float(curve("lead", Beam("primary", kv=150.0)).log_transmission(800.0))
    assert log_b == pytest.approx(alone + math.log(1e-9), rel=1e-6)
    assert log_b < -900


def test_an_own_beam_goes_wherever_a_beam_goes() -> None:
    beam = rebuilt("Chest Room")
    made = transmission("lead", q(1, "mm", 0.05), beam)
    assert made.value.value == pytest.approx(curve("lead", beam).transmission(1.0))
    assert any("leakage: " in w and "% of the kerma" in w for w in made.working)
    stack = layers([("lead", q(1, "mm")), ("gypsum_wallboard", q(25, "mm"))], beam)
    assert stack.value.value < made.value.value
    wall = PlanBarrier("wall", (2, -1), (2, 1), "lead", q(1, "mm"))
    on_plan = kerma_at([PlanSource("s", (0, 0), q(1, "mGy"), beam)], [wall], [4.0], [0.0])
    assert on_plan.kerma[0] == pytest.approx(made.value.value / 16)
    source = mixed.secondary_source(
        "Chest Room", patients=q(300), field_area=q(1535, "cm2"), field_distance=q(2, "m"),
        angle=q(90, "deg"), distance=q(2, "m"), leakage_distance=q(2, "m"),
    )  # fmt: skip
    room = ncrp.distributions()["Chest Room"]
    assert (room["F_cm2"], room["dF_m"]) == (1535, 2.0)
    goal: dict[str, Any] = {"material": "lead", "area": "uncontrolled", "occupancy": q(1)}
    own = ncrp.barrier([source], **goal)
    tabulated = ncrp.barrier(
        [ncrp.secondary_source("Chest Room", patients=q(300), distance=q(2, "m"),
                               direction="side")], **goal)  # fmt: skip
    assert own.value.value == pytest.approx(tabulated.value.value, abs=0.01)


def test_own_kerma_by_hand_and_its_budget() -> None:
    workload = {70.0: 40.0, 100.0: 20.0}
    made = mixed.secondary(workload, patients=q(2, "1", 0.2), field_area=q(900, "cm2", 90),
                           field_distance=q(1.1, "m"), angle=q(90, "deg"), distance=q(3, "m"),
                           leakage_distance=q(2.5, "m"))  # fmt: skip
    per = per_patient(workload, field_area=q(900, "cm2"), field_distance=q(1.1, "m"),
                      angle=q(90, "deg"))  # fmt: skip
    s, leak = per.others["scatter"].value, per.others["leakage"].value
    assert made.value.value == pytest.approx(2 * (s / 9 + leak / 6.25))
    assert {c.symbol for c in made.budget} == {"N", "F"}


HISTOGRAM = [(q(60, "kV"), q(50, "Gy.cm2")), (q(85, "kV"), q(300, "Gy.cm2", 15)),
             (q(120, "kV"), q(150, "Gy.cm2"))]  # fmt: skip


def test_workload_behind_a_kap_gives_the_kap_back() -> None:
    """Primary per cm² at 1 m times the field is the KAP again; scatter is a1 times the KAP."""
    made = histogram.kap_workload(HISTOGRAM, field_area=q(400, "cm2"), field_distance=q(0.7, "m"))
    bins = histogram.as_workload(made)
    assert set(bins) == {60.0, 85.0, 120.0}
    per = per_patient(bins, field_area=q(400, "cm2"), field_distance=q(0.7, "m"),
                      angle=q(90, "deg"))  # fmt: skip
    assert per.value.value * 400 / 0.49 == pytest.approx(500 * 1000)
    a1 = [1.6e-2 * (v - 125) + 8.43 - 0.111 * 90 + 9.83e-4 * 8100 - 1.74e-6 * 729000
          for v in (60, 85, 120)]  # fmt: skip
    by_kap = sum(a * 1e-6 * kap * 1000 for a, kap in zip(a1, (50, 300, 150), strict=True))
    assert per.others["scatter"].value == pytest.approx(by_kap)
    assert made.value.value == pytest.approx(sum(bins.values()))
    with pytest.raises(InputError, match="no workload"):
        histogram.as_workload(per)


def test_measured_output_replaces_the_surveys() -> None:
    """Between 60 and 120 kV as the square of the voltage: ln-ln interpolation is exact."""
    output = [(q(v, "kV"), q(1e-3 * v**2, "mGy/(mA.min)")) for v in (60, 120)]
    made = histogram.kap_workload(HISTOGRAM, field_area=q(1000, "cm2"), field_distance=q(1, "m"),
                                  output=output)  # fmt: skip
    assert histogram.as_workload(made)[85.0] == pytest.approx(300 / (1e-3 * 85**2))
    for short in (output[:1], output[1:]):
        with pytest.raises(InputError):
            histogram.kap_workload(HISTOGRAM, field_area=q(1, "cm2"), field_distance=q(1, "m"),
                                   output=short)  # fmt: skip


def test_uk_method_by_voltage() -> None:
    """Kerma is the sum over the bins; so is what passes a wall, each at its own voltage."""
    angle, d = q(117, "deg"), q(1.5, "m", 0.05)
    each = [bir.scatter(kap, kv, angle=angle, distance=d) for kv, kap in HISTOGRAM]
    made = histogram.scatter(HISTOGRAM, angle=angle, distance=d)
    assert made.value.value == pytest.approx(sum(c.value.value for c in each))
    source = histogram.source(HISTOGRAM, angle=angle, distance=d)
    passed = math.fsum(
        c.value.value * curve("lead", Beam("primary", kv=kv.value)).transmission(0.4)
        for c, (kv, _) in zip(each, HISTOGRAM, strict=True)
    )
    through = made.value.value * curve("lead", source.beam).transmission(0.4)
    assert through == pytest.approx(passed, rel=1e-9)
    own = bir.barrier([source], material="lead", occupancy=q(1))
    apart = [bir.source(c, kv.value) for c, (kv, _) in zip(each, HISTOGRAM, strict=True)]
    split = bir.barrier(apart, material="lead", occupancy=q(1))
    assert own.value.value == pytest.approx(split.value.value, rel=1e-9)
    assert own.value.u is not None
    mean = bir.barrier([bir.source(made, 85)], material="lead", occupancy=q(1))
    assert own.value.value > 1.1 * mean.value.value  # one mean voltage hides the hard bins


def test_bins_under_50_kv_stand_at_50_kv() -> None:
    soft = [(q(42, "kV"), q(10, "Gy.cm2"))]
    beam = histogram.beam(soft, angle=q(90, "deg"))
    held, fit = curve("steel", beam), curve("steel", Beam("primary", kv=50.0))
    assert held.transmission(1.0) == pytest.approx(fit.transmission(1.0))
    assert any("50 kV" in a for a in transmission("steel", q(1, "mm"), beam).assumptions)
    made = histogram.scatter(soft, angle=q(90, "deg"), distance=q(1, "m"))
    assert made.value.value == pytest.approx(float(scatter_factor(90, 42)) * 10 / 1000)
    assert any("42 kV lie outside" in limit for limit in made.limits)


MAP = [
    MapPoint(float(x), float(y), q(0.2 / (x * x + y * y) * (1 + 0.1 * x), "mGy"))
    for x in (-3, -2, -1, 1, 2, 3)
    for y in range(-3, 4)
]


def iso(x: float, y: float, **more: Any) -> Calculation:
    words: dict[str, Any] = {"workload": q(100), "per": q(1), "largest_gap": q(1.5, "m"),
                             "document": "made up"} | more  # fmt: skip
    return isodose.kerma(words.pop("points", MAP), x=q(x, "m"), y=q(y, "m"), **words)


@settings(deadline=None)
@given(st.sampled_from([-1, 1]), st.floats(1, 3), st.floats(-3, 3))
def test_isodose_of_a_known_field(side: int, x: float, y: float) -> None:
    """An inverse-square field is met exactly; one that varies beside it, to the curvature."""
    flat = [MapPoint(p.x_m, p.y_m, q(0.2 / (p.x_m**2 + p.y_m**2), "mGy")) for p in MAP]
    found = iso(side * x, y, points=flat)
    assert found.value.value == pytest.approx(20.0 / (x * x + y * y), rel=1e-9)
    varied = iso(side * x, y).value.value
    assert varied == pytest.approx(20.0 / (x * x + y * y) * (1 + 0.1 * side * x), rel=5e-3)


def test_isodose_at_its_points_scale_and_source() -> None:
    for point in MAP[::5]:
        assert iso(point.x_m, point.y_m).value.value == pytest.approx(100 * point.kerma.value)
    dlp = iso(2, 1, workload=q(550, "mGy.cm"), per=q(100, "mGy.cm"))
    assert dlp.value.value == pytest.approx(iso(2, 1, workload=q(5.5)).value.value)
    made = iso(2, 0.5, u_map=q(20, "%"))
    assert made.value.u == pytest.approx(0.2 * made.value.value)
    assert not any("No uncertainty of the map" in limit for limit in made.limits)
    wall = ncrp.barrier([isodose.source(made, 120.0, period="week")], material="lead",
                        area="uncontrolled", occupancy=q(1))  # fmt: skip
    assert wall.value.value > 0.5


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: iso(4, 0), "outside-map"),
    (lambda: iso(0.2, 1.5), "gap-in-map"),  # between the two sides, through the gantry
    (lambda: iso(2.5, 0.3, largest_gap=q(0.5, "m")), "gap-in-map"),
    (lambda: iso(0.1, 0, largest_gap=q(9, "m")), "outside-map"),
    (lambda: iso(0, 0, largest_gap=q(9, "m")), "outside-map"),
    (lambda: iso(2, 0, points=MAP[:2]), "no-map"),
    (lambda: iso(2, 0, points=[MapPoint(x, 0.0, q(1, "mGy")) for x in (1, 2, 3)]), "no-map"),
    (lambda: iso(2, 0, points=[*MAP, MAP[0]]), "no-map"),
    (lambda: iso(2, 0, points=[*MAP, MapPoint(0, 0, q(1, "mGy"))]), "no-map"),
    (lambda: iso(2, 0, points=[*MAP, MapPoint(5, 0, q(0, "mGy"))]), "not-above-zero"),
    (lambda: iso(2, 0, document=" "), "no-document"),
    (lambda: iso(2, 0, workload=q(1, "mAs")), "wrong-unit"),
    (lambda: iso(2, 0, workload=q(0)), "not-above-zero"),
    (lambda: MixedBeam("primary", name="none"), "no-workload"),
    (lambda: MixedBeam("primary", name="m", terms=(Term(80, math.nan),)), "no-workload"),
    (lambda: curve("lead", MixedBeam("p", name="m", terms=(Term(160, 1.0),))), "no-coefficient"),
    (lambda: curve("brick", rebuilt("Chest Room")), "unknown-material"),
    (lambda: rebuilt({80.0: 1.0}, field=(0, 1)), "not-above-zero"),
    (lambda: histogram.scatter([], angle=q(9, "deg"), distance=q(1, "m")), "no-workload"),
    (lambda: histogram.scatter([(q(80, "kV"), q(-1, "Gy.cm2"))], angle=q(9, "deg"),
                               distance=q(1, "m")), "no-workload"),
    (lambda: histogram.scatter([*HISTOGRAM, HISTOGRAM[0]], angle=q(9, "deg"), distance=q(1, "m")),
     "two-bins"),
    (lambda: histogram.scatter([(q(160, "kV"), q(1, "Gy.cm2"))], angle=q(9, "deg"),
                               distance=q(1, "m")), "outside-domain"),
    (lambda: histogram.kap_workload([(q(45, "kV"), q(1, "Gy.cm2"))], field_area=q(1, "cm2"),
                                    field_distance=q(1, "m")), "outside-domain"),
    (lambda: histogram.kap_workload(HISTOGRAM, field_area=q(1, "cm2"), field_distance=q(1, "m"),
                                    output=[(q(60, "kV"), q(0, "mGy/mAs"))] * 2),
     "not-above-zero"),
]  # fmt: skip


@pytest.mark.parametrize(("attempt", "code"), REFUSED)
def test_refused(attempt: Callable[[], object], code: str) -> None:
    with pytest.raises(InputError) as refusal:
        attempt()
    assert refusal.value.code == code


def test_tertiary_scatter_is_refused_with_its_reason_and_never_silent() -> None:
    tertiary.require_full_height("Screen", q(2.7, "m"), q(2.7, "m"))
    with pytest.raises(UnsupportedError) as refusal:
        tertiary.require_full_height("Screen", q(2.1, "m"), q(2.7, "m"))
    assert refusal.value.code == "no-tertiary-coefficients"
    assert "Martin" in refusal.value.message
    assert "Screen ends 2.1 m above the floor" in refusal.value.message
    assert "full height" in refusal.value.message
