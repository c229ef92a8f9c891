"""Protocols by size: bands, phantoms apart, medians as numpy has them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kerma.core import InputError
from kerma.doses.protocols import protocol_table
from kerma.doses.schema import EVENTS
from kerma.doses.store import Store

DAYS = {"since": date(2026, 1, 1), "until": date(2026, 12, 31)}


def event(n: int, **more: Any) -> dict[str, Any]:
    given = {"study": n, "event": 0, "date": date(2026, 3, 1), "modality": "CT", "patient": True,
             "system": "A", "protocol": "Abdomen", "phantom": "body", "kvp_kv": 120.0}  # fmt: skip
    return {**dict.fromkeys(EVENTS), **given, **more}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def write(store: Store, rows: list[dict[str, Any]]) -> None:
    store.write(range(len(rows)), {"events": rows}, mark="")


def test_medians_and_quartiles_by_band_are_numpys(store: Store) -> None:
    rng = np.random.default_rng(3)
    sizes, doses = rng.uniform(200, 400, 300), rng.lognormal(2, 0.3, 300)
    write(store, [event(i, size_mm=float(s), ctdivol_mgy=float(d))
                  for i, (s, d) in enumerate(zip(sizes, doses, strict=True))])  # fmt: skip
    table = protocol_table(store, "A", **DAYS, width_mm=50.0)
    assert [c.low_mm for c in table] == [200.0, 250.0, 300.0, 350.0]
    assert sum(c.count for c in table) == 300
    for cell in table:
        inside = doses[(sizes >= cell.low_mm) & (sizes < cell.high_mm)]
        expected = np.percentile(inside, [25, 50, 75])
        assert (cell.p25_mgy, cell.ctdivol_mgy, cell.p75_mgy) == pytest.approx(tuple(expected))


def test_phantoms_scanners_test_objects_and_days_stand_apart(store: Store) -> None:
    base = {"size_mm": 250.0, "ctdivol_mgy": 10.0}
    write(store, [
        event(0, **base), event(1, **base, phantom="head"), event(2, **base, system="B"),
        event(3, **base, patient=False), event(4, **base, date=date(2025, 3, 1)),
        event(5, size_mm=250.0), event(6, ctdivol_mgy=4.0, kvp_kv=100.0),
    ])  # fmt: skip
    table = protocol_table(store, "A", **DAYS)
    found = [(c.phantom, c.low_mm, c.count, c.ctdivol_mgy) for c in table]
    assert found == [("body", 240.0, 1, 10.0), ("body", None, 1, 4.0), ("head", 240.0, 1, 10.0)]
    assert table[1].kvp_kv == (100.0,)


def test_a_size_on_the_edge_of_a_band_belongs_to_the_upper(store: Store) -> None:
    write(store, [event(0, size_mm=280.0, ctdivol_mgy=1.0)])
    assert protocol_table(store, "A", **DAYS)[0].low_mm == 280.0


def test_absurd_bands_are_refused(store: Store) -> None:
    for width in (0.0, -40.0, float("nan"), 1e6):
        with pytest.raises(InputError, match="Bands"):
            protocol_table(store, "A", **DAYS, width_mm=width)
