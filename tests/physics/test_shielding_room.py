"""Kerma over a plan: against a calculation point by point, closed forms, refusals."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from kerma.core import InputError, quantity
from kerma.physics.shielding import Beam, PlanBarrier, PlanSource, curve, kerma_at, kerma_map, ncrp
from kerma.physics.shielding.layers import layered_log

ROOM = Beam("secondary", "Rad Room (all barriers)")
Pair = tuple[float, float]


def _source(x: float = 0.0, y: float = 0.0, k: float = 1.0, beam: Beam = ROOM) -> PlanSource:
    return PlanSource(f"source at {x:g}, {y:g}", (x, y), quantity(k, "mGy"), beam)


def _wall(a: Pair, b: Pair, mm: float = 1.0, material: str = "lead") -> PlanBarrier:
    return PlanBarrier(f"{material} {a}", a, b, material, quantity(mm, "mm"))


def _plan(seed: int, n: int, m: int) -> tuple[list[PlanSource], list[PlanBarrier]]:
    """Return sources in the middle of a plan and barriers anywhere about them."""
    rng = np.random.default_rng(seed)
    beams = [ROOM, Beam("secondary", "Cardiac Angiography"), Beam("ct_secondary", kv=120.0)]
    walls: list[PlanBarrier] = []
    sources: list[PlanSource] = []
    for i in range(m):
        x0, y0, x1, y1 = rng.uniform(0, 10, 4).tolist()
        walls.append(_wall((x0, y0), (x1, y1), *((1.0, "lead") if i % 2 else (80.0, "concrete"))))
    while len(sources) < n:
        x, y, k = rng.uniform(0.5, 9.5, 3).tolist()
        one = _source(x, y, k, beams[len(sources) % 3])
        try:
            kerma_at([one], walls, [-1.0], [-1.0])
        except InputError:
            continue
        sources.append(one)
    return sources, walls


def _turn(a: Pair, b: Pair, c: Pair) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _brute(sources: list[PlanSource], walls: list[PlanBarrier], p: Pair, rule: str) -> float:
    """One point, by orientation of triangles, transmissions one at a time."""
    total = 0.0
    for s in sources:
        hit = [w for w in walls
               if _turn(s.position, p, w.start) * _turn(s.position, p, w.end) < 0
               and _turn(w.start, w.end, s.position) * _turn(w.start, w.end, p) < 0]  # fmt: skip
        curves = [curve(w.material, s.beam) for w in hit]
        mm = [w.thickness.to("mm").value for w in hit]
        if not hit:
            b = 1.0
        elif rule == "hardened":
            b = math.exp(layered_log(curves, mm))
        else:
            b = math.prod(c.transmission(x) for c, x in zip(curves, mm, strict=True))
        total += s.kerma_1m.value * b / math.dist(s.position, p) ** 2  # type: ignore[operator]
    return total


@pytest.mark.parametrize("rule", ["hardened", "product"])
def test_map_agrees_with_points_one_by_one(rule: str) -> None:
    sources, walls = _plan(3, 4, 7)
    made = kerma_map(sources, walls, x=np.linspace(-1, 11, 25), y=np.linspace(-2, 12, 23),
                     rule=rule)  # fmt: skip
    for i in range(made.kerma.shape[0]):
        for j in range(made.kerma.shape[1]):
            if math.isfinite(made.kerma[i, j]):
                one = _brute(sources, walls, (made.x[i, j], made.y[i, j]), rule)
                assert made.kerma[i, j] == pytest.approx(one, rel=1e-9)
    assert made.worst.value.value == pytest.approx(float(np.nanmax(made.kerma)), rel=1e-9)


def test_inverse_square_and_sum() -> None:
    made = kerma_at([_source(k=2.0), _source(0, 0, 3.0)], [], [1, 2, 0], [0, 0, 4])
    assert made.kerma == pytest.approx([5.0, 1.25, 5 / 16])
    assert made.by_source[0] == pytest.approx([2.0, 0.5, 0.125])


def test_a_wall_shields_what_is_behind_it_only() -> None:
    wall = _wall((2, -1), (2, 1))
    made = kerma_at([_source()], [wall], [1, 3, 3, -3, 2], [0, 0, 3, 0, 0])
    b = curve("lead", ROOM).transmission(1.0)
    assert made.kerma == pytest.approx([1.0, b / 9, 1 / 18, 1 / 9, 1 / 4])


def test_a_joint_is_no_gap_and_direction_does_not_matter() -> None:
    b = curve("lead", ROOM).transmission(1.0)
    for one in (_wall((2, -1), (2, 0)), _wall((2, 0), (2, -1))):
        made = kerma_at([_source()], [one, _wall((2, 0), (2, 1))], [4], [0])
        assert made.kerma[0] <= b / 16


def test_rules_of_two_barriers() -> None:
    """Hardened stands above one wall as thick as both, the product of the fits below."""
    walls = [_wall((1, -1), (1, 1)), _wall((2, -1), (2, 1))]
    k = {
        r: kerma_at([_source()], walls, [3], [0], rule=r).kerma[0] for r in ("hardened", "product")
    }
    whole = curve("lead", ROOM).transmission(2.0) / 9
    assert k["product"] < whole < k["hardened"]
    said = kerma_at([_source()], walls, [3], [0], rule="product").worst
    assert any("may understate" in a for a in said.assumptions)


def test_more_shielding_never_raises_kerma() -> None:
    sources, walls = _plan(8, 3, 6)
    x = y = np.linspace(0, 10, 40)
    bare = kerma_map(sources, [], x=x, y=y).kerma
    some = kerma_map(sources, walls[:3], x=x, y=y).kerma
    all_of = kerma_map(sources, walls, x=x, y=y).kerma
    ok = np.isfinite(bare)
    assert (some[ok] <= bare[ok] * (1 + 1e-12)).all()
    assert (all_of[ok] <= some[ok] * (1 + 1e-12)).all()
    assert all_of[ok].sum() < bare[ok].sum()


def test_a_wrong_material_differs() -> None:
    lead, wood = (kerma_at([_source()], [_wall((2, -1), (2, 1), 1.0, m)], [3], [0]).kerma[0]
                  for m in ("lead", "wood"))  # fmt: skip
    assert wood > 10 * lead


def test_worst_point_says_what_it_rests_on() -> None:
    per_week = ncrp.secondary("Rad Room (all barriers)", patients=quantity(125, "1", 5),
                              distance=quantity(1, "m"), direction="side")  # fmt: skip
    source = PlanSource("table", (0, 0), per_week, ROOM)
    made = kerma_at([source], [_wall((2, -1), (2, 1))], [4], [0]).worst
    assert "ncrp147/room_types" in {s.row for s in made.sources}
    assert any(s.row.startswith("archer/") for s in made.sources)
    assert made.value.u == pytest.approx(made.value.value * 5 / 125, rel=1e-6)
    assert "through lead" in made.text()


def test_too_near_a_source_nothing_is_stated() -> None:
    made = kerma_at([_source()], [], [0.0, 0.05, 1.0], [0, 0, 0])
    assert np.isnan(made.kerma[:2]).all()
    assert made.kerma[2] == pytest.approx(1.0)


def test_ten_sources_twenty_barriers() -> None:
    sources, walls = _plan(1, 10, 20)
    grid = np.linspace(0, 10, 200)
    kerma_map(sources, walls, x=grid[:2], y=grid[:2])
    started = time.process_time()
    made = kerma_map(sources, walls, x=grid, y=grid)
    assert time.process_time() - started < 3.0
    assert made.kerma.shape == (200, 200)


@pytest.mark.parametrize(
    ("sources", "walls", "words", "code"),
    [
        ([], [], {}, "no-sources"),
        ([_source()], [_wall((1, 1), (1, 1))], {}, "no-length"),
        ([_source()], [_wall((-1, 0), (1, 0))], {}, "source-in-barrier"),
        ([_source(0, 0.05)], [_wall((-1, 0), (1, 0), 200, "concrete")], {}, "source-in-barrier"),
        ([_source()], [_wall((1, 0), (1, 1), 1.0, "straw")], {}, "unknown-material"),
        ([_source()], [_wall((1, 0), (1, 1), 0.0)], {}, "not-above-zero"),
        ([_source(k=0.0)], [], {}, "not-above-zero"),
        ([_source()], [], {"rule": "sum"}, "which-rule"),
        ([_source()], [], {"closest": quantity(0, "m")}, "not-above-zero"),
        ([_source()], [], {"closest": quantity(9, "m")}, "no-points"),
    ],
)
def test_refused(
    sources: list[PlanSource], walls: list[PlanBarrier], words: dict[str, object], code: str
) -> None:
    with pytest.raises(InputError) as refused:
        kerma_at(sources, walls, [2.0], [0.5], **words)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_points_must_match() -> None:
    with pytest.raises(InputError) as refused:
        kerma_at([_source()], [], [1.0, 2.0], [1.0])
    assert refused.value.code == "other-shape"
