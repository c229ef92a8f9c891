"""The columnar copy: what its questions cost, and how the cost grows with the number of rows."""

from __future__ import annotations

import math
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from kerma.doses import queries as ask
from kerma.doses.schema import KINDS
from kerma.doses.store import Manifest, Store
from tests.perf.cost import Row, Rows

EVENTS = (100_000, 1_000_000, 10_000_000)  # a tenth of them studies
SYSTEMS, PROTOCOLS, GROUP = 40, 480, 250_000


def _column(name: str, kind: Any, n: int, rng: np.random.Generator) -> pl.Series:
    """Return random values of a column's kind: doses log-normal, names a few dozen."""
    if kind == pl.Float64:
        return pl.Series(name, rng.lognormal(1.0, 0.6, n))
    if kind == pl.String:
        many = PROTOCOLS if name == "protocol" else SYSTEMS
        return pl.Series(name, [f"{name}{i}" for i in range(many)]).gather(rng.integers(0, many, n))
    if kind == pl.Boolean:
        return pl.Series(name, np.ones(n, bool))
    if kind == pl.Date:
        return pl.Series(name, rng.integers(18_000, 20_400, n).astype(np.int32)).cast(pl.Date)
    return pl.Series(name, rng.integers(0, 20, n)).cast(kind)


def _store(folder: Path, events: int) -> Store:
    """Write a store of so many events straight to files; making them by rows is not measured."""
    rng, held = np.random.default_rng(0), {}
    for kind, n in (("events", events), ("studies", events // 10)):
        columns = {k: _column(k, t, n, rng) for k, t in KINDS[kind].items() if k != "study"}
        frame = pl.DataFrame({"study": np.arange(n) // (10 if kind == "events" else 1), **columns})
        frame.select(list(KINDS[kind])).write_parquet(
            folder / f"{kind}-base.parquet", row_group_size=GROUP
        )
        held[kind] = (f"{kind}-base.parquet", None)
    store = Store(folder)
    store._swap(Manifest(held))  # the manifest that `write` would end with
    return store


def questions() -> Rows:
    """Measure the questions of the explorer's pages over more and more rows."""
    every = ask.Filter()
    asked: dict[str, Callable[[Store], Any]] = {
        "percentiles of events, by system and protocol": lambda s: ask.percentiles(
            s, "ctdivol", every, by=["system", "protocol"]
        ),
        "percentiles of studies, by system": lambda s: ask.percentiles(
            s, "dlp", every, by=["system"]
        ),
        "studies over time": lambda s: ask.over_time(s, "dlp", every),
        "histogram of studies": lambda s: ask.histogram(s, "dlp", every),
    }
    spent: dict[str, list[float]] = {name: [] for name in asked}
    for n in EVENTS:
        with tempfile.TemporaryDirectory(prefix="kerma-store-") as name:
            store = _store(Path(name), n)
            for what, call in asked.items():
                wall, used = _least(lambda c=call, s=store: c(s))
                spent[what].append(used)
                yield Row("dose store", f"{n:,} events, {what}", used, "CPU s", f"{wall:.2f} s")
            shutil.rmtree(name, ignore_errors=True)
    for what, used in spent.items():
        power = math.log(max(used[-1], 1e-6) / max(used[0], 1e-6)) / math.log(
            EVENTS[-1] / EVENTS[0]
        )
        yield Row("dose store", f"{what}: grows with rows to the power", power, "")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    yield Row("dose store", "peak memory of this process", peak, "GB", "making the rows included")


def _least(call: Callable[[], Any]) -> tuple[float, float]:
    """Return the least wall and processor seconds of three calls."""
    walls, used = [], []
    for _ in range(3):
        began, at = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - began)
        used.append(time.process_time() - at)
    return min(walls), min(used)
