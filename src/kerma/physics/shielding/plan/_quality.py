"""Is there a transmission for every material in every beam that may cross it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from kerma.core import InputError
from kerma.physics.shielding.archer import Beam, curve, materials, said
from kerma.physics.shielding.plan.document import Barrier, Plan, Slab
from kerma.physics.shielding.plan.emission import Emission
from kerma.reference import rows

Found = Iterator[tuple[str, str, str, bool]]


def faults(plan: Plan, given: Sequence[Emission]) -> Found:
    """Yield code, key, message and whether it blocks: unknown materials, kV outside the tables."""
    used: dict[str, str] = {}
    things: tuple[Barrier | Slab, ...] = (*plan.barriers, *plan.slabs)
    for thing in things:
        for layer in thing.layers:
            if layer.material not in materials():
                yield (
                    "unknown-material", thing.key,
                    f"{thing.name}: there are no transmission coefficients for "
                    f"“{said(layer.material)}”. There are some for: "
                    f"{', '.join(said(m) for m in materials())}.", True,
                )  # fmt: skip
            elif layer.mm > 0.0:
                used.setdefault(layer.material, thing.name)
    seen = set()
    for emission in given:
        for material in used:
            if emission.beam is None or (emission.source, emission.beam, material) in seen:
                continue
            seen.add((emission.source, emission.beam, material))
            problem = _problem(material, emission.beam)
            if problem:
                code, words, blocking = problem
                yield code, emission.source, f"{emission.name}, {emission.title}: {words}", blocking
        if emission.beam is None:
            yield (
                "no-credit", emission.source,
                f"{emission.name}, {emission.title}: no transmission is held for this radiation; "
                "every barrier counts as air for it.", False,
            )  # fmt: skip


@cache
def _problem(material: str, beam: Beam) -> tuple[str, str, bool] | None:
    try:
        curve(material, beam)
    except InputError as error:
        if error.code not in ("no-coefficient", "outside-domain"):
            return error.code, error.message, True
    else:
        return None
    tabulated = _voltages(material, beam.radiation)
    if beam.kv is not None and tabulated:
        return (
            "kv-outside-table",
            f"{beam.kv:g} kV lies outside the tables of {said(material)} for "
            f"{beam.radiation.replace('_', ' ')} radiation, which hold {tabulated}.",
            True,
        )
    return (
        "no-credit",
        f"no transmission of {said(material)} is held for {beam}; its layers count as air for it.",
        False,
    )


def _voltages(material: str, radiation: str) -> str:
    """Return the tabulated tube voltages, from and to for each target and filter."""
    held: dict[str, list[float]] = {}
    for found in rows("archer"):
        of = (found.text("method"), found.text("material"), found.text("radiation"))
        if of == ("NCRP147", material, radiation) and found.text("kvp"):
            held.setdefault(found.text("anode_filter"), []).append(found.number("kvp"))
    return ", ".join(f"{min(kv):g} to {max(kv):g} kV ({name})" for name, kv in held.items())
