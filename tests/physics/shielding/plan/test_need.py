"""What a plan needs: published examples as plans, and what must hold of any need."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.core import quantity
from kerma.physics.shielding import barrier, bir, ncrp
from kerma.physics.shielding.plan import Assessment, Layer, Plan, Slab, Storey, Use, assess
from kerma.physics.shielding.plan.ground import Ground
from kerma.physics.shielding.plan.need import BY_KIND, material_of, with_extras
from kerma.physics.shielding.plan.protect import protect
from kerma.physics.shielding.plan.rays import Scene
from kerma.reference import row
from tests.physics.shielding.plan.cases import (
    area,
    ct,
    department,
    kap,
    one_wall,
    patients,
    room,
    source,
    wall,
)

FLOOR = "Rad Room (floor or other barriers)"
BUCKY = "Rad Room (chest bucky)"
THIN = (Layer("lead", 1e-9),)  # a wall that is drawn and shields nothing


def _example(name: str) -> dict[str, Any]:
    held: dict[str, Any] = row(f"worked-examples/examples/{name}").fields["inputs"]
    return held


def _answer(name: str, key: str = "x_mm") -> float:
    return float(row(f"worked-examples/examples/{name}").fields["recomputed"][key])


def _extra(plan: Plan) -> float:
    made = assess(plan, {"w": _MATERIAL.get(plan.barriers[0].layers[0].material, "lead")})
    assert made.needs is not None
    assert made.needs.impossible == ()
    (one,) = made.needs.barriers
    assert one.key == "w"
    assert one.calculation.value.value == pytest.approx(one.extra_mm, rel=1e-6)
    return one.extra_mm


_MATERIAL = {"concrete": "concrete", "gypsum_wallboard": "gypsum_wallboard"}


@pytest.mark.parametrize(
    ("name", "direction"),
    [("ncrp147-5.1", "fwd_back"), ("ncrp147-5.3.2", "fwd_back"), ("ncrp147-5.3.4-darkroom", "side"),
     ("ncrp147-5.3.6", "side")],
)  # fmt: skip
def test_secondary_examples_as_plans(name: str, direction: str) -> None:
    held = _example(name)
    plan = one_wall(
        "ncrp147", patients(held["distribution"], held["N"], direction), gap=held["d_sec"],
        layers=(Layer(held["material"], 1e-9),), goal=held["P"], occupancy=held["T"],
    )  # fmt: skip
    assert _extra(plan) == pytest.approx(_answer(name), rel=2e-3, abs=1e-3)
    n = quantity(held["N"], "1")
    found = ncrp.barrier(
        [ncrp.secondary_source(held["distribution"], patients=n, direction=direction,
                               distance=quantity(held["d_sec"], "m"))],
        material=held["material"], area=quantity(held["P"], "mGy"),
        occupancy=quantity(held["T"], "1"),
    )  # fmt: skip
    assert _extra(plan) == pytest.approx(found.value.value, rel=1e-6)


def test_mammography_example_as_a_plan() -> None:
    held = _example("ncrp147-5.5-wall")
    plan = one_wall("ncrp147", Use("mammography", {"patients": held["N"]}), gap=held["d_sec"],
                    layers=(Layer("gypsum_wallboard", 1e-9),), goal=None)  # fmt: skip
    assert _extra(plan) == pytest.approx(_answer("ncrp147-5.5-wall"), rel=2e-3)


def _primary(distribution: str, n: float, use: float, pre: str) -> Use:
    return Use("patients_primary", {"distribution": distribution, "patients": n, "use": use,
                                    "beam": [1, 0, 0], "half_angle_deg": 20,
                                    "preshielding": pre})  # fmt: skip


@pytest.mark.parametrize(
    ("name", "answer"),
    [("ncrp147-5.2-primary", "x_barrier_mm"), ("ncrp147-5.3.1.1", "x_barrier_mm"),
     ("ncrp147-5.3.3.1", "x_barrier_mm")],
)  # fmt: skip
def test_primary_examples_as_plans(name: str, answer: str) -> None:
    held = _example(name)
    common: dict[str, Any] = {"gap": held["d_p"], "layers": (Layer(held["material"], 1e-9),),
                              "goal": held["P"], "occupancy": held["T"]}  # fmt: skip
    net, total = (
        one_wall("ncrp147", _primary(held["distribution"], held["N"], held["U"], pre), **common)
        for pre in ("table", "")
    )
    assert _extra(net) == pytest.approx(_answer(name, answer), rel=2e-3, abs=2e-3)
    assert _extra(total) == pytest.approx(_answer(name, "x_total_mm"), rel=2e-3)


def test_cross_table_wall_primary_and_secondary_from_two_places() -> None:
    """NCRP 147 section 5.3.5: 0.8 mm and more through one wall."""
    held = _example("ncrp147-5.3.5")
    p, s = held["primary"], held["secondary"]
    plan = one_wall("ncrp147", patients(FLOOR, held["N"]), gap=s["d"], layers=THIN,
                    goal=held["P"])  # fmt: skip
    tube = source("t", (s["d"] - p["d_p"], 0.0),
                  _primary(FLOOR, held["N"], p["U"], "cross-table"))  # fmt: skip
    both = replace(plan, sources=(*plan.sources, tube))
    assert _extra(both) == pytest.approx(_answer("ncrp147-5.3.5", "two_source_root_mm"), rel=2e-3)


def test_ct_example_as_a_plan() -> None:
    held = _example("ncrp147-5.6.1-dlp")
    uses = [
        Use("ct_procedures", {"region": r, "procedures": held[r]["N"], "kv": 120,
                              "dlp_mgy_cm": held[r]["DLP"]}) for r in ("body", "head")
    ]  # fmt: skip
    plan = one_wall("ncrp147", *uses, gap=held["d"], layers=THIN, goal=held["P"])
    assert _extra(plan) == pytest.approx(_answer("ncrp147-5.6.1-dlp", "x_mm_120kVp"), rel=2e-3)


def test_two_secondary_sources_at_their_own_distances() -> None:
    """Section 5.3.3.2 by one distance each: both fits summed, as `barrier.required` sums them."""
    held = _example("ncrp147-5.3.3.2")
    table, bucky = (s for s in held["sources"])
    n = held["N"]
    plan = one_wall("ncrp147", patients(BUCKY, n), gap=bucky["dS"], layers=THIN,
                    goal=held["P_over_T"])  # fmt: skip
    other = source("t", (bucky["dS"] - table["d"], 0.0), patients(FLOOR, n))
    found = ncrp.barrier(
        [ncrp.secondary_source(d, patients=quantity(n, "1"), distance=quantity(m, "m"),
                               direction="side")
         for d, m in ((FLOOR, table["d"]), (BUCKY, bucky["dS"]))],
        material="lead", area=quantity(held["P_over_T"], "mGy"), occupancy=quantity(1, "1"),
    )  # fmt: skip
    assert _extra(replace(plan, sources=(*plan.sources, other))) == pytest.approx(
        found.value.value, rel=1e-6
    )


def test_slab_of_an_office_above() -> None:
    """A source under a slab is `barrier.required` for the perpendicular point above it."""
    plan = replace(room("uk", ct()), areas=room().areas[1:], slabs=(
        Slab("f", "Floor", "u", (Layer("concrete", 1e-9),)),))  # fmt: skip
    made = assess(plan)
    assert made.needs is not None
    (one,) = made.needs.barriers
    per_year = bir.ct("body", dlp=quantity(4e6, "mGy.cm"), phantom="body",
                      distance=quantity(2.8, "m"))  # fmt: skip
    found = bir.barrier([bir.source(per_year, 120.0, quality="ct_secondary")], material="concrete",
                        occupancy=quantity(1, "1"))  # fmt: skip
    assert (one.key, one.material, one.decided_by) == ("f", "concrete", "o")
    assert one.extra_mm == pytest.approx(found.value.value, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    kv=st.floats(55, 140), kap_year=st.floats(50, 5e5), gap=st.floats(0.8, 8),
    occupancy=st.sampled_from([0.05, 0.2, 1.0]), material=st.sampled_from(["lead", "steel"]),
    have=st.floats(0, 3),
)  # fmt: skip
def test_one_barrier_and_one_source_is_what_the_barrier_needs(
    kv: float, kap_year: float, gap: float, occupancy: float, material: str, have: float
) -> None:
    """As `barrier.required`, less what is there of the same material."""
    use = Use("dental", {"modality": "panoramic", "kap_gy_cm2": kap_year, "kv": kv})
    plan = one_wall("uk", use, gap=gap, layers=(Layer(material, 1e-9 + have),), goal=None,
                    occupancy=occupancy)  # fmt: skip
    made = assess(plan, {"w": material})
    per_year = bir.dental("panoramic", kap=quantity(kap_year, "Gy.cm2"),
                          distance=quantity(gap, "m"))  # fmt: skip
    wanted = barrier.required(
        [bir.source(per_year, kv)], material=material, goal=bir.constraint(),
        occupancy=quantity(occupancy, "1"), period="year",
    ).value.value  # fmt: skip
    assert made.needs is not None
    found = sum(b.extra_mm for b in made.needs.barriers)
    assert found == pytest.approx(max(0.0, wanted - have), rel=1e-6, abs=1e-6)


def test_coronary_care_of_the_uk_book_as_a_plan() -> None:
    """BIR 7.4.2: the wall formula is what the highest point up and down the wall comes to."""
    held = _example("bir2012-7.4.2-coronary-care")
    use = kap(held["KAP_Gy_cm2_per_year"], held["kV"])
    plan = one_wall("uk", use, gap=held["d_m"], layers=(Layer("gypsum_wallboard", 1e-9),),
                    goal=None, occupancy=held["occupancy"])  # fmt: skip
    found = assess(plan).areas[0]
    assert found.kerma is not None
    wanted = row("worked-examples/examples/bir2012-7.4.2-coronary-care").fields["recomputed"]
    assert found.kerma.value == pytest.approx(wanted["K_mGy_per_year"], rel=4e-3)
    assert _extra(plan) == pytest.approx(wanted["x_mm"], rel=5e-3)
    assert found.calculation is not None
    assert "θ = 116" in found.calculation.text()


def test_floor_of_a_fluoroscopy_room_three_workloads() -> None:
    """NCRP 147 section 5.4.1 by its K1sec at one distance and a fit each: printed 62 mm, 5 %."""
    held = _example("ncrp147-5.4.1")
    uses = [
        patients(name, held[key]["N"], way) for name, key, way in (
            ("Fluoroscopy Tube (R&F room)", "fluoro", "fwd_back"),
            ("Rad Room (all barriers)", "rad_only", "side"),
            ("Rad Tube (R&F room)", "rad_with_fluoro", "side"))
    ]  # fmt: skip
    plan = one_wall("ncrp147", *uses, gap=3.0, layers=(Layer("concrete", 1e-9),),
                    goal=held["P_over_T"])  # fmt: skip
    published = float(row("worked-examples/examples/ncrp147-5.4.1").fields["published"]["x_mm"])
    assert _extra(plan) == pytest.approx(published, rel=0.05)


def _built(plan: Plan, made: Assessment, less: dict[str, float] | None = None) -> Plan:
    assert made.needs is not None
    return with_extras(plan, {
        b.key: (b.material, b.extra_mm - (less or {}).get(b.key, 0.0)) for b in made.needs.barriers
    })  # fmt: skip


def _weak(seed: int) -> Plan:
    plan = department(5, 11, seed, areas=8)
    thin = tuple(
        replace(b, layers=(replace(b.layers[0], mm=b.layers[0].mm * 0.2),)) for b in plan.barriers
    )
    return replace(plan, barriers=thin)


@pytest.mark.parametrize("seed", range(3))
def test_needs_are_enough_and_not_a_hundredth_of_a_millimetre_too_much(seed: int) -> None:
    plan = _weak(seed)
    made = assess(plan)
    assert made.adequate is False
    assert made.needs is not None
    assert made.needs.barriers
    whole = assess(_built(plan, made))
    assert whole.adequate is True
    assert whole.needs is not None
    assert whole.needs.barriers == ()
    assert whole.needs.afterwards == ()
    said = {a.area: a.kerma_mgy for a in made.needs.afterwards}
    assert said == pytest.approx({a.key: a.kerma.value for a in whole.areas if a.kerma}, rel=1e-4)
    assert len(said) == len(plan.areas)
    for one in made.needs.barriers:
        thinner = _built(plan, made, {one.key: min(0.01, one.extra_mm)})
        scene = Scene(thinner)
        assert False in [a.adequate for a in protect(scene)], one.key
        ground = Ground(scene, next(a for a in plan.areas if a.key == one.decided_by))
        assert ground.kerma(ground.spot(one.point), scene.judged)[0] > (0.3 / ground.area.occupancy)


@pytest.mark.parametrize("seed", range(2))
def test_needs_do_not_depend_on_the_order_of_things(seed: int) -> None:
    plan = _weak(seed)
    turned = replace(plan, areas=plan.areas[::-1], sources=plan.sources[::-1])
    one, other = assess(plan).needs, assess(turned).needs
    assert one is not None
    assert other is not None
    assert {b.key: b.extra_mm for b in other.barriers} == pytest.approx(
        {b.key: b.extra_mm for b in one.barriers}, rel=1e-4, abs=1e-4
    )


def test_two_walls_one_behind_the_other_are_enough_together() -> None:
    plan = one_wall("uk", ct(), gap=3.0, layers=THIN, goal=None)
    second = replace(plan.barriers[0], key="v", name="Second", start=(1.5, -50.0), end=(1.5, 50.0))
    both = replace(plan, barriers=(*plan.barriers, second))
    made = assess(both)
    assert made.needs is not None
    assert [b.key for b in made.needs.barriers] == ["v"]  # the first from the source
    assert assess(_built(both, made)).adequate is True


def test_an_unshielded_way_is_said_and_the_rest_is_worked_out() -> None:
    """A gap beside the wall: lead cannot help there."""
    plan = replace(
        room("uk", ct()), barriers=(wall("n", (0, 0), (3, 0), 1.0), wall("s", (0, 5), (6, 5), 1.0)),
        areas=(area("c", (0, -2), (6, 0)), area("k", (0, 5), (6, 8))),
    )  # fmt: skip
    made = assess(plan)
    assert made.needs is not None
    (lost,) = made.needs.impossible
    assert lost.area == "c"
    assert lost.left > 1.0
    assert "Source ct" in lost.message
    assert lost.message in made.refusals
    assert "s" in {b.key for b in made.needs.barriers}
    built = assess(_built(plan, made))
    assert {a.key: a.adequate for a in built.areas}["k"] is True


def test_a_gap_beside_a_wall_does_not_leave_the_wall_as_it_is() -> None:
    """The worst point of the area lies in the gap; behind the wall lead helps and is asked for."""
    plan = replace(
        room("uk", kap(2000.0)), areas=(area("x", (-1, 1), (9, 3)),),
        barriers=(wall("w", (0, 0.5), (10, 0.5), 25.0, "gypsum_wallboard"),),
    )  # fmt: skip
    source = replace(plan.sources[0], position=(-0.3, -1.0))
    plan = replace(plan, sources=(source,))
    made = assess(plan)
    assert made.needs is not None
    assert [i.area for i in made.needs.impossible] == ["x"]
    assert [b.key for b in made.needs.barriers] == ["w"]
    built = Scene(_built(plan, made))
    ground = Ground(built, plan.areas[0])
    xy, seen = ground.first
    behind = xy[:, 0] > 1.0  # rays to these all cross the wall
    kerma = ground.kerma(seen, built.judged)
    assert (kerma[behind] <= 0.3 * (1 + 1e-6)).all()
    bare = Ground(Scene(plan), plan.areas[0])
    assert (bare.kerma(bare.first[1], Scene(plan).judged)[behind] > 0.3).any()


def test_a_workload_above_the_table_is_never_judged_adequate() -> None:
    """What lies above 150 kV passes most: left out, the area would be within."""

    def made(kv: int) -> Assessment:
        use = Use("own_workload", {
            "bins": {"80": 1, str(kv): 1}, "patients": 100, "field_area_cm2": 1000,
            "field_distance_m": 1, "angle_deg": 90})  # fmt: skip
        return assess(one_wall("ncrp147", use, gap=2.0, layers=(Layer("lead", 1.0),), goal=None))

    assert made(150).adequate is False
    above = made(155)
    assert above.adequate is None
    assert any("155 kV" in f.message for f in above.faults if f.blocking)
    raised = next(v for v in made(145).sensitivity if v.key == "kv")
    assert "155 kV" in raised.refused


def test_what_no_barrier_is_credited_for_cannot_be_made_good() -> None:
    plan = one_wall("uk", Use("dexa", {"scanner": "fan", "hours": 1000}), gap=2.0,
                    layers=(Layer("lead", 2.0),), goal=None)  # fmt: skip
    made = assess(plan)
    assert made.needs is not None
    assert [i.area for i in made.needs.impossible] == ["a"]


def test_a_plan_that_is_adequate_needs_nothing() -> None:
    plan = one_wall("uk", kap(1.0), gap=5.0, layers=(Layer("lead", 2.0),), goal=None)
    made = assess(plan)
    assert made.adequate is True
    assert made.needs is not None
    assert made.needs.barriers == ()
    assert all(r.add == "" for r in made.schedule)


def test_materials_are_chosen_by_key_or_kind() -> None:
    plan = room()
    wall_n, door, slab = plan.barriers[0], plan.barriers[4], plan.slabs[0]
    assert [material_of(t) for t in (wall_n, door, slab)] == ["lead", "lead", "concrete"]
    chosen = {"n": "steel", "door": "wood"}
    assert [material_of(t, chosen) for t in (wall_n, door, slab)] == ["steel", "wood", "concrete"]
    assert BY_KIND["screen"] == "lead"
    made = assess(plan, {"n": "concrete"})
    assert made.needs is not None
    assert {b.key: b.material for b in made.needs.barriers} == {"n": "concrete", "f": "concrete"}


def test_the_uncertainty_of_a_need_follows_its_inputs() -> None:
    made = assess(room()).needs
    assert made is not None
    text = made.barriers[0].calculation.text()
    assert "Decided by: Area c" in text
    assert "P / T = 0.3 / 0.125 = 2.4 mGy per year" in text
    assert any("least guaranteed" in v for v in made.barriers[0].calculation.limits)


def test_added_layers_do_not_move_the_points_they_are_judged_at() -> None:
    plan = one_wall("uk", ct(4e7), gap=2.0, layers=(Layer("concrete", 50.0),), goal=None)
    made = assess(plan, {"w": "concrete"})
    again = assess(_built(plan, made))
    assert again.areas[0].point == pytest.approx(made.areas[0].point, abs=1e-9)
    assert again.areas[0].ratio == pytest.approx(1.0, abs=1e-6)


def test_a_storey_far_above_counts_every_slab_between() -> None:
    top = Storey("t", "Top", 6.6, 3.0)
    plan = room("uk", ct(4e8))
    plan = replace(plan, storeys=(*plan.storeys, top),
                   slabs=(*plan.slabs, Slab("r", "Second floor", "t", (Layer("concrete", 60.0),))),
                   areas=(area("x", (0, 0), (6, 5), storey="t"),))  # fmt: skip
    (found,) = assess(plan).areas
    assert found.by_source[0].barriers == ("f", "r")
    assert np.isfinite(found.ratio)
