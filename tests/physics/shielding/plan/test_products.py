"""Stock products, and the cheapest sets of them: against every set tried one by one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from kerma.core import InputError
from kerma.physics.shielding import Beam
from kerma.physics.shielding.archer import materials
from kerma.physics.shielding.plan import Layer, Plan, assess
from kerma.physics.shielding.plan.choices import Choices, area_m2, choices
from kerma.physics.shielding.plan.products import Product, layer_of, product, products
from kerma.physics.shielding.plan.protect import protect
from kerma.physics.shielding.plan.rays import Scene
from kerma.reference import row
from tests.physics.shielding.plan.cases import area, ct, department, kap, one_wall, room, wall

LEAD = [product(f"lead-code-{n}") for n in (3, 4, 5, 6)]
SLABS = [product("concrete-100"), product("concrete-150")]


def test_every_product_has_a_source_and_its_least_thickness() -> None:
    for one in products().values():
        assert one.material in materials()
        assert one.least_mm > 0.0
        assert one.kg_m2 is None or one.kg_m2 > 0.0
        assert one.sources
        assert one.recalled == any(s.confidence == "recalled" for s in one.sources)
    assert product("lead-code-3").least_mm == pytest.approx(1.32 * 0.95)
    assert product("wallboard-5-8-inch-type-x").least_mm == 14.0
    assert [product(f"lead-code-{n}").recalled for n in range(3, 9)] == [False] * 3 + [True] * 3
    with pytest.raises(InputError) as refused:
        product("straw")
    assert refused.value.code == "unknown-product"


def test_sizes_from_the_report_are_those_of_its_row() -> None:
    """Two ways the same figures are held: the rows of products and NCRP 147 Table 2.1."""
    held = {str(r["item"]): r for r in row("ncrp147/materials").fields["rows"]}
    assert product("plate-glass-1-4-inch").least_mm == held["plate glass 1/4 inch"]["min_mm"]
    steel = held["steel 16/18/20 gauge single sheet"]["mm"]
    assert [product(f"steel-{n}-gauge").least_mm for n in (16, 18, 20)] == steel
    assert (
        product("wooden-door-1-3-4-inch").least_mm
        == held["solid-core wooden door 1 3/4 inch"]["min_mm"]
    )
    lead = held["sheet lead 1/32 and 1/16 inch"]["mm"]
    assert [product(f"sheet-lead-1-{n}-inch").least_mm for n in (32, 16)] == lead


def test_equivalences_of_the_table_are_those_of_its_row() -> None:
    table = row("bir/building_material_equivalence_100kvp").fields["rows"]
    held = {(str(r["material"]), float(r["mm"])): float(r["mm_Pb"]) for r in table}
    for key, name, mm in (("lead-glass-5", "lead glass", 5.0), ("lead-glass-7", "lead glass", 7.0),
                          ("lead-acrylic-h-22", "lead acrylic H-22", 22.0),
                          ("barium-board-2-r40", "barium plasterboard 2x R40", 32.0)):  # fmt: skip
        assert product(key).least_mm == held[name, mm]
        assert product(key).at_kv == 100.0


def test_a_lead_equivalence_holds_at_its_voltage_only() -> None:
    glass = product("lead-glass-5")
    held = layer_of(glass, [Beam("primary", kv=100.0)])
    assert (held.material, held.mm, held.added) == ("lead", 1.7, True)
    for beam in (Beam("primary", kv=85.0), Beam("ct_secondary", kv=120.0), None,
                 Beam("secondary", "Chest Room")):  # fmt: skip
        with pytest.raises(InputError) as refused:
            layer_of(glass, [Beam("primary", kv=100.0), beam])
        assert refused.value.code == "equivalence-other-kv"
    with pytest.raises(InputError):
        layer_of(glass, [Beam("primary", kv=100.0)], 2)
    with pytest.raises(InputError):
        layer_of(LEAD[0], [], 0)
    assert layer_of(LEAD[0], [None], 2).mm == pytest.approx(2 * LEAD[0].least_mm)


def test_the_face_of_a_wall_is_without_its_openings() -> None:
    plan = room()
    assert area_m2(plan, plan.barriers[0]) == pytest.approx(6 * 3 - 1 * 2.1)
    assert area_m2(plan, plan.barriers[4]) == pytest.approx(1 * 2.1)


def _weak() -> Plan:
    """Three walls of one room that all need more."""
    return replace(
        room("uk", ct(4e6)), slabs=(), barriers=(
            wall("n", (0, 0), (6, 0), 0.3), wall("e", (6, 0), (6, 5), 0.3),
            wall("s", (6, 5), (0, 5), 0.3)),
        areas=(area("c", (0.5, -2), (5.5, 0), 0.125), area("k", (6, 0.5), (9, 4.5), 0.2),
               area("q", (0.5, 5), (5.5, 8), 1.0)),
    )  # fmt: skip


def _cost(plan: Plan, one: Product, key: str, prices: dict[str, float] | None) -> float:
    barrier = next(b for b in plan.barriers if b.key == key)
    each = prices[one.key] if prices else (one.kg_m2 or 0.0)
    return each * area_m2(plan, barrier)


def _every_set(plan: Plan, offered: Sequence[Product], most: int,
               prices: dict[str, float] | None) -> list[float]:  # fmt: skip
    """Costs of all sets that make all areas adequate, rising: every one assessed in full."""
    options: list[tuple[Product, int] | None] = [None]
    options += [(p, n) for p in offered for n in range(1, most + 1)]
    found = []
    for taken in itertools.product(options, repeat=3):
        built, cost = list(plan.barriers), 0.0
        for n, held in enumerate(taken):
            if held:
                layer = Layer(held[0].material, held[0].least_mm * held[1], added=True)
                built[n] = replace(built[n], layers=(*built[n].layers, layer))
                cost += _cost(plan, held[0], built[n].key, prices) * held[1]
        if all(a.adequate for a in protect(Scene(replace(plan, barriers=tuple(built))))):
            found.append(cost)
    return sorted(found)


@pytest.mark.parametrize("prices", [None, {"lead-code-3": 90.0, "steel-3": 40.0}])
def test_the_cheapest_sets_are_those_found_by_trying_all(prices: dict[str, float] | None) -> None:
    plan = _weak()
    steel = replace(product("steel-3"), kg_m2=23.4)
    offered = [LEAD[0], steel]
    made = choices(plan, {"wall": offered}, prices=prices, best=4)
    assert made.exact
    assert made.order == ("price" if prices else "mass")
    every = _every_set(plan, offered, 2, prices)
    assert [s.total for s in made.sets] == pytest.approx(every[:4])
    for one in made.sets:
        extra = {p.barrier: (p.product, p.count) for p in one.picks}
        assert extra
        assert made.sets[0].total <= one.total


def _built(plan: Plan, made: Choices) -> Plan:
    taken = {p.barrier: layer_of(product(p.product), [], p.count) for p in made.sets[0].picks}
    return replace(plan, barriers=tuple(
        replace(b, layers=(*b.layers, taken[b.key])) if b.key in taken else b
        for b in plan.barriers))  # fmt: skip


def test_a_set_found_makes_the_plan_adequate() -> None:
    plan = _weak()
    made = choices(plan, {"wall": LEAD})
    assert assess(_built(plan, made)).adequate is True
    assert {s.row for s in made.sources} >= {"bir/lead_sheet_bs_en_12588/3"}


def test_above_the_stated_size_the_choice_is_greedy_and_said() -> None:
    plan = _weak()
    exact = choices(plan, {"wall": LEAD}, best=1)
    greedy = choices(plan, {"wall": LEAD}, best=1, most_sets=3)
    assert greedy.exact is False
    assert "A cheaper set may exist" in greedy.words
    assert greedy.sets[0].total >= exact.sets[0].total
    assert assess(_built(plan, greedy)).adequate is True


def test_without_prices_and_masses_thickness_orders() -> None:
    made = choices(_weak(), {"wall": [product("steel-3"), LEAD[0]]})
    assert made.order == "thickness"
    assert made.sets


def test_slabs_need_their_area() -> None:
    plan = room()
    with pytest.raises(InputError) as refused:
        choices(plan, {"wall": LEAD, "slab": SLABS})
    assert refused.value.code == "no-area"
    made = choices(plan, {"wall": LEAD, "slab": SLABS}, slab_m2={"f": 30.0})
    assert {p.barrier for p in made.sets[0].picks} == {"n", "f"}


def test_products_that_do_not_hold_here_are_left_out_and_said() -> None:
    made = choices(_weak(), {"wall": [product("lead-glass-7"), *LEAD]})
    assert len(made.refused) == 1
    assert "lead at 100 kV" in made.refused[0]
    assert {p.product for s in made.sets for p in s.picks} <= {p.key for p in LEAD}
    none = choices(_weak(), {"wall": [product("steel-20-gauge")]}, most_layers=1)
    assert none.sets == ()
    assert none.words == "No set of the products offered makes all areas adequate."


def test_nothing_to_choose() -> None:
    plan = one_wall("uk", kap(1.0), gap=5.0, layers=(Layer("lead", 2.0),), goal=None)
    made = choices(plan, {})
    assert made.sets[0].picks == ()
    assert made.sets[0].total == 0.0
    gap = replace(room("uk", ct()), barriers=())
    lost = choices(gap, {"wall": LEAD})
    assert lost.sets == ()
    assert "Close the gap" in lost.words


@pytest.mark.parametrize(
    ("words", "code"),
    [({"prices": {"lead-code-3": 1.0}}, "no-price"), ({"prices": {
        **{p.key: 1.0 for p in LEAD}, "lead-code-3": -1.0}}, "no-price"),
     ({"best": 0}, "outside-domain"), ({"most_layers": 0}, "outside-domain")],
)  # fmt: skip
def test_refused(words: dict[str, object], code: str) -> None:
    with pytest.raises(InputError) as refused:
        choices(_weak(), {"wall": LEAD}, **words)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_a_barrier_nothing_is_offered_for_is_named() -> None:
    with pytest.raises(InputError) as refused:
        choices(_weak(), {"n": LEAD})
    assert refused.value.code == "no-products"


def test_many_barriers_at_once() -> None:
    plan = department(5, 11, 2, areas=8)
    thin = replace(plan, barriers=tuple(
        replace(b, layers=(replace(b.layers[0], mm=b.layers[0].mm * 0.2),))
        for b in plan.barriers))  # fmt: skip
    made = choices(thin, {"wall": LEAD, "door": LEAD}, best=3)
    assert made.exact
    assert len(made.sets) == 3
    assert assess(_built(thin, made)).adequate is True
