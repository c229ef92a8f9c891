"""The acceptance test passes on the reader, notices a wrong one, and ends in a signed paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kerma.core import InputError, NotEntitled
from kerma.dicom.dose import read_report
from kerma.service.doses.acceptance.comparing import compare
from kerma.service.doses.acceptance.services import acceptance_write, words_of
from kerma.service.records.models import Issue, Paper
from kerma.service.records.papers.acts import ACTS
from tests.service import doses_world as world
from tests.service.cast import cast

pytestmark = pytest.mark.django_db


def outcome(read: Any = read_report) -> Any:
    folder, truths = world.simulated()
    return compare(folder, list(truths), read)


def test_everything_written_is_read_and_the_cut_file_refused() -> None:
    found = outcome()
    assert found.wrong == []
    assert found.passed
    assert found.refused == 1
    assert set(found.files) == {"ct", "projection", "mammography"}


def _scaled(path: Path) -> Any:
    record = read_report(path)
    events = []
    for event in record.events:
        kap = event.kap
        if kap is not None and kap.number is not None:
            event = replace(event, kap=kap._replace(numbers=(kap.number * 1.0001,)))
        events.append(event)
    return replace(record, events=tuple(events))


def test_a_reader_off_by_a_ten_thousandth_or_losing_an_event_fails() -> None:
    wrong = outcome(_scaled)
    assert not wrong.passed
    assert all("kap_gy_m2" in w for w in wrong.wrong)
    short = outcome(lambda p: replace(read_report(p), events=read_report(p).events[1:]))
    assert any("events read as" in w for w in short.wrong)
    assert "Failed" in words_of(short, "x").statement


def _without_kap(path: Path) -> Any:
    record = read_report(path)
    return replace(record, events=tuple(replace(e, kap=None) for e in record.events))


def _without_totals(path: Path) -> Any:
    record = read_report(path)
    return replace(record, totals=replace(record.totals, dlp=None, kap=None))


@pytest.mark.parametrize(
    ("reader", "named"), [(_without_kap, "kap_gy_m2"), (_without_totals, "total ")]
)
def test_a_value_the_reader_loses_is_an_error(reader: Any, named: str) -> None:
    lost = outcome(reader)
    assert not lost.passed
    assert all(named in w and "read as None" in w for w in lost.wrong)


def test_nothing_compared_is_not_a_pass() -> None:
    assert not compare(Path(), []).passed


def test_the_paper_is_checked_and_issued_by_an_mpe_only() -> None:
    who = cast()
    with pytest.raises(InputError):
        acceptance_write(by=who.colleague, employer=who.ours, summary=" ")
    paper = acceptance_write(by=who.colleague, employer=who.ours, summary="New version.")
    assert "Passed" in paper.drafts.get().content["statement"]
    for name, by in (("submit", who.colleague), ("check", who.checker)):
        ACTS[name](paper=paper, by=by).perform()
    with pytest.raises(NotEntitled):
        ACTS["issue"](paper=paper, by=who.colleague).perform()
    ACTS["issue"](paper=paper, by=who.approver).perform()
    assert Issue.objects.get().report == Paper.objects.get().report
