"""What the columnar dose store holds of a system between two days, counted for shielding.

Everything irradiates a wall: exposures of phantoms count towards KAP, DLP and mAs, and are left
out of the number of patients only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from kerma.doses.store import Store

# Width of a bin of tube voltage; the bin is named by its top (NCRP Report 147, Table 4.2).
BIN_KV = 5.0


@dataclass(frozen=True, slots=True)
class Totals:
    """What one system did on the days covered.

    Attributes
    ----------
    covered_days
        Days of the weeks (from Monday) in which there is any record.
    kap_gy_cm2, dlp_mgy_cm
        Of studies: the total stated or the sum of the events, whichever is more; ``None`` where no
        study states any.
    """

    studies: int
    patients: int
    covered_days: int
    weeks: int
    kap_gy_cm2: float | None
    dlp_mgy_cm: float | None


@dataclass(frozen=True, slots=True)
class CtPart:
    """DLP of one phantom (``head``, ``body``, empty when not stated) at one tube voltage.

    `kv` is ``None`` where no voltage is stated; `studies` have at least one such event.
    """

    phantom: str
    kv: float | None
    dlp_mgy_cm: float
    studies: int


@dataclass(frozen=True, slots=True)
class Week:
    """A week by its Monday, and its studies."""

    monday: date
    studies: int


def _rows(store: Store, kind: str, assets: Sequence[str], since: date, until: date) -> pl.LazyFrame:
    return store.scan(kind).filter(
        pl.col("system").is_in(list(assets)), pl.col("date").is_between(since, until)
    )


def _sound(name: str) -> pl.Expr:
    """Return a column with only what can be a dose: finite and above zero."""
    value = pl.col(name)
    return pl.when(value.is_finite() & (value > 0.0)).then(value)


def _studies(store: Store, assets: Sequence[str], since: date, until: date) -> pl.LazyFrame:
    """Return one row a study with its KAP and DLP, by total or by events."""
    names = ("kap_gy_cm2", "dlp_mgy_cm")
    of_events = (
        _rows(store, "events", assets, since, until)
        .select("study", *(_sound(n).alias(n) for n in names))
        .group_by("study")
        .agg(*(pl.col(n).sum().alias(f"{n}_events") for n in names))
    )
    joined = _rows(store, "studies", assets, since, until).join(of_events, on="study", how="left")
    return joined.select(
        "system", "study", "date", "patient",
        *(pl.max_horizontal(_sound(n), _sound(f"{n}_events")).alias(n) for n in names),
    )  # fmt: skip


def totals(store: Store, assets: Iterable[str], since: date, until: date) -> dict[str, Totals]:
    """Return the totals of several systems in one look; those without a study are left out."""
    wanted = sorted(set(assets))
    if not wanted:
        return {}
    monday = pl.col("date").dt.truncate("1w")
    table = (
        _studies(store, wanted, since, until)
        .group_by("system")
        .agg(
            pl.len().alias("studies"),
            pl.col("patient").fill_null(False).sum().alias("patients"),
            monday.unique().alias("weeks"),
            *(
                pl.when(pl.col(n).count() > 0).then(pl.col(n).sum()).alias(n)
                for n in ("kap_gy_cm2", "dlp_mgy_cm")
            ),
        )
        .collect(engine="streaming")
    )
    return {
        row["system"]: Totals(
            studies=row["studies"], patients=row["patients"],
            covered_days=_covered(row["weeks"], since, until), weeks=len(row["weeks"]),
            kap_gy_cm2=row["kap_gy_cm2"], dlp_mgy_cm=row["dlp_mgy_cm"],
        )
        for row in table.iter_rows(named=True)
    }  # fmt: skip


def _covered(mondays: Iterable[date], since: date, until: date) -> int:
    """Count the days of some weeks that lie between two days."""
    return sum(
        (min(monday + timedelta(days=6), until) - max(monday, since)).days + 1 for monday in mondays
    )


def busiest(store: Store, asset: str, since: date, until: date) -> Week | None:
    """Return the week with the most studies, the earliest of several."""
    table = (
        _rows(store, "studies", [asset], since, until)
        .group_by(pl.col("date").dt.truncate("1w").alias("monday"))
        .agg(pl.len().alias("studies"))
        .sort(["studies", "monday"], descending=[True, False])
        .head(1)
        .collect(engine="streaming")
    )
    return Week(*table.row(0)) if table.height else None


def by_kv(store: Store, asset: str, since: date, until: date, column: str) -> dict[float, float]:
    """Return the sum of a column of the events by tube voltage: top of its bin, kV.

    Events without a tube voltage are not in it.
    """
    top = ((pl.col("kvp_kv") - 1e-6) / BIN_KV).ceil() * BIN_KV
    table = (
        _rows(store, "events", [asset], since, until)
        .select(_sound("kvp_kv").alias("kvp_kv"), _sound(column).alias("value"))
        .filter(pl.col("kvp_kv").is_not_null() & pl.col("value").is_not_null())
        .group_by(top.alias("top"))
        .agg(pl.col("value").sum())
        .sort("top")
        .collect(engine="streaming")
    )
    return dict(table.iter_rows())


def whole(store: Store, asset: str, since: date, until: date, column: str) -> float:
    """Return the sum of a column of all events, with a tube voltage or without."""
    table = _rows(store, "events", [asset], since, until).select(_sound(column).sum())
    return float(table.collect(engine="streaming").item() or 0.0)


def ct_parts(store: Store, asset: str, since: date, until: date) -> tuple[CtPart, ...]:
    """Return the DLP of the events by phantom and tube voltage."""
    table = (
        _rows(store, "events", [asset], since, until)
        .select(
            "study",
            pl.col("phantom").fill_null(""),
            _sound("kvp_kv").round(0).alias("kv"),
            _sound("dlp_mgy_cm").alias("dlp"),
        )
        .filter(pl.col("dlp").is_not_null())
        .group_by("phantom", "kv")
        .agg(pl.col("dlp").sum(), pl.col("study").n_unique().alias("studies"))
        .sort("phantom", "kv", nulls_last=True)
        .collect(engine="streaming")
    )
    return tuple(CtPart(*row) for row in table.iter_rows())


def merged(parts: Iterable[CtPart], kv: Mapping[float | None, float | None]) -> list[CtPart]:
    """Return parts with their voltages replaced, those that then agree put together.

    A study with events at several voltages counts once for each of them, at most as often as it
    did before: the DLP for one procedure never comes out too large in sum.
    """
    found: dict[tuple[str, float | None], CtPart] = {}
    for part in parts:
        key = (part.phantom, kv[part.kv])
        old = found.get(key, CtPart(*key, 0.0, 0))
        found[key] = CtPart(*key, old.dlp_mgy_cm + part.dlp_mgy_cm, max(old.studies, part.studies))
    return list(found.values())
