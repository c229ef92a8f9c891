"""Everything that keeps a drawing from being assessed, in plain words; the drawing is not changed.

A blocking fault must be put right first. The others are said in the result: what is left out then
counts as air, which never understates a kerma.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kerma.core import InputError
from kerma.physics.shielding.plan import _drawing, _quality
from kerma.physics.shielding.plan._complete import incomplete
from kerma.physics.shielding.plan.document import Area, Plan
from kerma.physics.shielding.plan.emission import Emission
from kerma.physics.shielding.plan.emissions import of_use
from kerma.physics.shielding.plan.goals import goal
from kerma.physics.shielding.plan.places import has_place, height_m
from kerma.physics.shielding.room import RULES

# Half an hour in a year: whoever types less has mistaken the unit. Design choice.
LEAST_OCCUPANCY = 1e-4
# Sources × barriers × areas of one assessment: a whole department. More takes minutes, gigabytes.
MOST_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong or left out in a drawing.

    Attributes
    ----------
    code
        Stable, for programs.
    about
        Key of the thing; empty for the whole plan.
    message
        What is wrong, naming the thing, and what to do.
    blocking
        Nothing is assessed until it is put right.
    """

    code: str
    about: str
    message: str
    blocking: bool = True


def faults(plan: Plan) -> tuple[Fault, ...]:
    """Return everything that keeps a plan from being assessed, and what is left out of it.

    Parameters
    ----------
    plan
        As `kerma.physics.shielding.plan.document.read` returns it; it is not changed.

    Returns
    -------
    tuple of Fault
        In the order storeys, barriers, slabs, sources, areas; none when all is well.
    """
    found = _without_areas(plan)
    return tuple(dict.fromkeys([*found, *_areas(plan, any(f.blocking for f in found))]))


def _without_areas(plan: Plan) -> list[Fault]:
    found = [Fault(*one) for one in _drawing.faults(plan)]
    if len(plan.sources) * len(plan.barriers) * len(plan.areas) > MOST_AT_ONCE:
        found.append(
            Fault(
                "too-large", "", f"{len(plan.sources)} sources, {len(plan.barriers)} barriers and "
                f"{len(plan.areas)} places are too many to be assessed at once. Divide the plan.",
            )
        )  # fmt: skip
    if plan.rule not in RULES:
        found.append(
            Fault("which-rule", "", f"“{plan.rule}” is no rule for layers. There are: "
                  f"{', '.join(RULES)}.")
        )  # fmt: skip
    given, of_sources = _sources(plan)
    found += of_sources
    found += [Fault(*one) for one in _quality.faults(plan, given)]
    return found


def require(plan: Plan, *, areas: bool = True) -> tuple[Fault, ...]:
    """Refuse a plan with blocking faults; return the others.

    Parameters
    ----------
    plan
        To assess or to map.
    areas
        Whether faults of its areas count.

    Raises
    ------
    InputError
        ``not-assessable``: the message names every blocking fault, as `detail` does.
    """
    found = faults(plan) if areas else tuple(_without_areas(plan))
    blocking = [f for f in found if f.blocking]
    if blocking:
        raise InputError(
            " ".join(f.message for f in blocking),
            code="not-assessable",
            detail={"faults": [{"code": f.code, "about": f.about} for f in blocking]},
        )
    return tuple(f for f in found if not f.blocking)


def _height(plan: Plan, area: Area) -> Iterator[Fault]:
    """Say where the height an area is judged at lies above its storey."""
    storey = plan.storey(area.storey)
    for source in plan.sources:
        above = height_m(plan, area, source)[0] - storey.floor_m
        if above > storey.height_m:
            yield Fault(
                "area-outside-storey", area.key,
                f"{area.name} is judged {above:g} m above the floor for {source.name}, and "
                f"{storey.name} is {storey.height_m:g} m high.",
            )  # fmt: skip
            return


def _sources(plan: Plan) -> tuple[list[Emission], list[Fault]]:
    """Work every use out; return what is given out, and what keeps the others from it."""
    given: list[Emission] = []
    found: list[Fault] = []
    if not plan.sources:
        found.append(Fault("no-sources", "", "Place at least one source on the plan."))
    for source in plan.sources:
        if not source.uses:
            found.append(
                Fault("no-uses", source.key, f"{source.name}: say what this source is used for.")
            )
        for use in source.uses:
            missing = [f"{source.name}: {words}" for words in incomplete(use)]
            found += [Fault("use-incomplete", source.key, words) for words in missing]
            if missing:
                continue
            try:
                given += of_use(plan, source, use)
            except InputError as error:
                named = error.message.startswith(f"{source.name}:")
                words = error.message if named else f"{source.name}: {error.message}"
                found.append(Fault(error.code, source.key, words))
    return given, found


def _areas(plan: Plan, blocked: bool) -> Iterator[Fault]:
    if not plan.areas:
        yield Fault("no-areas", "", "Draw at least one area to protect.")
    for area in plan.areas:
        if not LEAST_OCCUPANCY <= area.occupancy <= 1.0:
            yield Fault(
                "bad-occupancy", area.key,
                f"{area.name}: occupancy is at least {LEAST_OCCUPANCY:g} and at most 1, not "
                f"{area.occupancy:g}.",
            )  # fmt: skip
        if area.goal is not None and not area.goal > 0.0:
            yield Fault("bad-goal", area.key, f"{area.name}: the goal must be above zero.")
        try:
            goal(plan.method, area)
        except InputError as error:
            yield Fault(error.code, area.key, error.message)
        if not blocked:
            yield from _height(plan, area)
        shape = list(_drawing.polygon(area))
        for one in shape:
            yield Fault(*one)
        if not shape and not blocked and not has_place(plan, area):
            yield Fault(
                "no-place", area.key,
                f"{area.name} has no point that is far enough from its walls to be judged: it is "
                "too narrow, or it lies inside a wall.",
            )  # fmt: skip
