"""Report content as plain data: there and back, and its hash."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import Criterion, InputError, Level, Source, Verdict, quantity
from kerma.core.codec import decode, encode
from kerma.reports.content import (
    LevelShown,
    ResultRow,
    SurveyReport,
)
from kerma.reports.parts import SourceLine
from tests.reports import example

REPORT = example.issued()


def test_through_json_and_back_unchanged() -> None:
    data = json.loads(json.dumps(REPORT.as_dict()))
    again = SurveyReport.from_dict(data)
    assert again == REPORT
    assert again.content_hash == REPORT.content_hash


def test_content_is_all_but_the_signing() -> None:
    content = REPORT.content()
    assert "signing" not in content
    assert set(content) | {"signing"} == set(REPORT.as_dict())
    assert SurveyReport.from_dict(content).signing.state == "draft"


@pytest.mark.parametrize("name", [n for n in REPORT.content() if n not in ("issue", "demo")])
def test_every_field_is_in_the_hash(name: str) -> None:
    value = getattr(REPORT, name)
    other = f"{value} " if isinstance(value, str) else "other"
    assert replace(REPORT, **{name: other}).content_hash != REPORT.content_hash


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(), st.sampled_from(list(Verdict)))
def test_rows_survive_any_text_and_number(value: float, text: str, verdict: Verdict) -> None:
    row = ResultRow(text, text, text, verdict, value=quantity(value, "kV"), reason=text)
    assert decode(ResultRow, json.loads(json.dumps(encode(row)))) == row


def test_wrong_shape_is_refused_in_plain_words() -> None:
    for data in ({"title": "x"}, {**REPORT.as_dict(), "surveyed_on": "yesterday"}, 3):
        with pytest.raises(InputError) as refused:
            decode(SurveyReport, data)
        assert refused.value.code == "stored-data"


def test_level_and_source_lines_come_from_core() -> None:
    source = Source("local/x", "A document", "seen", "ab" * 32, "2nd edition")
    level = Level("x", "remedial", Criterion("max", high=quantity(5, "%")), source)
    assert LevelShown.of(level) == LevelShown("remedial", "≤ 5 %", "local/x")
    line = SourceLine.of(source)
    assert (line.document, line.edition, line.sha256) == ("A document", "2nd edition", "ab" * 32)
    assert not line.verified
