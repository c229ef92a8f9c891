"""Layouts of surveys: read from data, checked against the columns there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl
import yaml

from kerma.core import InputError
from kerma.doses.schema import KINDS
from kerma.doses.store import Store


@dataclass(frozen=True, slots=True)
class Layout:
    """One survey's sheet: what a row is, and which columns it has."""

    key: str
    title: str
    modality: str
    source: str
    row: str
    columns: tuple[tuple[str, str], ...]


@cache
def layouts() -> dict[str, Layout]:
    """Return every layout by key.

    Raises
    ------
    InputError
        ``bad-layout``: a layout names a column there is not.
    """
    found = {}
    for file in sorted(files(__package__).joinpath("layouts").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".yaml"):
            continue
        key = file.name.removesuffix(".yaml")
        found[key] = layout(key, yaml.safe_load(file.read_text("utf-8")))
    return found


def layout(key: str, data: dict[str, Any]) -> Layout:
    """Build a layout from plain data; `bad-layout` when it names a column there is not."""
    known = KINDS.get(data["row"], {})
    columns = tuple((c["field"], c["head"]) for c in data["columns"])
    if strange := [field for field, _ in columns if field not in known]:
        raise InputError(
            f"The layout {key} names {', '.join(strange)}, which {data['row']} do not have.",
            code="bad-layout",
        )
    return Layout(key, data["title"], data["modality"], data["source"], data["row"], columns)


def lines(
    store: Store, chosen: Layout, *, since: date, until: date, systems: list[str], employer: str
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a survey: patients only, oldest first.

    Parameters
    ----------
    store, chosen
        Where doses are, and how they are laid out.
    since, until
        First and last day.
    systems, employer
        Limited to these; empty limits nothing.
    """
    rows = store.scan(chosen.row).filter(
        pl.col("patient") & pl.col("date").is_between(since, until)
    )
    if chosen.modality:
        rows = rows.filter(pl.col("modality") == chosen.modality)
    if systems:
        rows = rows.filter(pl.col("system").is_in(systems))
    if employer:
        rows = rows.filter(pl.col("employer") == employer)
    order = ["date", "study", *(["event"] if chosen.row == "events" else [])]
    fields = [field for field, _ in chosen.columns]
    yield from rows.sort(order).select(fields).collect().iter_rows()
