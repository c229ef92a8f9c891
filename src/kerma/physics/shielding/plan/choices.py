"""The cheapest sets of stock products that make all areas adequate.

Every barrier that needs more takes one product, or several of one, or none. The search is exact:
branch and bound, a branch given up when the strongest products in all barriers left cannot make
the areas adequate, or when it cannot be cheaper than the sets found. Above `MOST_SETS` combinations
a greedy choice is made instead, and said.

Prices are the project's own. Without prices sets are ordered by added mass, or, where the mass of a
product offered is not known, by added thickness.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kerma.core import InputError, Source
from kerma.physics.shielding.plan.document import Barrier, Layer, Plan
from kerma.physics.shielding.plan.ground import Ground
from kerma.physics.shielding.plan.need import Solver
from kerma.physics.shielding.plan.products import Product, layer_of
from kerma.physics.shielding.plan.rays import Passing, Scene
from kerma.physics.shielding.plan.structure import heights, is_opening

Array = NDArray[np.float64]
MOST_SETS = 5_000_000
_ROUNDS = 40
ORDERS = {"price": "price", "mass": "added mass, kg", "thickness": "added thickness, mm"}


@dataclass(frozen=True, slots=True)
class Pick:
    """A product for one barrier: how many of it, and over what area."""

    barrier: str
    product: str
    count: int
    area_m2: float | None


@dataclass(frozen=True, slots=True)
class ProductSet:
    """A set of products that makes all areas adequate, and what it comes to."""

    picks: tuple[Pick, ...]
    total: float


@dataclass(frozen=True, slots=True)
class Choices:
    """The best sets, cheapest first.

    Attributes
    ----------
    order
        What they are ordered by: see `ORDERS`.
    exact
        Whether no cheaper set of the products offered exists for the barriers that need more;
        ``False`` for a greedy choice.
    words
        How the search was made; why there is no set, where there is none.
    refused
        Products that were left out, and why.
    sources
        Rows the products offered are from, with their state.
    """

    sets: tuple[ProductSet, ...]
    order: str
    exact: bool
    words: str
    refused: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class _Option:
    pick: Pick | None
    cost: float
    hard: Array
    excess: Array


def area_m2(plan: Plan, barrier: Barrier) -> float:
    """Return the face of a barrier without the openings in it, m²."""
    low, high = heights(plan, barrier)
    found = barrier.length_m * (high - low)
    for opening in plan.barriers:
        if is_opening(opening) and opening.within == barrier.key:
            bottom, top = heights(plan, opening)
            found -= opening.length_m * (top - bottom)
    return max(found, 0.0)


def choices(
    plan: Plan,
    offered: Mapping[str, Sequence[Product]],
    *,
    prices: Mapping[str, float] | None = None,
    slab_m2: Mapping[str, float] | None = None,
    most_layers: int = 2,
    best: int = 5,
    most_sets: int = MOST_SETS,
) -> Choices:
    """Return the cheapest sets of products that make all areas of a plan adequate.

    Parameters
    ----------
    plan
        Free of blocking faults.
    offered
        Products by key of barrier or slab, or by kind (``wall``, ``door``, ``window``, ``screen``,
        ``slab``). Only barriers that need more take one.
    prices
        Of a square metre, by product; of all products offered, or not given.
    slab_m2
        Area of slabs, by key: the drawing does not say it.
    most_layers
        How many of one product may lie on one another.
    best
        How many sets to return.
    most_sets
        Combinations above which the choice is greedy.

    Raises
    ------
    InputError
        ``not-assessable``; ``no-price``, ``no-area``, ``no-products``; ``outside-domain``.
    """
    from kerma.physics.shielding.plan.faults import require

    require(plan)
    if most_layers < 1 or best < 1:
        raise InputError("Ask for one set and one layer or more.", code="outside-domain")
    scene = Scene(plan)
    solver = Solver(scene, [Ground(scene, a) for a in plan.areas])
    needed = solver.solve()
    every = {p.key: p for held in offered.values() for p in held}
    order = _order(every, prices)
    sources = {s.row: s for p in every.values() for s in p.sources}
    held = tuple(sources[k] for k in sorted(sources))
    if needed.impossible:
        words = " ".join(i.message for i in needed.impossible)
        return Choices((), order, True, words, sources=held)
    if not needed.barriers:
        none = ProductSet((), 0.0)
        return Choices((none,), order, True, "All areas are adequate as drawn.", sources=held)
    offer = _Offer(scene, offered, prices, slab_m2 or {}, most_layers, order)
    columns = [scene.structure.keys.index(b.key) for b in needed.barriers]
    options = [offer.options(n) for n in columns]
    search = _Search(solver, columns, options, best)
    count = math.prod(len(o) for o in options)
    if count > most_sets:
        found = search.greedy()
        words = (
            f"{count:.3g} combinations are more than {most_sets:g}: the strongest products were "
            "taken and each barrier then brought down to the cheapest that still holds. A cheaper "
            "set may exist."
        )
        exact = False
    else:
        found = search.exact()
        words = f"Searched exactly among the barriers that need more: {count:g} combinations."
        exact = True
    if not found:
        words = "No set of the products offered makes all areas adequate."
    return Choices(found, order, exact, words, tuple(dict.fromkeys(offer.refused)), held)


def _order(every: Mapping[str, Product], prices: Mapping[str, float] | None) -> str:
    if prices is not None:
        missing = [p.title for p in every.values() if p.key not in prices]
        if missing:
            raise InputError(f"There is no price of {', '.join(missing)}.", code="no-price")
        bad = [k for k, v in prices.items() if not (math.isfinite(v) and v >= 0.0)]
        if bad:
            raise InputError(f"The price of {bad[0]} is no price.", code="no-price")
        return "price"
    return "mass" if all(p.kg_m2 is not None for p in every.values()) else "thickness"


class _Offer:
    """What each barrier may take, with its cost and its losses."""

    def __init__(
        self, scene: Scene, offered: Mapping[str, Sequence[Product]],
        prices: Mapping[str, float] | None, slab_m2: Mapping[str, float], most: int, order: str,
    ) -> None:  # fmt: skip
        self.scene, self.offered, self.prices = scene, offered, prices
        self.slab_m2, self.most, self.order = slab_m2, most, order
        self.refused: list[str] = []

    def options(self, column: int) -> list[_Option]:
        """Return the options of a barrier, the cheapest first."""
        scene, key = self.scene, self.scene.structure.keys[column]
        barrier = next((b for b in scene.plan.barriers if b.key == key), None)
        kind = barrier.kind if barrier else "slab"
        held = self.offered.get(key) or self.offered.get(kind) or ()
        area = area_m2(scene.plan, barrier) if barrier else self.slab_m2.get(key)
        if not held:
            raise InputError(
                f"{scene.structure.names[column]} needs more and no product is offered for it.",
                code="no-products",
            )
        if area is None and self.order != "thickness":
            raise InputError(
                f"Give the area of {scene.structure.names[column]}: the drawing does not say it.",
                code="no-area",
            )
        layers = scene.structure.layers[key]
        found = [_Option(None, 0.0, *scene.column(layers))]
        for one in held:
            found += self._of(key, one, area, layers)
        return sorted(found, key=lambda o: (o.cost, o.pick.product if o.pick else ""))

    def _of(
        self, key: str, one: Product, area: float | None, layers: tuple[Layer, ...]
    ) -> list[_Option]:
        found = []
        beams = [e.beam for e in self.scene.emissions]
        for count in range(1, self.most + 1):
            try:
                added = layer_of(one, beams, count)
            except InputError as error:
                self.refused.append(error.message)
                break
            pick = Pick(key, one.key, count, area)
            found.append(
                _Option(pick, self._cost(one, count, area), *self.scene.column((*layers, added)))
            )
        return found

    def _cost(self, one: Product, count: int, area: float | None) -> float:
        if self.order == "thickness":
            return one.least_mm * count
        each = self.prices[one.key] if self.prices is not None else one.kg_m2
        return float(each or 0.0) * count * float(area or 0.0)


class _Search:
    """The sets of options that satisfy every point, cheapest first."""

    def __init__(
        self, solver: Solver, columns: Sequence[int], options: Sequence[Sequence[_Option]],
        best: int,
    ) -> None:  # fmt: skip
        self.solver, self.best = solver, best
        # Barriers whose products cost most first: there a branch is given up soonest.
        order = sorted(range(len(columns)), key=lambda i: (-max(o.cost for o in options[i]),
                                                           columns[i]))  # fmt: skip
        self.columns = [columns[i] for i in order]
        self.options = [list(options[i]) for i in order]
        self.drawn = solver.scene.judged
        self.strongest = [
            (
                np.min([o.hard for o in held], axis=0), np.min([o.excess for o in held], axis=0),
            )
            for held in self.options
        ]  # fmt: skip

    def losses(self, taken: Sequence[_Option], *, rest_strongest: bool) -> Passing:
        """Return the losses with some options taken, the rest as drawn or at their strongest."""
        found = self.drawn
        for n, column in enumerate(self.columns):
            if n < len(taken):
                found = found.with_column(column, taken[n].hard, taken[n].excess)
            elif rest_strongest:
                found = found.with_column(column, *self.strongest[n])
        return found

    def holds(self, losses: Passing) -> bool:
        """Return whether every point known is satisfied."""
        return all(self.solver.kept(s, losses) for s in self.solver.spots)

    def proven(self, taken: Sequence[_Option]) -> bool:
        """Search all areas with a set; points that are not satisfied join the ones known."""
        self.solver.losses = self.losses(taken, rest_strongest=False)
        return not self.solver.look()

    def exact(self) -> tuple[ProductSet, ...]:
        """Return the best sets; none cheaper exists."""
        for _ in range(_ROUNDS):
            found = self._branch()
            proven = [self.proven(taken) for _, taken in found]
            if all(proven):
                return tuple(_as_set(taken) for _, taken in found)
        return ()

    def _branch(self) -> list[tuple[float, tuple[_Option, ...]]]:
        least = [min(o.cost for o in held) for held in self.options]
        rest = [math.fsum(least[n:]) for n in range(len(least) + 1)]
        found: list[tuple[float, tuple[_Option, ...]]] = []

        def down(taken: tuple[_Option, ...], cost: float) -> None:
            if len(found) == self.best and cost + rest[len(taken)] >= found[-1][0]:
                return
            if not self.holds(self.losses(taken, rest_strongest=True)):
                return
            if len(taken) == len(self.options):
                found.append((cost, taken))
                found.sort(key=lambda f: f[0])
                del found[self.best :]
                return
            for option in self.options[len(taken)]:
                down((*taken, option), cost + option.cost)

        down((), 0.0)
        return found

    def greedy(self) -> tuple[ProductSet, ...]:
        """Return one set: the costliest options, each brought down to the cheapest that holds."""
        taken = [min(held, key=_log_sum) for held in self.options]
        for _ in range(_ROUNDS):
            if not self.holds(self.losses(taken, rest_strongest=False)):
                return ()
            for n, held in enumerate(self.options):
                for option in held:
                    trial = [*taken[:n], option, *taken[n + 1 :]]
                    if self.holds(self.losses(trial, rest_strongest=False)):
                        taken = trial
                        break
            if self.proven(taken):
                return (_as_set(taken),)
            taken = [min(held, key=_log_sum) for held in self.options]
        return ()


def _log_sum(option: _Option) -> float:
    """Return ln B summed over all emissions: least for the strongest option."""
    return float(option.hard.sum() + np.where(np.isfinite(option.excess), option.excess, 0.0).sum())


def _as_set(taken: Sequence[_Option]) -> ProductSet:
    picks = sorted((o.pick for o in taken if o.pick), key=lambda p: p.barrier)
    return ProductSet(tuple(picks), math.fsum(o.cost for o in taken))
