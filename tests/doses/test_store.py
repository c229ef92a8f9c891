"""The columnar copy: what is written is read, replaced whole, and never half there."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from kerma.core import InputError, IntegrityError
from kerma.doses import queries as ask
from kerma.doses import store as module
from kerma.doses.queries import Filter
from kerma.doses.schema import VERSION
from kerma.doses.statistics import quantile
from kerma.doses.store import Store


def study(number: int, **more: Any) -> dict[str, Any]:
    given = {"study": number, "date": date(2026, 1 + number % 9, 1), "modality": "CT",
             "system": f"CT{number % 3}", "standard": "head", "patient": True,
             "description": "CT Head", "age_y": 50.0, "dlp_mgy_cm": 100.0 + number}  # fmt: skip
    return {**given, **more}


def event(number: int, of: int, **more: Any) -> dict[str, Any]:
    given = {"study": of, "event": number, "modality": "CT", "system": f"CT{of % 3}",
             "patient": True, "protocol": "Routine", "ctdivol_mgy": 10.0 * number}  # fmt: skip
    return {**given, **more}


@pytest.fixture
def held(tmp_path: Path) -> Store:
    store = Store(tmp_path / "columns")
    studies = [study(n) for n in range(30)]
    events = [event(e, n) for n in range(30) for e in (1, 2)]
    store.write(range(30), {"studies": studies, "events": events}, mark="1")
    return store


def dlp(store: Store) -> dict[int, float]:
    table = store.scan("studies").select("study", "dlp_mgy_cm").collect()
    assert table["study"].n_unique() == table.height, "a study counts twice"
    return dict(table.iter_rows())


def test_an_absent_store_is_empty(tmp_path: Path) -> None:
    store = Store(tmp_path / "nothing")
    assert not store.current
    assert ask.percentiles(store, "dlp", Filter()) == []


def test_a_study_written_again_replaces_its_rows(held: Store) -> None:
    held.write([3], {"studies": [study(3, dlp_mgy_cm=999.0)], "events": [event(1, 3)]}, mark="2")
    assert dlp(held)[3] == 999.0
    assert len(dlp(held)) == 30
    assert held.scan("events").filter(pl.col("study") == 3).collect().height == 1
    held.write([3], {"studies": [study(3, dlp_mgy_cm=1.0)], "events": []}, mark="3")
    assert dlp(held)[3] == 1.0
    assert held.manifest().mark == "3"


def test_a_study_without_rows_is_gone(held: Store) -> None:
    held.write([4], {}, mark="2")
    assert 4 not in dlp(held)


def test_compacting_changes_nothing_that_is_read(held: Store) -> None:
    held.write([3, 4], {"studies": [study(3, dlp_mgy_cm=7.0)]}, mark="2")
    before = dlp(held), held.scan("events").collect().height
    held.compact()
    assert (dlp(held), held.scan("events").collect().height) == before
    held.write([5], {"studies": [study(5, dlp_mgy_cm=8.0)]}, mark="3")
    assert dlp(held)[5] == 8.0
    held.compact()
    assert dlp(held)[5] == 8.0


def test_many_changes_are_folded_in_by_themselves(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MOST_CHANGED", 10)
    store = Store(tmp_path)
    for n in range(40):
        store.write([n], {"studies": [study(n)]}, mark=str(n))
    assert len(dlp(store)) == 40
    assert len(list(tmp_path.glob("*.parquet"))) <= 8, "old files are removed"


def test_a_write_that_dies_leaves_the_old_copy(held: Store, monkeypatch: Any) -> None:
    before = dlp(held)

    def dies(*_: object) -> None:
        raise OSError("disk full")

    for name in ("_write_frame",):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, dies)
            with pytest.raises(OSError, match="disk full"):
                held.write([1], {"studies": [study(1, dlp_mgy_cm=0.5)]}, mark="x")
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "fsync", dies)
        with pytest.raises(OSError, match="disk full"):
            held.write([1], {"studies": [study(1, dlp_mgy_cm=0.5)]}, mark="x")
    assert dlp(held) == before
    assert held.manifest().mark == "1"
    held.write([1], {"studies": [study(1, dlp_mgy_cm=0.5)]}, mark="2")
    assert dlp(held)[1] == 0.5


def test_readers_see_one_whole_copy_while_another_writes(held: Store) -> None:
    done = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        mine = Store(held.folder)
        while not done.is_set():
            values = set(dlp(mine).values()) & {1.0, 2.0}
            if len(values) == 2:
                wrong.append(values)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in readers:
        thread.start()
    for turn in range(30):
        value = 1.0 + turn % 2
        held.write([7, 8], {"studies": [study(n, dlp_mgy_cm=value) for n in (7, 8)]}, mark="")
    done.set()
    for thread in readers:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    "damage", ["{", f'{{"version": {VERSION}}}', f'{{"version": {VERSION}, "files": []}}']
)
def test_a_damaged_manifest_says_how_to_mend_it(held: Store, damage: str) -> None:
    (held.folder / "manifest.json").write_text(damage)
    with pytest.raises(IntegrityError, match="doses rebuild"):
        Store(held.folder).scan("studies")


def test_a_missing_file_says_how_to_mend_it(held: Store) -> None:
    for path in held.folder.glob("*.parquet"):
        path.unlink()
    with pytest.raises(IntegrityError, match="doses rebuild"):
        held.scan("events")


def test_an_older_version_counts_as_empty(held: Store) -> None:
    path = held.folder / "manifest.json"
    path.write_text(path.read_text().replace(f'"version": {VERSION}', '"version": 0'))
    assert not Store(held.folder).current


# Questions ----------------------------------------------------------------------------------------


def test_percentiles_are_those_of_numpy_with_the_exact_interval(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values = {n: float(v) for n, v in enumerate(rng.lognormal(6, 0.5, 400))}
    store = Store(tmp_path)
    store.write(range(400), {"studies": [study(n, dlp_mgy_cm=v) for n, v in values.items()]},
                mark="")  # fmt: skip
    found = {s.group: s for s in ask.percentiles(store, "dlp", Filter(), by=["system"])}
    assert sum(s.count for s in found.values()) == 400
    for place in range(3):
        mine = [v for n, v in values.items() if n % 3 == place]
        summary, whole = found[(f"CT{place}",)], quantile(mine, 0.5)
        assert summary.median == pytest.approx(np.median(mine), rel=1e-12)
        assert summary.p95 == pytest.approx(np.quantile(mine, 0.95), rel=1e-12)
        assert (summary.low, summary.high) == (whole.low, whole.high)
        upper = quantile(mine, 0.75)
        assert (summary.p75_low, summary.p75_high) == (upper.low, upper.high)
    (everything,) = ask.percentiles(store, "dlp", Filter())
    assert everything.median == pytest.approx(np.median(list(values.values())), rel=1e-12)


def test_missing_doses_are_left_out_and_zero_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    rows = [study(1, dlp_mgy_cm=None), study(2, dlp_mgy_cm=0.0), study(3, dlp_mgy_cm=10.0)]
    store.write([1, 2, 3], {"studies": rows}, mark="")
    (found,) = ask.percentiles(store, "dlp", Filter())
    assert (found.count, found.median) == (2, 5.0)


def test_filters_narrow(held: Store) -> None:
    def count(**chosen: Any) -> int:
        return sum(s.count for s in ask.percentiles(held, "dlp", Filter(**chosen)))

    assert count() == 30
    assert count(equal={"system": ["CT1"]}) == 10
    assert count(least=120.0) == 10
    assert count(since=date(2026, 3, 1), until=date(2026, 3, 31)) == 4
    assert count(age=">=16 y") == 30
    assert count(age="<16 y") == 0
    assert count(mass="<80 kg") == 0, "a missing mass is in no band"
    assert count(words="head") == 30
    assert count(words="he.d") == 0, "words are words, not patterns"


def test_who_is_no_patient_counts_only_when_asked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write([1, 2], {"studies": [study(1), study(2, patient=False)]}, mark="")
    assert ask.percentiles(store, "dlp", Filter())[0].count == 1
    assert ask.percentiles(store, "dlp", Filter(patients=False))[0].count == 2


def test_over_time_and_histogram_count_everything_once(held: Store) -> None:
    months = ask.over_time(held, "dlp", Filter(), interval="month", by="system")
    assert months["count"].sum() == 30
    assert set(months["group"]) == {"CT0", "CT1", "CT2"}
    bars = ask.histogram(held, "dlp", Filter(), bins=7)
    assert bars["count"].sum() == 30
    assert bars.height == 7
    assert ask.histogram(held, "kap", Filter()).is_empty()


def test_dose_against_age(held: Store) -> None:
    assert ask.against(held, "dlp", Filter(), what="age_y").height == 30
    assert ask.against(held, "dlp", Filter(), what="age_y", most=5).height == 5
    with pytest.raises(InputError, match="cannot be set against"):
        ask.against(held, "dlp", Filter(), what="date")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda s: ask.percentiles(s, "nothing", Filter()), "unknown-measure"),
        (lambda s: ask.percentiles(s, "dlp", Filter(), by=["protocol"]), "unknown-column"),
        (lambda s: ask.percentiles(s, "dlp", Filter(equal={"x": ["1"]})), "unknown-column"),
        (lambda s: ask.percentiles(s, "dlp", Filter(age="old")), "bad-band"),
        (lambda s: ask.over_time(s, "dlp", Filter(), interval="fortnight"), "unknown-interval"),
    ],
)
def test_what_cannot_be_asked_is_refused(held: Store, call: Any, code: str) -> None:
    with pytest.raises(InputError) as refusal:
        call(held)
    assert refusal.value.code == code
