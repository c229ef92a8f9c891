"""A mistake in a protocol file is named with its file, line, key and what was expected."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kerma.core import InputError
from kerma.protocols import (
    ProtocolError,
    available,
    check_analyses,
    load_protocol,
    parse_protocol,
)
from tests.protocols.make import entry, small

GOOD = (Path(__file__).parent / "good.yaml").read_text(encoding="utf-8")


def test_the_good_one_is_good() -> None:
    protocol = parse_protocol(GOOD, "good.yaml")
    assert protocol.source == GOOD
    assert protocol.sections == ("Tube", "Detector")
    assert protocol.test("kv").setup == "kv80"
    assert protocol.reading("kv_80").quantity == "tube voltage"
    assert protocol.setups["kv80"].values["focus"] == "broad"


# old text -> new text, the line it is reported on, the key, and words of the message
MISTAKES = [
    # schema
    ("title: A small protocol\n", "", 1, "", "“title” is missing"),
    ("version: 1", "version: one", 2, "version", "a whole number"),
    ("version: 1", "versoin: 1", 2, "versoin", "“version”?"),
    ("equipment: [radiography]", "equipment: [[a]]", 4, "equipment", "words"),
    ("title: Edge\n", "title: [Edge]\n", 17, "title", "words"),
    ("repeats: 3", "repeats: 0", 12, "repeats", "a whole number from 1"),
    ("repeats: 3", "repeats: 3, minimum: 4", 12, "minimum", "more than 3"),
    ("repeats: 3", "repaets: 3", 12, "repaets", "“repeats”?"),
    ("kv: 80 kV", "kv: 80 KV", 9, "setups.kv80.kv", "not a unit"),
    ("kv: 80 kV", "kv: 80kV", 9, "setups.kv80.kv", "a number and a unit"),
    ("unit: uGy}", "unit: uGray}", 13, "unit", "“uGray” is not a unit"),
    ("id: k_60", "id: K-60", 13, "id", "lower case, like kv_80"),
    ("setup: kv60", "setup: kv70", 13, "setup", "one of kv80, kv60"),
    ("instrument: meter", "instrument: metre", 12, "instrument", "one of meter"),
    ("levels_from: [radiography, dr]", "levels_from: [radiografy, dr]", 5, "levels_from",
     "no modality “radiografy”"),
    ("section: Detector", "section: Detector, phases: [rutine]", 29, "phases",
     "one of critical_exam, acceptance"),
    ("section: Detector", "section: Detector, level: C", 29, "level", "one of A, B"),
    ("section: Detector", "section: Detector, default: maybe", 29, "default", "on or off"),
    ("section: Detector", "section: Detector, frequency_months: -1", 29, "frequency_months",
     "above zero"),
    ("readings:\n", "readings: none\nreadings2:\n", 11, "readings", "a list"),
    ("analysis: planar-mtf-edge", "analysis: Planar MTF", 19, "analysis", "a name like"),
    # ids
    ("id: k_60", "id: kv_80", 12, "id", "used more than once"),
    ("id: k_60", "id: kv80", 9, "kv80", "used more than once"),
    ("id: output", "id: kv", 21, "id", "used more than once"),
    ("  kv60: {", "  kv80: {", 10, "kv80", "stands twice"),
    ("id: k_60", "id: setup", 13, "id", "stands for a test's own setup"),
    # formulas
    ("mean(kv_80)", "maen(kv_80)", 21, "formula", "Did you mean mean?"),
    ("mean(kv_80)", "mean(kv_81)", 21, "formula", "Did you mean “kv_80”?"),
    ("mean(kv_80)", "kv_80", 21, "formula", "gives 3 values"),
    ("mean(kv_80)", "mean(kv_80).real", 21, "formula", "not part of the formula language"),
    ("mean(kv_80)", "'mean(kv_80'", 21, "formula", "cannot be read"),
    ("mean(kv_80)", "mean(kv_80) + 1", 21, "formula", "measure different things"),
    ("k_60 / setup.mas", "k_60 / setup.kv", 26, "formula",
     "gives Gy/V, but the test's unit is uGy/mAs"),
    ("k_60 / setup.mas", "k_60 / kv80.ms", 26, "formula", "Did you mean “kv80.mas”?"),
    ("k_60 / setup.mas", "k_60 * cov(k_60) / setup.mas", 26, "formula", "at least 2 values"),
    ("nominal: setup.kv", "nominal: setup.mas", 21, "nominal", "a formula in kV"),
    ("context: {kv: setup.kv}", "context: {kv: setup.kb}", 28, "context.kv", "Did you mean"),
    ("values: {mtf10: 1/mm}", "values: {mtf50: 1/mm}", 29, "formula", "declared under"),
    ("values: {mtf10: 1/mm}", "values: {mtf10: mm}", 29, "formula", "gives m, but"),
    # levels
    ("test_id: kv_accuracy,", "test_id: kv_acuracy,", 21, "test_id", "no reference row"),
    ("test_id: kv_accuracy,", "", 21, "", "has no level"),
    ("test_id: kv_accuracy,", "test_id: kv_accuracy_ipem,", 21, "test_id", "no level that can"),
    ("test_id: kv_accuracy,", "test_id: light_beam_alignment_tecdoc,", 21, "test_id",
     "light_beam_alignment_tecdoc#edge"),
    ("test_id: kv_accuracy,", "test_id: kv_accuracy, record_only: why,", 21, "record_only",
     "has no levels"),
    ("unit: kV, nominal: setup.kv", "unit: kV", 21, "", "needs the nominal"),
    ("context: {kv: setup.kv}", "method: table", 28, "", "needs the kv"),
    ("test_id: mtf10_site", "levels: [{max: 1 mm}]", 29, "levels", "class, document"),
    ("test_id: mtf10_site", "levels: [{class: remedial, document: X, max: 1 mm}]", 29, "unit",
     "cannot be compared"),
    ("test_id: mtf10_site", "levels: [{class: remedial, document: X, mx: 1 mm}]", 29, "levels",
     "exactly one of"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"), MISTAKES, ids=[f"{m[1] or m[0]}"[:50] for m in MISTAKES]
)
def test_a_mistake_is_named(old: str, new: str, line: int, key: str, says: str) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(ProtocolError) as error:
        parse_protocol(GOOD.replace(old, new, 1), "good.yaml")
    told = error.value.problems
    assert any(p.line == line and p.key.endswith(key) and says in str(p) for p in told), [
        str(p) for p in told
    ]
    assert all(p.file == "good.yaml" for p in told)
    assert f"good.yaml, line {told[0].line}" in error.value.message
    assert error.value.detail["line"] == told[0].line


def test_several_mistakes_are_told_together() -> None:
    broken = GOOD.replace("unit: uGy}", "unit: uGray}").replace("mean(kv_80)", "maen(kv_80)")
    with pytest.raises(ProtocolError) as error:
        parse_protocol(broken, "x.yaml")
    assert [p.line for p in error.value.problems] == [13, 21]
    assert len(error.value.message.splitlines()) == 2


def test_voltage_in_place_of_charge_cannot_be_written() -> None:
    """The fault seen elsewhere: specific output divided by the measured kV."""
    bad = entry(
        id="output", test_id="output_absolute_rp162", nominal=None, unit="uGy/mAs",
        formula="mean(k_80) / mean(kv_80)",
    )  # fmt: skip
    with pytest.raises(ProtocolError) as error:
        small(bad)
    assert "gives Gy/V" in error.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "empty"), ("a: [", "not YAML"), ("- 1", "keys and values"), ("a: !!python/x 1", "YAML")],
)
def test_what_is_no_protocol_at_all(text: str, says: str) -> None:
    with pytest.raises(ProtocolError) as error:
        parse_protocol(text, "x.yaml")
    assert says in error.value.message


def test_a_file_of_the_services_own(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_protocol(path).id == "small"
    assert load_protocol(str(path)).sha256 == parse_protocol(GOOD).sha256
    path.write_text(GOOD.replace("unit: uGy}", "unit: x}"), encoding="utf-8")
    with pytest.raises(ProtocolError) as error:
        load_protocol(path)
    assert error.value.message.startswith("own.yaml, line 13, readings.unit")


def test_an_unknown_protocol_names_those_there_are() -> None:
    with pytest.raises(InputError) as error:
        load_protocol("radiografy")
    for name in available():
        assert name in error.value.message


def test_names_of_analyses_are_checked_apart() -> None:
    check_analyses(parse_protocol(GOOD))
    wrong = parse_protocol(GOOD.replace("planar-mtf-edge", "planar-mtf-edges"))
    with pytest.raises(ProtocolError) as error:
        check_analyses(wrong)
    assert str(error.value.problems[0]) == (
        "small.yaml, line 19, images.analyses.analysis: There is no analysis “planar-mtf-edges”. "
        "Expected: “planar-mtf-edge”?"
    )


def test_a_parameter_may_be_a_reading_that_exists() -> None:
    good = GOOD.replace(
        "values: {mtf10: 1/mm}",
        "values: {mtf10: 1/mm}, parameters: {kerma_ugy: {reading: k_60, unit: mGy}}",
    )
    assert parse_protocol(good).analysis("edge_mtf").parameters["kerma_ugy"]
    for old, new, says in (
        ("reading: k_60", "reading: k_61", "no reading “k_61”"),
        ("unit: mGy", "unit: kV", "not kV"),
    ):
        with pytest.raises(ProtocolError) as error:
            parse_protocol(good.replace(old, new))
        assert says in error.value.message


def test_messages_are_sentences() -> None:
    for old, new, *_ in MISTAKES:
        with pytest.raises(ProtocolError) as error:
            parse_protocol(GOOD.replace(old, new, 1), "good.yaml")
        for line in error.value.message.splitlines():
            assert re.match(r"good\.yaml, line \d+.*: .*[.?]$", line), line
            assert "Traceback" not in line
            assert "None" not in line
