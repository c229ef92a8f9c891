"""The survey page, one saved field, one evaluation, and the report of a survey."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kerma.core import Quantity
from kerma.protocols import Inputs, evaluate, load_protocol, parse_protocol
from kerma.reports.survey import build
from kerma.service.demo.load import Loaded, load_department
from kerma.service.people.models import User
from kerma.service.testing import services
from kerma.service.testing.evaluation import evaluate_survey, names_used
from kerma.service.testing.models import Survey
from kerma.simulate.department import build_department
from kerma.simulate.history import History, build_history
from tests.perf.cost import Row, Rows, cpu_s
from tests.reports import example

PROTOCOL = "radiography-dr"
SYSTEM = "ag-dr1"


def _filled(loaded: Loaded, history: History) -> Survey:
    """Return a survey with every simulated reading in it, entered through the services."""
    planned = next(
        s for s in reversed(history.of(SYSTEM)) if s.phase == "routine" and s.state == "issued"
    )
    protocol, person = load_protocol(PROTOCOL), loaded.persons[planned.performer]
    survey = services.survey_plan(
        by=person, system=loaded.systems[SYSTEM], protocol=PROTOCOL, purpose="routine",
        planned_for=planned.day, performer=person,
    )  # fmt: skip
    survey = services.survey_start(by=person, survey=survey, performed_on=planned.day)
    for part, spec in protocol.instruments.items():
        if spec.kind in planned.instruments:
            services.instrument_assign(
                by=person, survey=survey, part=part,
                instrument=loaded.instruments[planned.instruments[spec.kind]],
            )  # fmt: skip
    used = names_used(protocol, protocol.active("routine"))
    values = {
        (name, i): text
        for name, texts in history.readings_for(protocol, planned).items()
        if name in used
        for i, text in enumerate(texts[: protocol.reading(name).repeats])
    }
    services.readings_record(by=person, survey=survey, values=values)
    return survey


def survey_pages() -> Rows:
    """Measure the survey page and one saved field, with a demo department and a full survey."""
    department = build_department(today=date.today())
    loaded = load_department(department)
    survey = _filled(loaded, build_history(department))
    browser = Client(SERVER_NAME="localhost")
    user = User.objects.get(person=survey.performer)
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    address = f"/testing/{survey.pk}/"
    yield from _request("survey page", lambda: browser.get(address), 200)
    first = survey.readings.filter(struck_at=None, unit="kV").order_by("id").first()
    assert first is not None
    field = f"{first.reading}.{first.index}"
    version, value = str(first.pk), first.indicated

    def save() -> Any:
        nonlocal version, value
        value += 0.01
        sent = {"field": field, "value": f"{value:.2f}", "version": version}
        answer = browser.post(f"{address}save/", sent)
        version = answer.headers["Kerma-Version"]
        return answer

    yield from _request("save one field", save, 200)
    yield from _request("Today", lambda: browser.get("/"), 200)
    yield Row(
        "survey as stored", "gather and judge", 1000 * cpu_s(lambda: evaluate_survey(survey), 5),
        "CPU ms", f"{survey.readings.filter(struck_at=None).count()} readings",
    )  # fmt: skip


def _request(part: str, ask: Any, status: int) -> Rows:
    answer = ask()  # templates are compiled once a process
    assert answer.status_code == status, answer.content[:500]
    with CaptureQueriesContext(connection) as queries:
        ask()
    yield Row(part, "queries", len(queries), "", "session and person included")
    yield Row(part, "time", 1000 * cpu_s(ask, 5), "CPU ms", f"{len(answer.content) / 1000:.0f} kB")


def protocols() -> Rows:
    """Measure `evaluate` over a full protocol with every reading entered."""
    protocol = load_protocol(PROTOCOL)
    inputs = Inputs(
        readings={r.id: [Quantity(1.0, r.unit, 0.01)] * r.repeats for r in protocol.readings}
    )
    every = [t.id for t in protocol.tests]
    spent = cpu_s(lambda: evaluate(protocol, inputs, phase="routine", include=every), 5)
    part = f"evaluate {PROTOCOL}"
    count = len(evaluate(protocol, inputs, phase="routine", include=every))
    yield Row(part, "all tests", 1000 * spent, "CPU ms", f"{count} tests")
    yield Row(part, "per test", 1000 * spent / count, "CPU ms")
    yield Row(part, "read and check the file", 1000 * cpu_s(_load, 3), "CPU ms")


def _load() -> None:
    parse_protocol(load_protocol(PROTOCOL).source, PROTOCOL)


def reports() -> Rows:
    """Measure the PDF of an example survey, cold and warm, and what more result rows cost."""
    report = example.issued()
    part = "survey PDF"
    yield Row(part, "first in a process", cpu_s(lambda: build(report)), "CPU s")
    warm = cpu_s(lambda: build(report), 3)
    yield Row(part, "warm", warm, "CPU s", f"{len(build(report)) / 1000:.0f} kB")
    draft = example.draft()
    few = cpu_s(lambda: build(draft), 3)
    rows = tuple(replace(r, test_id=f"{r.test_id}-{n}") for n in range(20) for r in draft.results)
    many = cpu_s(lambda: build(replace(draft, results=rows)), 2)
    more = len(rows) - len(draft.results)
    yield Row(part, "per result row", 1000 * (many - few) / more, "CPU ms", f"{more} rows more")
