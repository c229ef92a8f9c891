"""Questions to the dose store: what is counted, over which rows, grouped by what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from kerma.core import InputError
from kerma.doses.bands import band
from kerma.doses.schema import KINDS
from kerma.doses.statistics import interval_ranks
from kerma.doses.store import Store


@dataclass(frozen=True, slots=True)
class Measure:
    """A dose quantity that can be asked for: its table, its column, its unit."""

    key: str
    title: str
    kind: str
    column: str
    unit: str


MEASURES: dict[str, Measure] = {
    m.key: m
    for m in (
        Measure("dlp", "DLP", "studies", "dlp_mgy_cm", "mGy.cm"),
        Measure("ctdivol_max", "Largest CTDIvol of a study", "studies", "ctdivol_max_mgy", "mGy"),
        Measure("kap", "KAP", "studies", "kap_gy_cm2", "Gy.cm2"),
        Measure("dose_rp", "Dose at the reference point", "studies", "dose_rp_mgy", "mGy"),
        Measure("fluoro_time", "Fluoroscopy time", "studies", "fluoro_time_s", "s"),
        Measure("agd_left", "AGD, left", "studies", "agd_left_mgy", "mGy"),
        Measure("agd_right", "AGD, right", "studies", "agd_right_mgy", "mGy"),
        Measure("skin_peak", "Peak skin dose", "studies", "skin_peak_mgy", "mGy"),
        Measure("events", "Irradiation events", "studies", "events", "1"),
        Measure("ctdivol", "CTDIvol of an event", "events", "ctdivol_mgy", "mGy"),
        Measure("event_dlp", "DLP of an event", "events", "dlp_mgy_cm", "mGy.cm"),
        Measure("event_kap", "KAP of an event", "events", "kap_gy_cm2", "Gy.cm2"),
        Measure("event_dose_rp", "Dose at RP of an event", "events", "dose_rp_mgy", "mGy"),
        Measure("agd", "AGD of an event", "events", "agd_mgy", "mGy"),
        Measure("exposure_index", "Exposure index", "events", "exposure_index", "1"),
        Measure("deviation_index", "Deviation index", "events", "deviation_index", "1"),
        Measure("kvp", "Tube voltage", "events", "kvp_kv", "kV"),
        Measure("exposure", "Tube current exposure-time product", "events", "exposure_mas", "mAs"),
    )
}
# What rows may be grouped by. Of events only where the last word says so.
GROUPS: dict[str, str] = {
    "system": "system", "site": "site", "employer": "employer", "standard": "standard",
    "description": "description", "modality": "modality", "sex": "sex", "operator": "operator",
    "protocol": "protocol", "type": "type", "region": "region", "view": "view",
    "phantom": "phantom", "anode_filter": "anode_filter",
}  # fmt: skip
# What a dose may be set against.
AGAINST = ("mass_kg", "age_y", "size_mm", "thickness_mm", "height_m", "kvp_kv")
_INTERVALS = {"day": "1d", "week": "1w", "month": "1mo", "quarter": "1q", "year": "1y"}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are asked about; everything given must hold.

    Attributes
    ----------
    since, until
        First and last day, both included.
    equal
        Column to the values it may have.
    age, mass
        Bands of `kerma.doses.bands`.
    least, most
        Limits on the measure asked for, in its unit.
    patients
        Leave out what is marked as not a patient.
    words
        Each must stand in the description or (of events) the protocol.
    """

    since: date | None = None
    until: date | None = None
    equal: Mapping[str, Sequence[str]] = field(default_factory=dict)
    age: str = ""
    mass: str = ""
    least: float | None = None
    most: float | None = None
    patients: bool = True
    words: str = ""


def measure(key: str) -> Measure:
    """Return a measure by its key.

    Raises
    ------
    InputError
        Code ``unknown-measure``.
    """
    if key not in MEASURES:
        raise InputError(
            f"There is no dose quantity “{key}”. There are: {', '.join(MEASURES)}.",
            code="unknown-measure",
        )
    return MEASURES[key]


def selected(store: Store, asked: Measure, chosen: Filter) -> pl.LazyFrame:
    """Return the rows of a measure's table that pass the filter and have a value.

    Raises
    ------
    InputError
        ``unknown-column``, ``bad-band``.
    """
    rows = store.scan(asked.kind).filter(pl.col(asked.column).is_not_null())
    if chosen.patients:
        rows = rows.filter(pl.col("patient"))
    if chosen.since:
        rows = rows.filter(pl.col("date") >= chosen.since)
    if chosen.until:
        rows = rows.filter(pl.col("date") <= chosen.until)
    for column, values in chosen.equal.items():
        rows = rows.filter(pl.col(_column(asked, column)).is_in(list(values)))
    for text, column in ((chosen.age, "age_y"), (chosen.mass, "mass_kg")):
        if text:
            rows = rows.filter(_in_band(text, column))
    if chosen.least is not None:
        rows = rows.filter(pl.col(asked.column) >= chosen.least)
    if chosen.most is not None:
        rows = rows.filter(pl.col(asked.column) <= chosen.most)
    for word in chosen.words.split():
        held = pl.col("description").str.contains(f"(?i){_literal(word)}")
        if asked.kind == "events":
            held = held | pl.col("protocol").str.contains(f"(?i){_literal(word)}")
        rows = rows.filter(held.fill_null(False))
    return rows


def _literal(word: str) -> str:
    return "".join(f"\\{c}" if not c.isalnum() and c != "_" and ord(c) < 128 else c for c in word)


def _column(asked: Measure, name: str) -> str:
    if name not in KINDS[asked.kind]:
        raise InputError(
            f"{asked.title} cannot be narrowed or grouped by {name.replace('_', ' ')}.",
            code="unknown-column",
            detail={"column": name},
        )
    return name


def _in_band(text: str, column: str) -> pl.Expr:
    found, value = band(text), pl.col(column)
    above = value >= found.low if found.low_in else value > found.low
    below = value <= found.high if found.high_in else value < found.high
    return above & below


@dataclass(frozen=True, slots=True)
class Summary:
    """Percentiles of one group; `low` and `high` are the exact 95 % interval of the median."""

    group: tuple[str, ...]
    count: int
    mean: float
    p25: float
    median: float
    p75: float
    p95: float
    low: float | None
    high: float | None
    p75_low: float | None
    p75_high: float | None


def percentiles(store: Store, key: str, chosen: Filter, *, by: Sequence[str] = ()) -> list[Summary]:
    """Return the percentiles of a measure for each group, the largest group first.

    Quantiles by linear interpolation (Hyndman-Fan type 7); intervals by order statistics, as in
    `kerma.doses.statistics`.

    Raises
    ------
    InputError
        ``unknown-measure``, ``unknown-column``, ``bad-band``.
    """
    asked = measure(key)
    columns = [_column(asked, GROUPS.get(name, name)) for name in by]
    rows = selected(store, asked, chosen).select([*columns, asked.column])
    value = pl.col(asked.column)
    # Sorted once for each group; every quantile and rank is then one look into the list. Grouping
    # by one number costs half of grouping by several words.
    keyed = _with_group_number(rows.collect(engine="streaming"), columns)
    first = [pl.col(c).first() for c in columns]
    table = (
        keyed.lazy()
        .group_by("group")
        .agg(*first, value.mean().alias("mean"), value.sort().alias("values"))
        .with_columns(pl.col("values").list.len().cast(pl.Int64).alias("count"))
        .with_columns(_quantile(p).alias(f"p{100 * p:.0f}") for p in _SHOWN)
        .sort("count", descending=True)
        .collect()
    )
    names = [*columns, "count", "mean", *(f"p{100 * p:.0f}" for p in _SHOWN)]
    found = []
    for place, row in enumerate(table.select(names).iter_rows()):
        ends = (
            _ends(table["values"][place], row[len(columns)]) if place < _WITH_INTERVALS else _NONE
        )
        group = tuple(_text(v) for v in row[: len(columns)])
        found.append(Summary(group, *row[len(columns) :], *ends))
    return found


def _with_group_number(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Add ``group``: one number for each combination of the columns' values, missing ones too."""
    number = pl.Series("group", [0], dtype=pl.UInt64).new_from_index(0, rows.height)
    for column in columns:
        codes = rows[column].cast(pl.String).fill_null("\0").cast(pl.Categorical).to_physical()
        top = int(codes.max() or 0)  # type: ignore[arg-type]
        number = number * (top + 1) + codes
    return rows.with_columns(number.alias("group"))


_SHOWN = (0.25, 0.5, 0.75, 0.95)
_NONE = (None, None, None, None)
# Groups beyond the first so many are listed without intervals: nobody reads them. Design choice.
_WITH_INTERVALS = 200


def _quantile(p: float) -> pl.Expr:
    """Return the p-quantile of a sorted list by linear interpolation (Hyndman-Fan type 7)."""
    values = pl.col("values")
    place = (values.list.len().cast(pl.Float64) - 1.0) * p
    below = place.floor().cast(pl.Int64)
    low = values.list.get(below)
    high = values.list.get(place.ceil().cast(pl.Int64))
    return low + (place - place.floor()) * (high - low)


def _ends(values: pl.Series, count: int) -> tuple[float | None, ...]:
    """Return the ends of the exact intervals of the median and of the 75th percentile."""
    ranks = [rank for p in (0.5, 0.75) for rank in interval_ranks(count, p)]
    return tuple(None if rank is None else float(values[rank - 1]) for rank in ranks)


def _text(value: Any) -> str:
    return "not stated" if value is None else str(value)


def over_time(
    store: Store, key: str, chosen: Filter, *, interval: str = "month", by: str = ""
) -> pl.DataFrame:
    """Return count, quartiles and median of a measure by interval of time (and group).

    Columns ``since``, ``group`` (empty text without `by`), ``count``, ``p25``, ``median``, ``p75``.

    Raises
    ------
    InputError
        ``unknown-interval`` and those of `percentiles`.
    """
    if interval not in _INTERVALS:
        raise InputError(
            f"“{interval}” is no interval; there are {', '.join(_INTERVALS)}.",
            code="unknown-interval",
        )
    asked = measure(key)
    group = pl.col(_column(asked, GROUPS.get(by, by))) if by else pl.lit("")
    value = pl.col(asked.column)
    return (
        selected(store, asked, chosen)
        .filter(pl.col("date").is_not_null())
        .select(
            pl.col("date").dt.truncate(_INTERVALS[interval]).alias("since"),
            group.fill_null("not stated").alias("group"),
            value,
        )
        .group_by("since", "group")
        .agg(
            pl.len().alias("count"),
            value.quantile(0.25, "linear").alias("p25"),
            value.quantile(0.5, "linear").alias("median"),
            value.quantile(0.75, "linear").alias("p75"),
        )
        .sort("group", "since")
        .collect(engine="streaming")
    )


def histogram(store: Store, key: str, chosen: Filter, *, bins: int = 40) -> pl.DataFrame:
    """Return counts in equal bins from zero to the 99.5th percentile; the last bin takes the rest.

    Columns ``low``, ``high``, ``count``.
    """
    asked = measure(key)
    values = selected(store, asked, chosen).select(asked.column).collect(engine="streaming")
    column = values[asked.column]
    if column.is_empty():
        return pl.DataFrame(schema={"low": pl.Float64, "high": pl.Float64, "count": pl.UInt32})
    top = column.quantile(0.995, "linear") or 0.0
    bottom = min(0.0, float(column.min() or 0.0))  # type: ignore[arg-type]
    width = (top - bottom) / bins or 1.0
    places = ((column - bottom) / width).floor().clip(0, bins - 1).cast(pl.Int32)
    counts = places.rename("bin").value_counts(name="count").sort("bin")
    whole = pl.DataFrame({"bin": pl.Series(range(bins), dtype=pl.Int32)})
    return (
        whole.join(counts, on="bin", how="left")
        .with_columns(pl.col("count").fill_null(0).cast(pl.UInt32))
        .select(
            (bottom + pl.col("bin") * width).alias("low"),
            (bottom + (pl.col("bin") + 1) * width).alias("high"),
            "count",
        )
    )


def against(
    store: Store, key: str, chosen: Filter, *, what: str, most: int = 2000, seed: int = 1
) -> pl.DataFrame:
    """Return pairs of a size (or age) and a dose, at most so many, drawn with a fixed seed.

    Columns ``study``, ``x``, ``y``, ``system``.

    Raises
    ------
    InputError
        ``unknown-column`` and those of `percentiles`.
    """
    asked = measure(key)
    if what not in AGAINST:
        raise InputError(f"A dose cannot be set against {what}.", code="unknown-column")
    column = _column(asked, what)
    found = (
        selected(store, asked, chosen)
        .filter(pl.col(column).is_not_null())
        .select("study", pl.col(column).alias("x"), pl.col(asked.column).alias("y"), "system")
        .collect(engine="streaming")
    )
    return found.sample(most, seed=seed) if found.height > most else found


def values_of(store: Store, key: str, chosen: Filter, *, by: str) -> dict[str, list[float]]:
    """Return every value by group, for statistics that need the whole sample."""
    asked = measure(key)
    column = _column(asked, GROUPS.get(by, by))
    table = (
        selected(store, asked, chosen)
        .select(pl.col(column).fill_null("not stated").alias("group"), asked.column)
        .group_by("group")
        .agg(pl.col(asked.column))
        .sort("group")
        .collect(engine="streaming")
    )
    return {group: list(values) for group, values in table.iter_rows()}


def choices(store: Store, kind: str, column: str, chosen: Filter, *, most: int = 500) -> list[str]:
    """Return the values a column has, the commonest first, for lists to choose from."""
    if column not in KINDS[kind]:
        raise InputError(f"There is no column {column}.", code="unknown-column")
    rows = store.scan(kind)
    if chosen.patients:
        rows = rows.filter(pl.col("patient"))
    table = (
        rows.filter(pl.col(column).is_not_null()).group_by(column).agg(pl.len().alias("count"))
        .sort("count", column, descending=[True, False]).head(most).collect(engine="streaming")
    )  # fmt: skip
    return [str(v) for v in table[column]]
