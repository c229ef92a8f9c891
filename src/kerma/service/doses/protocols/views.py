"""The page of a scanner's protocols by patient size."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from kerma.core.typeset import pretty_unit
from kerma.doses.protocols import Cell, protocol_table
from kerma.service.doses import columnar
from kerma.service.doses.access import reader_of
from kerma.service.doses.forms import DayInput
from kerma.service.estate import selectors as estate
from kerma.service.web.components.numbers import number
from kerma.service.web.tables import Column, Table


class ProtocolFilter(forms.Form):
    """Which scanner, over which days, in bands of which width."""

    system = forms.ChoiceField(label="Scanner")
    since = forms.DateField(label="From", required=False, widget=DayInput)
    until = forms.DateField(label="To", required=False, widget=DayInput)
    width = forms.FloatField(label="Band, mm", required=False, min_value=5, max_value=200,
                             widget=forms.TextInput({"size": 4}))  # fmt: skip

    def __init__(self, *args: object, systems: list[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["system"].choices = systems  # type: ignore[attr-defined]


def _band(cell: Cell) -> str:
    if cell.low_mm is None or cell.high_mm is None:
        return "not stated"
    return f"{cell.low_mm:g} to {cell.high_mm:g}"


def _columns() -> list[Column[Cell]]:
    dose = pretty_unit("mGy")
    return [
        Column("protocol", "Protocol", lambda c: c.protocol or "not stated", ("protocol",)),
        Column("phantom", "Phantom", lambda c: c.phantom or "not stated", ("phantom",)),
        Column("size", "Diameter", _band, num=True, unit="mm"),
        Column("count", "Events", lambda c: c.count, ("count",), num=True),
        Column("ctdivol_mgy", "CTDIvol, median", lambda c: c.ctdivol_mgy, ("ctdivol_mgy",),
               num=True, unit=dose),
        Column("p25_mgy", "25th", lambda c: c.p25_mgy, num=True, unit=dose),
        Column("p75_mgy", "75th", lambda c: c.p75_mgy, num=True, unit=dose),
        Column("kvp_kv", "Tube voltage", lambda c: ", ".join(map(number, c.kvp_kv)), num=True,
               unit="kV"),
        Column("current_ma", "Mean current", lambda c: c.current_ma, num=True, unit="mA"),
    ]  # fmt: skip


@require_GET
def protocols(request: HttpRequest) -> HttpResponse:
    """Show a scanner's protocols by size, or ask which scanner."""
    person = reader_of(request)
    known = estate.systems(person).filter(modality__in=("ct", "cbct_other", "cbct_dental"))
    form = ProtocolFilter(request.GET or None, systems=[(s.asset, str(s)) for s in known])
    table = None
    if form.is_valid():
        asked, today = form.cleaned_data, timezone.localdate()
        columnar.refresh(most=1000)
        cells = protocol_table(
            columnar.store(), asked["system"], since=asked["since"] or today - timedelta(days=365),
            until=asked["until"] or today, width_mm=asked["width"] or 40.0,
        )  # fmt: skip
        table = Table(request, cells, _columns(), name="protocols-by-size", default="protocol",
                      noun="rows")  # fmt: skip
        if table.wanted:
            return table.file()
    context = {
        "form": form, "table": table, "known": bool(known),
        "crumbs": [("Patient dose", reverse("doses")), ("Protocols by size", "")],
    }  # fmt: skip
    return render(request, "doses/protocols.html", context, status=422 if form.errors else 200)
