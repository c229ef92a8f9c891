"""A dose audit: typical values by room, the local level from them, and how they stand nationally.

Typical value: the median of a room's examinations. Local reference level: the 75th percentile of
the medians of the rooms (ICRP Publication 135, as carried in the data set drl-statistics). Each has
its exact 95 % interval; a room with too few examinations is listed and counts nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import polars as pl

from kerma import reference
from kerma.core import InputError
from kerma.core.codec import decode, encode
from kerma.doses.bands import band, overlapping
from kerma.doses.levels import NationalLevel, compare
from kerma.doses.queries import Filter, measure, selected
from kerma.doses.statistics import METHOD, Quantile, quantile
from kerma.doses.store import Store

# Rooms a local level should rest on (drl-statistics, item local_drl: about 10 to 20).
ROOMS_FOR_A_LEVEL = 10
_SAMPLE_OF = {"CT": "fluoroscopy_and_ct", "RF": "fluoroscopy_and_ct", "DX": "general_radiography",
              "PX": "general_radiography", "MG": "mammography"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What is audited.

    Attributes
    ----------
    standard
        Key of the standard name.
    measure
        A measure of `kerma.doses.queries`.
    ages, masses
        Bands; none means everybody together.
    smallest
        Examinations a room needs before its median counts.
    employer
        Whose examinations; empty for all.
    """

    standard: str
    modality: str
    measure: str
    since: date
    until: date
    smallest: int
    ages: tuple[str, ...] = ()
    masses: tuple[str, ...] = ()
    employer: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """The examinations of one room in one band.

    Attributes
    ----------
    median
        ``None`` when there are fewer than the smallest sample.
    outcome
        ``above``, ``below``, ``not separable``, or why there is no comparison.
    """

    system: str
    band: str
    count: int
    phantoms: tuple[str, ...]
    median: Quantile | None
    p75: float | None
    outcome: str
    ratio: float | None
    limit: float | None


@dataclass(frozen=True, slots=True)
class Band:
    """One band of age and mass over all rooms: the local level, if there are rooms enough."""

    band: str
    rooms: int
    level: Quantile | None
    note: str


@dataclass(frozen=True, slots=True)
class Result:
    """What an audit found; plain data when encoded."""

    question: Question
    unit: str
    rooms: tuple[Room, ...]
    bands: tuple[Band, ...]
    left_out: Mapping[str, int]
    national: str
    method: str = METHOD
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Return plain data; `from_dict` gives the result back."""
        data: dict[str, Any] = encode(self)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Result:
        """Rebuild a stored result."""
        return decode(cls, data)


def smallest_sample(modality: str) -> tuple[int, reference.Row]:
    """Return how many examinations a room needs, and the row that says so.

    Raises
    ------
    InputError
        Code ``no-sample-rule``: there is none for this kind; state the service's own number.
    """
    row = next(r for r in reference.rows("drl-statistics") if r.text("item") == "minimum_sample")
    key = _SAMPLE_OF.get(modality)
    if key is None:
        raise InputError(
            f"There is no rule for the smallest sample of {modality}. State your own number.",
            code="no-sample-rule",
        )
    return int(row.fields["value"][key]), row


def audit(store: Store, question: Question, national: NationalLevel | None = None) -> Result:
    """Work out an audit.

    Raises
    ------
    InputError
        ``bad-period``, ``bad-sample``, ``bad-band``, ``bands-overlap``, ``no-doses`` and those of
        `kerma.doses.queries`.
    """
    _require_sense(question)
    asked = measure(question.measure)
    bands = [(age, mass) for age in question.ages or ("",) for mass in question.masses or ("",)]
    rooms: list[Room] = []
    whole: list[Band] = []
    used = 0
    for age, mass in bands:
        table = _doses(store, question, age, mass)
        name = ", ".join(t for t in (age, mass) if t) or "all"
        mine = [
            _room(question, asked.unit, name, system, part, national)
            for (system,), part in table.group_by("system", maintain_order=True)
        ]
        rooms += sorted(mine, key=lambda r: (-(r.median.value if r.median else -1.0), r.system))
        whole.append(_band(name, mine))
        used += table.height
    if not used:
        raise InputError(
            "There is no examination with this dose in the period. Choose another period, or name "
            "the examinations first.",
            code="no-doses",
        )
    total = _doses(store, question, "", "").height
    return Result(
        question=question,
        unit=asked.unit,
        rooms=tuple(rooms),
        bands=tuple(whole),
        left_out=_left_out(store, question, used, total),
        national=national.row.id if national else "",
        notes=_notes(question, whole),
    )


def _require_sense(question: Question) -> None:
    if question.since > question.until:
        raise InputError("The last day lies before the first.", code="bad-period")
    if question.smallest < 1:
        raise InputError("The smallest sample is one examination or more.", code="bad-sample")
    for texts in (question.ages, question.masses):
        if shared := overlapping(tuple(map(band, texts))):
            one, two = shared
            raise InputError(
                f"The bands “{one.text}” and “{two.text}” overlap: some patients would count "
                "twice.",
                code="bands-overlap",
            )


def _doses(store: Store, question: Question, age: str, mass: str) -> pl.DataFrame:
    asked = measure(question.measure)
    equal = {"standard": [question.standard]}
    if question.employer:
        equal["employer"] = [question.employer]
    chosen = Filter(since=question.since, until=question.until, equal=equal, age=age, mass=mass)
    return (
        selected(store, asked, chosen)
        .select(
            pl.col("system").fill_null("unknown device"),
            pl.col(asked.column).alias("dose"),
            "phantom",
        )
        .sort("system", "dose")
        .collect()
    )


def _room(
    question: Question,
    unit: str,
    name: str,
    system: Any,
    part: pl.DataFrame,
    national: NationalLevel | None,
) -> Room:
    doses = list(part["dose"])
    phantoms = tuple(sorted({p or "not stated" for p in part["phantom"]}))
    bare = Room(str(system), name, len(doses), phantoms, None, None, "no level", None, None)
    if len(doses) < question.smallest:
        return replace(bare, outcome=f"fewer than {question.smallest} examinations")
    median = quantile(doses, 0.5)
    room = replace(bare, median=median, p75=quantile(doses, 0.75).value)
    if national is None:
        return room
    try:
        found = compare(median, unit, national, list(part["phantom"]))
    except InputError as refusal:
        return replace(room, outcome=refusal.message)
    return replace(room, outcome=found.outcome, ratio=found.ratio, limit=found.limit)


def _band(name: str, rooms: Sequence[Room]) -> Band:
    medians = [r.median.value for r in rooms if r.median and r.system != "unknown device"]
    if not medians:
        return Band(name, 0, None, "No room has enough examinations.")
    level = quantile(medians, 0.75)
    note = ""
    if len(medians) < ROOMS_FOR_A_LEVEL:
        note = (
            f"{len(medians)} room{'s' * (len(medians) > 1)}: a value to watch, not a reference "
            f"level; about {ROOMS_FOR_A_LEVEL} to 20 rooms are needed for one."
        )
    return Band(name, len(medians), level, note)


def _left_out(store: Store, question: Question, used: int, total: int) -> dict[str, int]:
    """Count what the audit could not use, by reason: nothing is dropped in silence."""
    asked = measure(question.measure)
    rows = store.scan(asked.kind).filter(
        (pl.col("standard") == question.standard)
        & pl.col("date").is_between(question.since, question.until)
    )
    if question.employer:
        rows = rows.filter(pl.col("employer") == question.employer)
    counted = rows.select(
        pl.col(asked.column).is_null().sum().alias("the dose is not stated"),
        (~pl.col("patient")).sum().alias("not a patient"),
    ).collect()
    found = {name: int(counted[name][0]) for name in counted.columns}
    found["outside every band, or age or mass not stated"] = total - used
    return {name: n for name, n in found.items() if n}


def _notes(question: Question, bands: Sequence[Band]) -> tuple[str, ...]:
    notes = [b.note if len(bands) == 1 else f"{b.band}: {b.note}" for b in bands if b.note]
    if not question.masses and not question.ages:
        notes.append(
            "No band of mass was asked for: the medians are of all patients of the rooms, which "
            "is defensible only for large samples."
        )
    return tuple(notes)
