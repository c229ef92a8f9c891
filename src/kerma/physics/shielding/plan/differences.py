"""What changed between two plans, in words, and whether it calls for a re-check.

A change calls for one when it may raise a kerma or lower what is allowed. What can only help is
told and asks for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from kerma.physics.shielding.plan.document import (
    DESIGNATIONS,
    KINDS,
    METHODS,
    Area,
    Barrier,
    PlacedSource,
    Plan,
    Slab,
)
from kerma.physics.shielding.plan.structure import merged
from kerma.physics.shielding.plan.uses import CHOICE, USES, Parameter, Use

T = TypeVar("T", Barrier, Slab, Area, PlacedSource)
# Numbers of a use that are workload: more of them is more kerma, less of them less.
WORKLOAD = frozenset(
    {"kap_gy_cm2", "dlp_mgy_cm", "patients", "procedures", "hours", "workload", "use"}
)  # fmt: skip
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Difference:
    """One change.

    Attributes
    ----------
    recheck
        Whether the design must be looked at again.
    """

    code: str
    about: str
    message: str
    recheck: bool


def differences(before: Plan, after: Plan) -> tuple[Difference, ...]:
    """Return what changed from one plan to another; nothing when they are the same.

    Things are matched by their key.
    """
    return tuple(Difference(*one) for one in _all(before, after))


def needs_recheck(found: Sequence[Difference]) -> bool:
    """Return whether any change calls for a re-check."""
    return any(d.recheck for d in found)


Found = Iterator[tuple[str, str, str, bool]]


def _all(before: Plan, after: Plan) -> Found:
    if before.method != after.method:
        yield "method", "", f"The method is {METHODS[after.method]} now.", True
    if before.rule != after.rule:
        yield "rule", "", f"Layers combine by the rule “{after.rule}” now.", True
    for storey in {s.key: s for s in (*before.storeys, *after.storeys)}.values():
        pair = [next((s for s in p.storeys if s.key == storey.key), None) for p in (before, after)]
        if pair[0] is None or pair[1] is None:
            word = "new" if pair[0] is None else "gone"
            yield "storey", storey.key, f"{storey.name} is {word}.", True
        elif (pair[0].floor_m, pair[0].height_m) != (pair[1].floor_m, pair[1].height_m):
            yield "storey", storey.key, f"{storey.name} has other heights.", True
    yield from _barriers(before, after)
    yield from _areas(before, after)
    yield from _sources(before, after)


def _matched(old: Sequence[T], new: Sequence[T]) -> Iterator[tuple[T | None, T | None]]:
    then: dict[str, T] = {t.key: t for t in old}
    now: dict[str, T] = {t.key: t for t in new}
    for key in dict.fromkeys([*then, *now]):
        yield then.get(key), now.get(key)


def _barriers(before: Plan, after: Plan) -> Found:
    for a, b in _matched(before.barriers, after.barriers):
        if a is None or b is None:
            yield from _come_or_gone(a, b, KINDS)
            continue
        placed = ("start", "end", "bottom_m", "top_m", "storey", "kind", "within")
        if any(getattr(a, name) != getattr(b, name) for name in placed):
            yield "moved", b.key, f"{b.name} has another place or size.", True
        yield from _layers(a, b)
        yield from _renamed(a, b)
    for c, d in _matched(before.slabs, after.slabs):
        if c is None or d is None:
            yield from _come_or_gone(c, d, KINDS)
            continue
        if c.storey != d.storey:
            yield "moved", d.key, f"{d.name} is the floor of another storey.", True
        yield from _layers(c, d)
        yield from _renamed(c, d)


def _come_or_gone(a: Any, b: Any, kinds: Mapping[str, str]) -> Found:
    """Say that something is new or gone: a door takes the place of a wall, so it is looked at."""
    one = a or b
    kind = kinds.get(getattr(one, "kind", ""), "Slab")
    opening = getattr(one, "kind", "") in ("door", "window")
    if b is None:
        yield "removed", one.key, f"{kind} {one.name} was removed.", True
    else:
        yield "added", one.key, f"{kind} {one.name} is new.", opening


def _layers(a: Barrier | Slab, b: Barrier | Slab) -> Found:
    old, new = merged(a.layers), merged(b.layers)
    if old == new:
        return
    less = any(new.get(m, 0.0) < mm * (1.0 - _SAME) for m, mm in old.items())
    words = " + ".join(f"{mm:g} mm {m.replace('_', ' ')}" for m, mm in new.items()) or "nothing"
    change = "thinner or of another material" if less else "thicker"
    yield "layers", b.key, f"{b.name} is {change}: {words} now.", less


def _renamed(a: Any, b: Any) -> Found:
    if a.name != b.name:
        yield "renamed", b.key, f"{a.name} is called {b.name} now.", False


def _areas(before: Plan, after: Plan) -> Found:
    for a, b in _matched(before.areas, after.areas):
        if a is None or b is None:
            one = a or b
            assert one is not None
            new = a is None
            yield (
                "added" if new else "removed", one.key,
                f"Area {one.name} is {'new' if new else 'gone'}.", new,
            )  # fmt: skip
            continue
        if a.polygon != b.polygon or a.storey != b.storey:
            yield "moved", b.key, f"{b.name} has another outline or place.", True
        if a.occupancy != b.occupancy:
            yield (
                "occupancy", b.key,
                f"Occupancy of {b.name} is {b.occupancy:g}, it was {a.occupancy:g}.",
                b.occupancy > a.occupancy,
            )  # fmt: skip
        if a.designation != b.designation:
            yield (
                "designation", b.key,
                f"{b.name} is {DESIGNATIONS[b.designation].lower()} now, it was "
                f"{DESIGNATIONS[a.designation].lower()}.", True,
            )  # fmt: skip
        if a.goal != b.goal:
            lower = a.goal is None or b.goal is None or b.goal < a.goal
            yield "goal", b.key, f"{b.name} has another goal.", lower
        yield from _renamed(a, b)


def _sources(before: Plan, after: Plan) -> Found:
    for a, b in _matched(before.sources, after.sources):
        if a is None or b is None:
            one = a or b
            assert one is not None
            new = a is None
            yield (
                "added" if new else "removed", one.key,
                f"Source {one.name} is {'new' if new else 'gone'}.", new,
            )  # fmt: skip
            continue
        if (a.position, a.height_m, a.storey) != (b.position, b.height_m, b.storey):
            yield "moved", b.key, f"{b.name} stands elsewhere.", True
        if a.system != b.system:
            yield "system", b.key, f"The system of {b.name} was exchanged.", True
        yield from _uses(a, b)
        yield from _renamed(a, b)


def _uses(a: PlacedSource, b: PlacedSource) -> Found:
    """Compare uses one by one in their order within each kind."""
    for kind in dict.fromkeys(u.kind for u in (*a.uses, *b.uses)):
        old = [u for u in a.uses if u.kind == kind]
        new = [u for u in b.uses if u.kind == kind]
        for one in new[len(old) :]:
            yield "use", b.key, f"{b.name} is used for {one.said} now.", True
        for one in old[len(new) :]:
            yield "use", b.key, f"{b.name} is no longer used for {one.said}.", False
        for then, now in zip(old, new, strict=False):
            yield from _use(b, then, now)


def _use(source: PlacedSource, then: Use, now: Use) -> Found:
    for asked in USES[now.kind].parameters:
        was, is_now = then.given.get(asked.key), now.given.get(asked.key)
        if was == is_now:
            continue
        named = f"{source.name}, {now.said}: {asked.title.lower()}"
        if asked.key in WORKLOAD and _numbers(was, is_now):
            change = 100.0 * (is_now - was) / was if was else 100.0
            word = "up" if change > 0.0 else "down"
            yield "workload", source.key, f"{named} {word} {abs(change):.3g} %.", change > 0.0
        else:
            shown = f"{_shown(asked, was)} to {_shown(asked, is_now)}"
            matters = asked.key != "document"
            yield "use-changed", source.key, f"{named} changed from {shown}.", matters


def _numbers(*values: Any) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _shown(asked: Parameter, value: Any) -> str:
    if value in (None, ""):
        return "nothing"
    if asked.kind == CHOICE:
        return dict(asked.options).get(str(value), str(value))
    return f"{value:g}" if _numbers(value) else str(value)
