"""How skin dose is read: numbers in one unit, events by reason, what to do about a refusal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.charts.skin import unit_of
from kerma.core.quantity import format_number
from kerma.core.typeset import NBSP
from kerma.physics.skin import SkinDoseMap
from kerma.physics.skin.result import EventOutcome, Share
from kerma.service.doses.models import SkinDose

TONES = {"validated": "accent", "indicative": "warn", "refused": "bad"}
MEANS = {
    "validated": "the room was measured: see its profile",
    "indicative": "nobody measured this room: what is built in was taken",
    "refused": "no map could be made",
}

# What to do about each reason, by its code. Never a way round it.
_ADVICE = {
    "no-profile": "Commission the room: measure its table, its display and its table top, and "
    "enter the profile.",
    "profile-refused": "No map is made of this room until that has been put right; then commission "
    "the room anew.",
    "profile-date": "Commission the room for the day of the examination.",
    "no-kerma": "Have the maker’s engineer switch the dose display into the report on; what was "
    "not sent cannot be put back.",
    "bad-kerma": "Report it to the maker; a negative dose is a fault of the sender.",
    "no-angle": "Have the maker’s engineer send positioner angles; without them the beam cannot "
    "be placed.",
    "no-end-angle": "Ask the maker how a rotation’s end is sent; a sweep without its end cannot "
    "be placed.",
    "no-distance": "Have the distance from focus to isocentre sent.",
    "no-kv": "Have the tube voltage sent for each event.",
    "no-orientation": "Ask how the patient lay, and set it by hand with how it is known.",
    "mixed-orientation": "Find out how the patient lay, and set it by hand with how it is known.",
    "no-table-angle": "Have the table’s angles sent, or find out that it cannot turn and let the "
    "profile say so.",
    "table-turned": "Measure the point the table turns about, and enter it in the room’s profile.",
    "no-filter": "Have the added filtration sent, or let the profile say that none is there.",
    "no-reference-point": "Find out from the maker where the displayed kerma holds, and enter it "
    "in the room’s profile.",
    "no-table-position": "Have the table’s three positions sent; without them the beam cannot be "
    "placed on the patient.",
}  # fmt: skip
_OTHER = "Look at the events as sent, and ask the maker."


@dataclass(frozen=True, slots=True)
class Peak:
    """A peak with its interval, all with the digits the interval allows, in one unit."""

    value: str
    low: str
    high: str
    unit: str

    @property
    def interval(self) -> str:
        """The interval in words."""
        return f"{self.low}{NBSP}{self.unit} to {self.high}{NBSP}{self.unit}"

    def __str__(self) -> str:
        return f"{self.value}{NBSP}{self.unit}"


def peak_of(row: SkinDose) -> Peak | None:
    """Return the peak of a map as it is read; ``None`` when there is none, which is not zero."""
    if row.peak_mgy is None:
        return None
    unit, factor = unit_of(row.peak_mgy)
    low, high = row.low_mgy, row.high_mgy
    if low is None or high is None:
        return Peak(format_number(row.peak_mgy * factor), "–", "–", unit)
    expanded = (high - low) / 2 * factor
    value, first, last = (
        format_number(v * factor, expanded) for v in (row.peak_mgy, low, high)
    )  # fmt: skip
    return Peak(value, first, last, unit)


def in_unit(value_mgy: float | None, row: SkinDose) -> str:
    """Return another dose of a map in the unit and with the digits of its peak."""
    if value_mgy is None or row.peak_mgy is None:
        return "–"
    unit, factor = unit_of(row.peak_mgy)
    wide = (row.high_mgy - row.low_mgy) / 2 if row.high_mgy and row.low_mgy is not None else None
    shown = format_number(value_mgy * factor, wide * factor if wide else None)
    return f"{shown}{NBSP}{unit}"


def kerma(value_mgy: float) -> str:
    """Return a sum of reference kerma."""
    unit, factor = unit_of(value_mgy)
    return f"{float(f'{value_mgy * factor:.3g}'):g}{NBSP}{unit}"


def where_text(found: SkinDoseMap) -> str:
    """Return where the peak is, in words."""
    at = found.where
    if at is None:
        return "nowhere: no beam enters the patient"
    down = f"{-at.cranial_mm:.0f}{NBSP}mm below the top of the model"
    side = f"{abs(at.left_mm):.0f}{NBSP}mm {'left' if at.left_mm >= 0 else 'right'} of its middle"
    return f"{at.side}, {down}, {side}"


# Events -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Events left out for one reason."""

    reason: str
    count: int
    events: str
    kerma: str
    advice: tuple[str, ...]


def left_out(found: SkinDoseMap) -> list[LeftOut]:
    """Return the events that are not in a map, by reason, those with most kerma first."""
    groups: dict[str, list[EventOutcome]] = {}
    for event in found.refused:
        groups.setdefault(event.reason, []).append(event)

    def total(events: Sequence[EventOutcome]) -> float | None:
        stated = [e.kerma_mgy for e in events if e.kerma_mgy is not None]
        return sum(stated) if stated else None

    ordered = sorted(groups.items(), key=lambda g: (-(total(g[1]) or 0.0), g[1][0].index))
    return [
        LeftOut(
            reason, len(events), numbered(e.index for e in events),
            "not stated" if (sum_of := total(events)) is None else kerma(sum_of),
            tuple(dict.fromkeys(_ADVICE.get(code, _OTHER) for code in events[0].codes)),
        )
        for reason, events in ordered
    ]  # fmt: skip


def numbered(indices: Iterable[int]) -> str:
    """Return event numbers, from 1, with runs drawn together: ``1, 4–8``."""
    runs: list[list[int]] = []
    for n in sorted(i + 1 for i in indices):
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in runs)


@dataclass(frozen=True, slots=True)
class ShareLine:
    """What one event gives at the peak; the texts of a column all have the same decimals."""

    number: int
    kind: str
    started: str
    share: Share
    kerma_mgy: float | None
    dose_text: str
    kerma_text: str

    @property
    def percent(self) -> str:
        """The share of the peak in per cent."""
        return f"{100 * self.share.fraction:.1f}"

    @property
    def factors(self) -> tuple[str, str, str, str, str]:
        """Inverse square, backscatter, water to air, table, and the field's side in mm."""
        s = self.share
        return (
            f"{s.inverse_square:.3f}", f"{s.backscatter:.2f}", f"{s.water_air:.3f}",
            f"{s.transmission:.2f}", f"{s.side_mm:.0f}",
        )  # fmt: skip


def share_lines(found: SkinDoseMap, row: SkinDose) -> list[ShareLine]:
    """Return the events that reach the peak, the largest first, doses in the peak's unit."""
    _, factor = unit_of(row.peak_mgy or 0.0)
    of = [found.events[s.index] for s in found.shares]
    doses = column([s.dose_mgy * factor for s in found.shares])
    kermas = column([e.kerma_mgy for e in of])
    several = len({e.plane for e in found.events}) > 1
    return [
        ShareLine(
            s.index + 1, " ".join(filter(None, (e.kind or "event", e.plane if several else ""))),
            (e.started or "")[11:19], s, e.kerma_mgy, dose, kerma_text,
        )
        for s, e, dose, kerma_text in zip(found.shares, of, doses, kermas, strict=True)
    ]  # fmt: skip


def rest_told(lines: Sequence[ShareLine]) -> str:
    """Return what the events that are not listed give together."""
    share = 100 * sum(s.share.fraction for s in lines)
    return f"{len(lines)} further events give {share:.1f}{NBSP}% of the peak." if lines else ""


def column(values: Sequence[float | None]) -> list[str]:
    """Return numbers with the same decimals: three significant figures of the largest.

    A number too small for them is shown as smaller than the last place, never as zero.
    """
    largest = max((abs(v) for v in values if v is not None), default=0.0)
    decimals = max(0, 2 - math.floor(math.log10(largest))) if largest else 0
    last = 10.0**-decimals

    def text(value: float | None) -> str:
        if value is None:
            return "–"
        return f"<{last:.{decimals}f}" if 0 < value < last / 2 else f"{value:.{decimals}f}"

    return [text(v) for v in values]


def box_text(found: SkinDoseMap, row: SkinDose) -> str:
    """Return how the peak changes with where the patient lies."""
    if not found.box:
        return ""
    across, down, along = (f"{h:g}" for h in found.box["half_mm"])
    low, high = (in_unit(found.box[k], row) for k in ("low_mgy", "high_mgy"))
    return (
        f"{low} to {high} with the patient anywhere within ±{across}{NBSP}mm across, "
        f"±{down}{NBSP}mm in height and ±{along}{NBSP}mm along"
    )


def hand_facts(parameters: dict[str, Any]) -> str:
    """Return how the patient was said by hand to lie; empty when nothing was."""
    patient, settings = parameters.get("patient") or {}, parameters.get("settings") or {}
    parts = []
    if patient.get("orientation"):
        parts.append(str(patient["orientation"]))
    offset = settings.get("offset_mm") or []
    if any(offset):
        parts.append("moved by " + ", ".join(f"{o:g}" for o in offset) + f"{NBSP}mm")
    return ", ".join(parts)
