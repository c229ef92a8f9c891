"""Columns of the instrument register."""

from __future__ import annotations

from datetime import date

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kerma.service.instruments import selectors
from kerma.service.instruments.models import Instrument
from kerma.service.web.components.marks import badge
from kerma.service.web.components.numbers import day, due
from kerma.service.web.tables import Column

TONE = {
    "in calibration": "accent",
    "due soon": "warn",
    "out of calibration": "bad",
    "never calibrated": "bad",
    "quarantined": "bad",
    "not needed": "",
    "retired": "",
}


def instrument_columns(on: date) -> list[Column[Instrument]]:
    """Return the columns as they stand on a day."""

    def due_on(instrument: Instrument) -> date | None:
        last = selectors.last_certificate(instrument, on)
        return last.due_on if last and instrument.needs_calibration else None

    def due_cell(instrument: Instrument) -> SafeString | str:
        last = due_on(instrument)
        if last is None:
            return "–"
        cls = "late" if last < on else "soft"
        return format_html('{} <span class="{}">{}</span>', day(last), cls, due(last))

    def state(instrument: Instrument) -> str:
        return selectors.state_of(instrument, on)

    return [
        Column("kind", "Kind", lambda i: i.kind_text, ("kind",)),
        Column("name", "Instrument", lambda i: f"{i.manufacturer} {i.model}", ("manufacturer",),
               url=lambda i: reverse("instrument", args=[i.key])),
        Column("serial", "Serial", lambda i: i.serial, ("serial",)),
        Column("certificate", "Certificate",
               lambda i: str(selectors.last_certificate(i, on) or ""), ("certificate",), soft=True),
        Column("due", "Calibration due", due_on, ("due",), html=due_cell),
        Column("state", "State", state, ("state",), html=lambda i: badge(state(i), TONE[state(i)])),
    ]  # fmt: skip
