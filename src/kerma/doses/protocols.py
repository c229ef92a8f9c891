"""How each protocol of a scanner doses patients of each size: the table to compare with its chart.

A protocol that adapts to size shows CTDIvol rising with diameter; one that does not shows a flat
row. ICRP Publication 135 asks for typical values by size for children; the bands are a choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from kerma.core import InputError
from kerma.doses.store import Store


@dataclass(frozen=True, slots=True)
class Cell:
    """One protocol in one band of size.

    Attributes
    ----------
    low_mm, high_mm
        The band: from (included) to (excluded); none when the events state no size.
    count
        Irradiation events.
    ctdivol_mgy, p25_mgy, p75_mgy
        Median and quartiles of CTDIvol on the phantom named.
    kvp_kv
        Tube voltages used, lowest first.
    current_ma
        Median of the mean tube current.
    """

    protocol: str
    phantom: str
    low_mm: float | None
    high_mm: float | None
    count: int
    ctdivol_mgy: float
    p25_mgy: float
    p75_mgy: float
    kvp_kv: tuple[float, ...]
    current_ma: float | None


def protocol_table(
    store: Store, system: str, *, since: date, until: date, width_mm: float = 40.0
) -> list[Cell]:
    """Return CTDIvol of a scanner by protocol, phantom and size.

    Parameters
    ----------
    store, system
        Where doses are; asset number of the scanner.
    since, until
        First and last day.
    width_mm
        Width of a band of diameter; bands begin at whole multiples of it.

    Raises
    ------
    InputError
        Code ``bad-band``.
    """
    if not 5.0 <= width_mm <= 200.0:
        raise InputError("Bands of size are 5 to 200 mm wide.", code="bad-band")
    band = (pl.col("size_mm") / width_mm).floor() * width_mm
    value = pl.col("ctdivol_mgy")
    rows = (
        store.scan("events")
        .filter(
            (pl.col("system") == system) & pl.col("patient") & value.is_not_null()
            & pl.col("date").is_between(since, until)
        )
        .with_columns(band.alias("low"), pl.col("protocol", "phantom").fill_null(""))
        .group_by("protocol", "phantom", "low")
        .agg(
            pl.len().alias("n"), value.median().alias("median"),
            value.quantile(0.25, "linear").alias("p25"),
            value.quantile(0.75, "linear").alias("p75"),
            pl.col("kvp_kv").drop_nulls().unique().sort().alias("kv"),
            pl.col("current_ma").median().alias("ma"),
        )
        .sort("protocol", "phantom", "low", nulls_last=True)
        .collect()
    )  # fmt: skip
    return [
        Cell(r["protocol"], r["phantom"], r["low"],
             None if r["low"] is None else r["low"] + width_mm, r["n"], r["median"], r["p25"],
             r["p75"], tuple(r["kv"]), r["ma"])
        for r in rows.iter_rows(named=True)
    ]  # fmt: skip
