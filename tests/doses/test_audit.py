"""A dose audit: rooms, bands and the local level as defined, and what is left out is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kerma.core import InputError
from kerma.doses.audit import Question, Result, audit, smallest_sample
from kerma.doses.levels import NationalLevel, national_levels
from kerma.doses.store import Store

QUESTION = Question("head", "CT", "dlp", date(2026, 1, 1), date(2026, 12, 31), 30)


def national() -> NationalLevel:
    heads = [n for n in national_levels(2026) if n.examination == "Head" and n.quantity == "dlp"]
    return next(n for n in heads if n.population == "adult")


def held(tmp_path: Path, rooms: dict[str, tuple[int, float]], **more: Any) -> Store:
    """Rooms by name: how many examinations, and round which dose."""
    rng, rows = np.random.default_rng(3), []
    for system, (count, middle) in rooms.items():
        for dose in middle * rng.lognormal(0, 0.15, count):
            given = {"study": len(rows), "date": date(2026, 5, 1), "modality": "CT",
                     "system": system, "standard": "head", "patient": True, "phantom": "head",
                     "age_y": 40.0, "mass_kg": 70.0, "dlp_mgy_cm": float(dose)}  # fmt: skip
            rows.append({**given, **more})
    store = Store(tmp_path)
    store.write(range(len(rows)), {"studies": rows}, mark="")
    return store


def test_rooms_are_placed_and_the_level_is_the_quartile_of_their_medians(tmp_path: Path) -> None:
    rooms = {f"CT{n:02}": (40, 600.0 + 40.0 * n) for n in range(12)}
    found = audit(held(tmp_path, rooms), QUESTION, national())
    outcomes = {r.system: r.outcome for r in found.rooms}
    assert outcomes["CT00"] == "below"
    assert outcomes["CT11"] == "above"
    (band,) = found.bands
    medians = [r.median.value for r in found.rooms if r.median]
    assert band.level is not None
    assert band.level.value == pytest.approx(np.quantile(medians, 0.75))
    assert (band.rooms, band.note) == (12, "")
    assert Result.from_dict(found.as_dict()) == found


def test_a_room_with_too_few_is_listed_and_counts_nowhere(tmp_path: Path) -> None:
    found = audit(held(tmp_path, {"A": (40, 700.0), "B": (29, 2000.0)}), QUESTION, national())
    small = next(r for r in found.rooms if r.system == "B")
    assert small.median is None
    assert small.outcome == "fewer than 30 examinations"
    assert found.bands[0].rooms == 1
    assert "not a reference level" in found.bands[0].note


def test_other_phantom_is_no_comparison(tmp_path: Path) -> None:
    found = audit(held(tmp_path, {"A": (40, 700.0)}, phantom="body"), QUESTION, national())
    assert "do not compare" in found.rooms[0].outcome
    assert found.rooms[0].limit is None
    unknown = audit(held(tmp_path, {"A": (40, 700.0)}, phantom=None), QUESTION, national())
    assert "do not state the CTDI phantom" in unknown.rooms[0].outcome


def test_bands_part_the_patients_and_the_rest_is_counted(tmp_path: Path) -> None:
    store = held(tmp_path, {"A": (40, 700.0)})
    more = [{"study": 1000 + n, "date": date(2026, 5, 1), "modality": "CT", "system": "A",
             "standard": "head", "patient": n % 2 == 0, "phantom": "head", "age_y": None,
             "dlp_mgy_cm": 100.0} for n in range(10)]  # fmt: skip
    store.write([r["study"] for r in more], {"studies": more}, mark="")
    found = audit(store, replace(QUESTION, ages=("<16 y", ">=16 y")), national())
    assert [(r.band, r.count) for r in found.rooms] == [(">=16 y", 40)]
    assert found.left_out["not a patient"] == 5
    assert found.left_out["outside every band, or age or mass not stated"] == 5


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"since": date(2027, 1, 1)}, "bad-period"),
        ({"smallest": 0}, "bad-sample"),
        ({"ages": ("0-<10 y", "5-<15 y")}, "bands-overlap"),
        ({"ages": ("young",)}, "bad-band"),
        ({"standard": "knee"}, "no-doses"),
        ({"measure": "x"}, "unknown-measure"),
    ],
)
def test_what_cannot_be_audited_is_refused(
    tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    store = held(tmp_path, {"A": (40, 700.0)})
    with pytest.raises(InputError) as refusal:
        audit(store, replace(QUESTION, **change))
    assert refusal.value.code == code


def test_the_smallest_sample_is_that_of_the_rule() -> None:
    """drl_statistics.yaml, minimum_sample (ICRP 135, recalled)."""
    assert [smallest_sample(m)[0] for m in ("DX", "CT", "RF", "MG")] == [20, 30, 30, 50]
    assert smallest_sample("CT")[1].confidence == "recalled"
    with pytest.raises(InputError, match="State your own"):
        smallest_sample("NM")
