"""Barriers measured after they were built, held against a version of their design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from kerma.core import InputError, Quantity, content_hash, quantity
from kerma.core.quantity import format_number
from kerma.physics.shielding.archer import Beam
from kerma.physics.shielding.plan.as_built import AsBuilt as Compared
from kerma.physics.shielding.plan.as_built import as_built
from kerma.physics.shielding.plan.document import Barrier, Slab
from kerma.physics.shielding.plan.structure import merged
from kerma.service.instruments.models import Instrument
from kerma.service.instruments.selectors import (
    calibration_problem,
    certificate_in_force,
    correction,
)
from kerma.service.people.models import Person
from kerma.service.protection.models import AsBuilt, DesignVersion
from kerma.service.protection.shielding import drawing
from kerma.service.protection.shielding.services import entitled, require_whole
from kerma.service.records import log, store
from kerma.service.records.sealing import settled

RADIATIONS = {
    "primary": "Primary beam", "secondary": "Scatter", "ct_secondary": "Scatter of a CT scanner",
}  # fmt: skip
UNITS = ("uGy", "mGy", "nGy", "uGy/s", "mGy/s", "uGy/h", "mGy/h")
OUTCOMES = {"agrees": "as designed", "more": "more than designed", "less": "less than designed"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading as it was typed.

    Attributes
    ----------
    u
        Standard uncertainty (k = 1) in the unit of the value; ``None`` to take the calibration's.
    """

    value: float
    u: float | None = None


def barriers(version: DesignVersion) -> dict[str, Barrier | Slab]:
    """Return the barriers and slabs of a version that have layers, by key."""
    plan = drawing.read(version.document).plan
    return {b.key: b for b in (*plan.barriers, *plan.slabs) if merged(b.layers)}


def rows(version: DesignVersion) -> QuerySet[AsBuilt]:
    """Return what was measured of a version, the newest day first."""
    found = version.measured.select_related("instrument", "evidence", "by")
    return found.order_by("-measured_on", "-pk")


def newest(version: DesignVersion) -> list[AsBuilt]:
    """Return the measurement that holds of each barrier: the newest."""
    held: dict[str, AsBuilt] = {}
    for row in rows(version):
        held.setdefault(row.barrier, row)
    return sorted(held.values(), key=lambda row: row.name)


def as_built_add(
    *,
    by: Person,
    version: DesignVersion,
    barrier: str,
    kv: float,
    without: Reading,
    behind: Reading,
    unit: str,
    measured_on: date,
    radiation: str = "primary",
    filtration: str = "",
    instrument: Instrument | None = None,
    evidence: tuple[str, bytes] | None = None,
) -> AsBuilt:
    """Keep the measurement of a barrier, compared with its design.

    Parameters
    ----------
    by, version, barrier
        Who measured which barrier (its key) of which version.
    kv, radiation, filtration
        Beam of the measurement: tube voltage, see `RADIATIONS`, a note on its filtration.
    without, behind, unit
        Readings of one beam at one place without the barrier and behind it; see `UNITS`.
    measured_on
        The day.
    instrument
        Its calibration must be in force on the day; it gives the uncertainty of a reading typed
        without one.
    evidence
        Name and content of a file.

    Raises
    ------
    NotEntitled
        The person may not do shielding work for this employer.
    InputError
        ``no-barrier``, ``future``, ``bad-unit``, ``bad-radiation``, ``not-calibrated``,
        ``no-uncertainty``, ``bad-reading``; those of `kerma.physics.shielding.plan.as_built`.
    """
    entitled(by, version.design)
    require_whole(version)
    item = barriers(version).get(barrier)
    if item is None:
        raise InputError(
            "Choose a barrier of the design that has layers; nothing else can be compared.",
            code="no-barrier",
        )
    _check(measured_on, unit, radiation, (without, behind))
    if instrument is not None and (problem := calibration_problem(instrument, measured_on)):
        raise InputError(problem, code="not-calibrated")
    given = [_corrected(r, unit, instrument, measured_on) for r in (without, behind)]
    first, last = given
    if last.value - 2.0 * (last.u or 0.0) > first.value + 2.0 * (first.u or 0.0):
        raise InputError(
            "More was read behind the barrier than without it, by more than twice the "
            "uncertainties: the readings are exchanged, or were not of one beam at one distance.",
            code="bad-reading",
        )
    found = as_built(
        item.layers, Beam(radiation, kv=kv), without=given[0], behind=given[1],
        material=_material(item),
    )  # fmt: skip
    readings = {
        "kv": kv, "radiation": radiation, "filtration": " ".join(filtration.split())[:200],
        "unit": unit, "without": _plain(without), "behind": _plain(behind),
        "certificate": _certificate(instrument, measured_on),
    }  # fmt: skip
    return _kept(by, version, item, found, readings, measured_on, instrument, evidence)


def _check(measured_on: date, unit: str, radiation: str, readings: tuple[Reading, ...]) -> None:
    if measured_on > timezone.localdate():
        raise InputError("The day of the measurement has not come yet.", code="future")
    if unit not in UNITS:
        raise InputError(f"Readings are in one of {', '.join(UNITS)}.", code="bad-unit")
    if radiation not in RADIATIONS:
        raise InputError(
            f"The beam is one of: {', '.join(RADIATIONS.values())}.", code="bad-radiation"
        )
    if any(not r.value > 0.0 or (r.u is not None and not r.u > 0.0) for r in readings):
        raise InputError(
            "Both readings and their uncertainties are above zero. A barrier behind which nothing "
            "could be read needs a stronger beam or a more sensitive instrument.",
            code="bad-reading",
        )


def _corrected(reading: Reading, unit: str, instrument: Instrument | None, day: date) -> Quantity:
    """Return a reading with the factor of the calibration in force, and its uncertainty."""
    factor, u = 1.0, reading.u
    if instrument is not None:
        name = "air kerma rate" if "/" in unit else "air kerma"
        found = correction(certificate_in_force(instrument, day), name)
        factor = found.factor
        if u is None and found.u_relative is not None:
            u = found.u_relative * reading.value
    if u is None:
        whose = f"The calibration of {instrument} states none for it" if instrument else (
            "No instrument is named whose calibration would give one"
        )  # fmt: skip
        raise InputError(
            f"A reading is typed without its uncertainty. {whose}; type the standard uncertainty.",
            code="no-uncertainty",
        )
    return quantity(reading.value * factor, unit, u * factor)


def _certificate(instrument: Instrument | None, day: date) -> str:
    held = certificate_in_force(instrument, day) if instrument else None
    return held.number if held else ""


def _material(item: Barrier | Slab) -> str:
    """Return what the equivalent thickness is of: lead where there is any, else the thickest."""
    held = merged(item.layers)
    return "lead" if "lead" in held else max(held, key=lambda material: held[material])


def _plain(reading: Reading) -> dict[str, Any]:
    return {"value": reading.value, "u": reading.u}


@transaction.atomic
def _kept(
    by: Person, version: DesignVersion, item: Barrier | Slab, found: Compared,
    readings: Mapping[str, Any], measured_on: date, instrument: Instrument | None,
    evidence: tuple[str, bytes] | None,
) -> AsBuilt:  # fmt: skip
    file = None
    if evidence is not None:
        file = store.keep(
            by=by, content=evidence[1], name=evidence[0], media_type="application/octet-stream"
        )
    record = settled(found.as_dict())
    row = AsBuilt(
        version=version, barrier=item.key, name=(item.name or item.key)[:160],
        measured_on=measured_on, instrument=instrument, readings=settled(dict(readings)),
        record=record, record_sha256=content_hash(record), outcome=found.verdict, evidence=file,
        at=timezone.now(), by=by,
    )  # fmt: skip
    row.save()
    log.append(
        actor=by, kind="shielding.as-built", subject=version, seals=[row],
        text=f"{row.name} measured: {OUTCOMES[row.outcome]}",
        data={"record_sha256": row.record_sha256},
    )  # fmt: skip
    return row


def beam_words(row: AsBuilt) -> str:
    """Return the beam of a measurement in words."""
    given = row.readings
    beam = f"{RADIATIONS[given['radiation']]}, {format_number(given['kv'])} kV"
    return f"{beam}, {given['filtration']}" if given["filtration"] else beam
