"""Levels: what Kerma understands by a row is what the row says, number for number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from kerma.core import Criterion, InputError, Level, Quantity, Verdict, judge, quantity
from kerma.reference import (
    Row,
    criterion,
    level_names,
    levels,
    levels_of,
    row,
    rows,
    scope,
    unusable,
)

TESTS = [r for r in rows("qa-tests") if not r.rests_on]
LEVELS = [(r, case, lv) for r in TESTS for case, found in levels_of(r).items() for lv in found]


def _text_of(r: Row, level_class: str) -> str:
    column = "suspension_level" if level_class == "suspension" else "remedial_level"
    return r.text(column)


def _bounds(rule: Criterion) -> Iterator[Quantity]:
    yield from (b for b in (rule.low, rule.high) if b is not None)
    yield from (bound for _, bound in rule.points)
    for part in rule.parts:
        yield from _bounds(part)


def _strays(rule: Criterion, words: str) -> list[str]:
    """Return the bounds whose number the words do not hold."""
    numbers = {float(n) for n in re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", words)}
    return [str(b) for b in _bounds(rule) if abs(b.value) not in numbers]


@pytest.mark.parametrize(
    ("r", "level"),
    [(r, lv) for r, _, lv in LEVELS],
    ids=[f"{lv.source.row}-{c}-{lv.level_class}" for _, c, lv in LEVELS],
)
def test_every_number_of_a_level_stands_in_the_words_of_its_row(r: Row, level: Level) -> None:
    assert _strays(level.criterion, _text_of(r, level.level_class)) == []


def test_a_slip_of_the_pen_would_be_seen() -> None:
    words = row("qa-tests/radiography/kv_accuracy_rp162").text("suspension_level")
    good = levels("radiography", "kv_accuracy_rp162")[0].criterion
    slip = criterion(
        {"larger-of": [{"percent": 10, "of": "nominal"}, {"deviation": "1 kV", "of": "nominal"}]}
    )
    assert _strays(good, words) == []
    assert _strays(slip, words) == ["\N{MINUS SIGN}1 kV", "1 kV"]


@pytest.mark.parametrize(
    ("r", "level"),
    [(r, lv) for r, _, lv in LEVELS if lv.criterion.kind in ("max", "min", "lookup")],
    ids=lambda x: x.id if isinstance(x, Row) else x.level_class,
)
def test_the_direction_is_the_rows(r: Row, level: Level) -> None:
    """“>” names what fails above, “<” what fails below; ≥ and ≤ fail on the bound itself."""
    words = _text_of(r, level.level_class)
    rule = level.criterion
    upper = rule.kind == "max" or rule.side == "max"
    if "+/-" not in words:
        signs = set(re.findall(r"[<>]=?(?=\s*\d|\s*R2)", words.replace("R2<", "<")))
        signs = {s for s in signs if not re.search(rf"(dose|kV){re.escape(s)}", words)}
        assert any(s.startswith(">" if upper else "<") for s in signs) or not signs, words
    assert rule.strict == bool(re.match(r"(change )?[<>]=", words)), words


def test_every_row_is_judged_or_says_why_not() -> None:
    reasons = unusable()
    for r in TESTS:
        spec = r.fields["levels"]
        assert spec["scope"], r.id
        found = {lv.level_class for group in levels_of(r).values() for lv in group}
        if not found:
            assert reasons[r.id], r.id
            continue
        for level_class in ("remedial", "suspension"):
            if (
                _text_of(r, level_class)
                and level_class not in found | {"DRL"}
                and "DRL" not in found
            ):
                assert reasons[f"{r.id}:{level_class}"], (r.id, level_class)
        for level_class in found - {"DRL"}:
            assert _text_of(r, level_class), f"{r.id} has a {level_class} level out of nothing"


def test_the_voltage_of_a_table_point_is_the_one_its_row_is_named_after() -> None:
    points = [(r, lv.criterion.points) for r, _, lv in LEVELS if lv.criterion.by == "kv"]
    assert len(points) >= 20
    for r, table in points:
        assert f"_{table[-1][0].value:g}" in r.text("test_id"), r.id


def test_rows_without_a_number_have_no_level() -> None:
    for r in TESTS:
        if "number not certain enough" in r.text("notes"):
            assert levels_of(r) == {}, r.id


def test_how_many_rows_can_be_used() -> None:
    used = [r for r in TESTS if levels_of(r)]
    assert len(TESTS) == 383
    assert len(used) == 383 - sum(1 for name in unusable() if ":" not in name)
    assert len(used) == 308


@pytest.mark.parametrize(
    ("name", "value", "nominal", "verdict"),
    [
        # On the bound passes; just beyond does not (kV accuracy ±5 % / ±10 %).
        ("kv_accuracy", 84.0, 80, Verdict.PASS),
        ("kv_accuracy", 84.0001, 80, Verdict.REMEDIAL),
        ("kv_accuracy", 88.0, 80, Verdict.REMEDIAL),
        ("kv_accuracy", 88.0001, 80, Verdict.SUSPENSION),
        ("kv_accuracy", 76.0, 80, Verdict.PASS),
        ("kv_accuracy", 75.9999, 80, Verdict.REMEDIAL),
        # The larger of 10 % and 10 kV: 10 kV below 100 kV, 10 % above.
        ("kv_accuracy_rp162", 70.0, 60, Verdict.PASS),
        ("kv_accuracy_rp162", 70.001, 60, Verdict.SUSPENSION),
        ("kv_accuracy_rp162", 132.0, 120, Verdict.PASS),
        ("kv_accuracy_rp162", 132.01, 120, Verdict.SUSPENSION),
    ],
)
def test_tube_voltage_at_its_bounds(
    name: str, value: float, nominal: float, verdict: Verdict
) -> None:
    found = judge(
        quantity(value, "kV"), levels("radiography", name), nominal=quantity(nominal, "kV")
    )
    assert found.verdict is verdict


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (9.999, Verdict.PASS),
        (10.0, Verdict.SUSPENSION),  # the source says >= 10 fails
        (10.001, Verdict.SUSPENSION),
    ],
)
def test_a_source_that_says_at_least_fails_on_the_bound(value: float, verdict: Verdict) -> None:
    found = levels("radiography", "aec_receptor_dose_rp162")
    assert judge(quantity(value, "uGy"), found).verdict is verdict


def test_ten_per_cent_and_one_millisecond() -> None:
    found = levels("radiography", "timer_accuracy_iec")
    nominal = quantity(100, "ms")
    assert judge(quantity(111, "ms"), found, nominal=nominal).verdict is Verdict.PASS
    assert judge(quantity(111.01, "ms"), found, nominal=nominal).verdict is Verdict.REMEDIAL
    assert judge(quantity(0.089, "s"), found, nominal=nominal).verdict is Verdict.PASS
    assert judge(quantity(0.0889, "s"), found, nominal=nominal).verdict is Verdict.REMEDIAL
    assert found[0].text() == "±10 % of nominal plus ±1 ms from nominal"
    assert Level.from_dict(found[0].as_dict()) == found[0]


@pytest.mark.parametrize(
    ("kv", "minimum"), [(50, 1.8), (80, 2.9), (100, 3.6), (120, 4.3), (150, 5.4), (85, 3.05)]
)
def test_minimum_hvl_is_one_lookup_over_its_rows(kv: float, minimum: float) -> None:
    found = levels("radiography", "hvl_min")
    context = {"kv": quantity(kv, "kV")}
    assert judge(quantity(minimum, "mm Al"), found, context=context).verdict is Verdict.PASS
    below = quantity(minimum - 0.001, "mm Al")
    assert judge(below, found, context=context).verdict is Verdict.SUSPENSION


@pytest.mark.parametrize("kv", [49.9, 150.1])
def test_no_minimum_hvl_beyond_the_table(kv: float) -> None:
    found = levels("radiography", "hvl_min")
    judged = judge(quantity(9, "mm Al"), found, context={"kv": quantity(kv, "kV")})
    assert judged.verdict is Verdict.NOT_ENOUGH_DATA


def test_one_point_of_the_table_holds_at_its_own_voltage_only() -> None:
    found = levels("radiography", "hvl_min_80kv")
    at = {"kv": quantity(80, "kV")}
    assert judge(quantity(2.9, "mm Al"), found, context=at).verdict is Verdict.PASS
    off = {"kv": quantity(81, "kV")}
    judged = judge(quantity(2.9, "mm Al"), found, context=off)
    assert judged.verdict is Verdict.NOT_ENOUGH_DATA


def test_an_assembled_row_rests_on_its_parts_and_is_as_sure_as_the_least_sure() -> None:
    whole = row("qa-tests/radiography/hvl_min")
    assert len(whole.rests_on) == 10
    parts = [row(name) for name in whole.rests_on]
    assert {p.confidence for p in parts} == {"seen", "recalled"}
    assert whole.confidence == "recalled"
    assert whole.fields["parts"] == {p.id: p.sha256 for p in parts}
    for p in parts:
        assert p.document in whole.document


def test_limiting_resolution_is_a_staircase_of_dose() -> None:
    found = levels("dr", "limiting_resolution_rp162")

    def at(dose: float, lp: float) -> Verdict:
        context = {"receptor_dose": quantity(dose, "uGy")}
        return judge(quantity(lp, "1/mm"), found, context=context).verdict

    assert at(5, 2.4) is Verdict.PASS
    assert at(5.01, 2.4) is Verdict.SUSPENSION
    assert at(10, 2.8) is Verdict.PASS
    assert at(10.1, 9.0) is Verdict.NOT_ENOUGH_DATA


def test_a_row_with_cases_wants_one_named() -> None:
    with pytest.raises(InputError) as error:
        levels("radiography", "light_beam_alignment_tecdoc")
    assert "light_beam_alignment_tecdoc#edge" in error.value.message
    assert levels("radiography", "light_beam_alignment_tecdoc#total")[0].text() == "≤ 4 %"
    with pytest.raises(InputError):
        levels("radiography", "light_beam_alignment_tecdoc#corner")


def test_a_fault_of_two_grades_is_two_questions() -> None:
    """A visible artefact is remedial; only non-diagnostic images are a suspension."""
    assert [lv.level_class for lv in levels("dr", "artefact_check#remedial")] == ["remedial"]
    assert [lv.level_class for lv in levels("dr", "artefact_check#suspension")] == ["suspension"]


def test_levels_carry_their_birth_certificate() -> None:
    level = levels("radiography", "kv_accuracy")[0]
    assert level.source.row == "qa-tests/radiography/kv_accuracy"
    assert level.source.confidence == "seen"
    assert level.source.sha256 == row(level.source.row).sha256
    assert "Norwegian" in level.source.document


def test_documents_of_other_nations_are_known_as_such() -> None:
    foreign = re.compile(r"ANVISA|AERB|TECDOC|Washington|Oregon|CMR|Missouri|FDA|HARP|WAD-QC")
    for r in TESTS:
        where = r.fields["levels"]["scope"]
        named_foreign = bool(foreign.search(r.document + r.text("test_name")))
        if where in ("uk", "europe", "norway", "local", "manufacturer"):
            # A Norwegian limit TECDOC shares, and a UK test that Oregon's rules list too.
            allowed = r.text("test_id") in ("limiting_resolution_norway", "scan_plane_localisation")
            assert not named_foreign or allowed, r.id
    assert scope("radiography", "kv_accuracy_anvisa") == "other nation"
    assert scope("radiography", "collimator_illuminance#us") == "other nation"
    assert scope("radiography", "collimator_illuminance#iec") == "international"


def test_level_names_can_be_looked_up() -> None:
    for modality in ("radiography", "dr", "ct", "general_safety", "mammography"):
        for name in level_names(modality):
            assert levels(modality, name)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"max": "5 furlongs"}, "furlongs"),
        ({"max": "5 %", "min": "1 %"}, "exactly one"),
        ({"percent": 5}, "of: nominal"),
        ({"range": ["5 kV", "1 kV"]}, "upside down"),
        ({"range": "5 kV"}, "two values"),
        ({"max": "5 %", "of": "nominal"}, "does not belong"),
        ({"lookup": "min", "points": []}, "by"),
        ({"larger-of": [{"max": "1 kV"}, {"max": "2 kV"}]}, "percent or deviation"),
        ("fine", "functional"),
    ],
)
def test_a_level_that_is_written_wrongly_is_refused(spec: Any, says: str) -> None:
    with pytest.raises(InputError) as error:
        criterion(spec)
    assert says in error.value.message
