"""How an assessment is shown: on the drawing page, on the pages of a design, in its pictures."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kerma.core import content_hash
from kerma.physics.shielding.archer import said
from kerma.physics.shielding.plan.document import Layer, Plan
from kerma.service.protection.shielding.drawing import Sheet
from kerma.service.protection.shielding.picture import picture
from kerma.service.web.components.numbers import number

Found = Mapping[str, Any]


def _value(held: Any) -> float | None:
    return held["value"] if isinstance(held, Mapping) else held


def brief(found: Found) -> dict[str, Any]:
    """Return what the drawing page shows of an assessment; the working stays with the service."""
    return {
        "adequate": found["adequate"],
        "areas": [
            {
                "key": a["key"], "point": a["point"], "kerma": _value(a["kerma"]),
                "allowed": _value(a["allowed"]), "adequate": a["adequate"], "why": a["why"],
            }
            for a in found["areas"]
        ],
        "needs": [
            {k: n[k] for k in ("key", "extra_mm", "material", "decided_by")}
            for n in needs_of(found)
        ],
        "impossible": [
            {"area": i["area"], "message": i["message"]} for i in found["needs"]["impossible"]
        ],
        "unjudged": [r["key"] for r in found["schedule"] if not r.get("judged", True)],
    }  # fmt: skip


def needs_of(found: Found | None) -> list[Mapping[str, Any]]:
    """Return what barriers and floors still need."""
    return list(found["needs"]["barriers"]) if found and found["needs"] else []


def afterwards(found: Found | None) -> dict[str, float]:
    """Return the highest kerma of each area with all that is required; empty if nothing is."""
    if not found or not found["needs"]:
        return {}
    return {a["area"]: a["kerma_mgy"] for a in found["needs"].get("afterwards", ())}


def layers_said(layers: tuple[Layer, ...]) -> str:
    """Return layers as a builder reads them."""
    parts = [
        f"{number(v.mm)} mm {said(v.material)}{f' ({v.product})' if v.product else ''}"
        for v in layers if v.mm
    ]  # fmt: skip
    return ", ".join(parts)


def numbers_of(plan: Plan) -> dict[str, int]:
    """Return the numbers barriers and floors have in pictures and tables, by key."""
    return {thing.key: n for n, thing in enumerate((*plan.barriers, *plan.slabs), 1)}


def needed(plan: Plan, found: Found | None) -> frozenset[str]:
    """Return the keys of what something is or must be added to."""
    planned = {t.key for t in (*plan.barriers, *plan.slabs) if any(v.added for v in t.layers)}
    return frozenset(planned | {n["key"] for n in needs_of(found) if n["extra_mm"] > 0.0})


def pictures(
    sheet: Sheet,
    found: Found | None,
    *,
    mapped: bool = False,
    only: Collection[str] | None = None,
) -> list[tuple[str, str]]:
    """Return each storey that has something on it (or those of `only`): name and picture."""
    plan = sheet.plan
    states = {a["key"]: a["adequate"] for a in found["areas"]} if found else {}
    needy = needed(plan, found)
    drawn = []
    for storey in sorted(plan.storeys, key=lambda s: -s.floor_m):
        if only is not None and storey.key not in only:
            continue
        heights = [s.height_m for s in plan.sources if s.storey == storey.key]
        svg = picture(
            plan, storey, numbers_of(plan), states, needy,
            height_m=(heights[0] if heights else 1.0) if mapped and found else None,
        )  # fmt: skip
        if svg:
            drawn.append((storey.name, svg))
    return drawn


@dataclass(frozen=True, slots=True)
class BarrierLine:
    """A barrier as a table shows it."""

    number: int
    name: str
    where: str
    length_m: float | None
    layers: str
    planned: str
    extra: str
    decided_by: str
    judged: bool


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def figures(value: float) -> str:
    """Return a number to three significant figures: a shielding calculation has no more.

    Very small and very large ones with a power of ten, as on the drawing page.
    """
    if value and not 1e-3 <= abs(value) < 1e5:
        part, power = f"{value:.2e}".split("e")
        return f"{part} × 10{str(int(power)).translate(_RAISED)}"
    return number(float(f"{value:.3g}"))


def grouped(value: float) -> str:
    """Return a number as it was given, its thousands apart."""
    return f"{value:,.10g}".replace(",", "\u202f")


def millimetres(extra: float) -> str:
    """Return a thickness rounded up to a tenth or a hundredth: never to less than is needed."""
    step = 0.01 if extra < 10.0 else 0.1
    return number(math.ceil(round(extra / step, 6)) * step, 4)


def worth(lead: float) -> str:
    """Return a lead equivalence rounded down to a hundredth: never to more than there is."""
    return number(math.floor(round(lead * 100.0, 4)) / 100.0)


def barriers(plan: Plan, found: Found | None) -> list[BarrierLine]:
    """Return every barrier and floor with what must be added."""
    numbers = numbers_of(plan)
    needs = {n["key"]: n for n in needs_of(found)}
    names = {a.key: a.name for a in plan.areas}
    storeys = {s.key: s.name for s in plan.storeys}
    several = len(storeys) > 1
    judged = {r["key"]: r.get("judged", True) for r in found["schedule"]} if found else {}
    lines = []
    for thing in (*plan.barriers, *plan.slabs):
        need = needs.get(thing.key)
        extra = need["extra_mm"] if need else 0.0
        lines.append(BarrierLine(
            numbers[thing.key], thing.name, storeys[thing.storey] if several else "",
            getattr(thing, "length_m", None),
            layers_said(tuple(v for v in thing.layers if not v.added)),
            layers_said(tuple(v for v in thing.layers if v.added)),
            f"{millimetres(extra)} mm {said(need['material'])}" if need and extra else "",
            names.get(need["decided_by"], "") if need and extra else "",
            judged.get(thing.key, True),
        ))  # fmt: skip
    return lines


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What happens if something turns out otherwise.

    Attributes
    ----------
    titles
        What turns out otherwise.
    places
        Name of each place, and for each title kerma as a share of what is allowed and whether it
        is above.
    refused
        What cannot be said, and why.
    """

    titles: tuple[str, ...]
    places: tuple[tuple[str, tuple[tuple[str, bool], ...]], ...]
    refused: tuple[str, ...]


def otherwise(found: Found | None) -> Otherwise | None:
    """Return the table of what happens if something turns out otherwise."""
    if not found:
        return None
    held = [line for line in found["sensitivity"] if not line["refused"]]
    by_key = [{a["area"]: a for a in line["areas"]} for line in held]
    return Otherwise(
        tuple(line["title"] for line in held),
        tuple(
            (a["name"], tuple((share(of[a["key"]]["ratio"]), of[a["key"]]["adequate"] is False)
                              for of in by_key))
            for a in found["areas"]
        ),
        tuple(f"{v['title']}: {v['refused']}" for v in found["sensitivity"] if v["refused"]),
    )  # fmt: skip


def share(ratio: float | None) -> str:
    """Return a ratio in per cent; a dash where it is not known."""
    if ratio is None or not math.isfinite(ratio):
        return "–"
    # What is above is never rounded to all that is allowed, nor a little to nothing.
    shown = f"{100.0 * ratio:.0f}"
    if shown == "0" and ratio > 0.0:
        return "below 1 %"
    return "more than 100 %" if shown == "100" and ratio > 1.0 + 1e-9 else f"{shown} %"


def changes(kept: Found, again: Found | None) -> list[str]:
    """Return how a version would come out today against how it was kept; empty: the same bits."""
    if again is None:
        return ["It could not be assessed today."]
    if _bits(kept) == _bits(again):
        return []
    then = {a["key"]: a for a in kept["areas"]}
    told = []
    for area in again["areas"]:
        old, new = _value(then.get(area["key"], {}).get("kerma")), _value(area["kerma"])
        if old and new and old != new:
            told.append(f"{area['name']}: {number(old)} mGy then, {number(new)} mGy now "
                        f"({100.0 * (new - old) / old:+.2g} %).")  # fmt: skip
    rows = {s["row"]: s["sha256"] for s in kept["sources"]}
    for source in again["sources"]:
        if source["row"] not in rows:
            told.append(f"It would rest on another row: {source['row']}.")
        elif rows[source["row"]] != source["sha256"]:
            told.append(f"The row {source['row']} has another content now.")
    return told or ["The numbers are the same; words of the method have changed."]


def _bits(found: Found) -> str:
    from kerma.physics.shielding.plan.assess import without_package
    from kerma.service.records.sealing import settled

    return content_hash(settled(without_package(dict(found))))
