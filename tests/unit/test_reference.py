"""Reference data: every row is there, named once, with its source and how sure it is."""

from __future__ import annotations

import csv
import re
from collections import Counter

import pytest

from kerma.core import InputError
from kerma.reference import Row, datasets, row, rows, search
from kerma.reference.rows import normalised_confidence
from tests.shared import shared_path

EVERY = [(name, r) for name in datasets() for r in rows(name)]


def test_every_row_has_a_stable_id_used_once() -> None:
    often = Counter(r.id for _, r in EVERY)
    assert [name for name, n in often.items() if n > 1] == []
    for name, r in EVERY:
        assert r.id.startswith(f"{name}/")
        assert row(r.id) is r
        assert " " not in r.id


def test_ids_come_from_the_rows_own_keys() -> None:
    assert row("qa-tests/radiography/kv_accuracy").text("test_name") == "Tube voltage accuracy"
    assert row("archer/ncrp147-A.1-primary-25-lead").number("alpha_per_mm") == 49.52
    assert row("dose-limits/L01").document == "IRR17 Sch 3 para 1"
    assert row("bsf/80/2.5/0/10").number("kV") == 80
    assert row("incidents/saue_rules/s1-eng-a").document.startswith("https://www.cqc.org.uk/")


def test_every_row_says_how_sure_it_is() -> None:
    for _, r in EVERY:
        assert r.confidence in ("seen", "recalled", "computed"), r.id
        assert r.confidence_text, r.id


def test_seen_rows_name_what_was_read() -> None:
    unnamed = [r.id for name, r in EVERY if name == "qa-tests" and not r.document]
    assert unnamed == []


@pytest.mark.parametrize(
    ("statement", "reduced"),
    [
        ("seen", "seen"),
        ("seen (secondary source)", "seen"),
        ("recalled", "recalled"),
        ("computed", "computed"),
        ("design", "computed"),
        ("areas seen, T recalled", "recalled"),
        ("seen (existence only)", "recalled"),
    ],
)
def test_a_mixed_statement_counts_as_its_weaker_part(statement: str, reduced: str) -> None:
    assert normalised_confidence(statement) == reduced


def test_a_statement_that_says_nothing_is_refused() -> None:
    with pytest.raises(InputError):
        normalised_confidence("probably")


def test_the_hash_changes_with_content_and_with_nothing_else() -> None:
    r = row("qa-tests/radiography/kv_accuracy")
    same = Row(r.id, r.dataset, dict(r.fields), "another spelling of the source", "2012")
    assert same.sha256 == r.sha256
    changed = Row(r.id, r.dataset, {**r.fields, "remedial_level": "+/-6%"}, r.document)
    assert changed.sha256 != r.sha256
    understood = {**r.fields, "levels": {"remedial": {"percent": 6, "of": "nominal"}}}
    assert Row(r.id, r.dataset, understood, r.document).sha256 != r.sha256


def test_numbers_are_numbers_or_an_error_that_names_the_row() -> None:
    with pytest.raises(InputError) as error:
        row("fetal/typical_mean_fetal_dose/chest-pa").number("value")
    assert "fetal/typical_mean_fetal_dose/chest-pa" in error.value.message


@pytest.mark.parametrize("name", ["nothing/there", "qa-tests/radiography/kv_accuracyy"])
def test_an_unknown_row_is_refused(name: str) -> None:
    with pytest.raises(InputError) as error:
        row(name)
    assert error.value.code in ("unknown-row", "unknown-dataset")


def test_search_wants_every_word() -> None:
    assert "qa-tests/radiography/hvl_min_80kv" in {r.id for r in search("hvl 80 radiography")}
    assert search("hvl 80 zzzz") == []
    assert all(r.dataset == "mgd" for r in search("dance", "mgd"))


def test_nothing_was_lost_on_the_way_here() -> None:
    """Every row and cell of the material the data were taken from is still there."""
    with shared_path("reference/qa-tests.csv").open(encoding="utf-8", newline="") as file:
        originals = list(csv.DictReader(file))
    assert len(originals) == 383
    for original in originals:
        here = row(f"qa-tests/{original['modality']}/{original['test_id']}")
        for column, cell in original.items():
            cell = re.sub(r" \(stored-index file \d+\)|, stored-index file \d+", "", cell)
            assert here.text(column) == cell, (here.id, column)


@pytest.mark.parametrize("name", sorted(n for n, d in datasets().items() if d.file.endswith("csv")))
def test_every_csv_keeps_its_rows(name: str) -> None:
    with shared_path(f"reference/{datasets()[name].file}").open(encoding="utf-8") as file:
        count = sum(1 for _ in csv.DictReader(file))
    assert sum(not r.rests_on for r in rows(name)) == count
