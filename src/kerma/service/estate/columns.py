"""Columns of the equipment list."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kerma.service.estate import selectors
from kerma.service.estate.models import System
from kerma.service.web.components.marks import badge
from kerma.service.web.tables import Column

STATUS_TONE = {
    "in_use": "accent",
    "conditions": "warn",
    "suspended": "bad",
    "withdrawn": "",
    "not_released": "",
}


def prepare(systems: Sequence[System]) -> None:
    """Fetch for many systems at once what their rows show beside them."""
    counts = selectors.open_actions(systems)
    for system in systems:
        system.open_actions = counts.get(system.pk, 0)


def _or_gap(value: object) -> SafeString | str:
    return str(value) if value else badge("missing", "warn", "IR(ME)R 2017 reg 15(2) asks for it")


def _place(system: System) -> str:
    return f"{system.room.site.name}, {system.room.name}"


def _place_lines(system: System) -> SafeString:
    return format_html("{}<br>{}", system.room.site.name, system.room.name)


def _actions(system: System) -> SafeString | str:
    if not system.open_actions:
        return ""
    url = f"{reverse('actions')}?status=open&asset={system.asset}"
    return format_html('<a href="{}">{}</a>', url, system.open_actions)


def equipment_columns() -> list[Column[System]]:
    """Return the columns: the inventory fields, the status, and what is open."""
    return [
        Column("asset", "Asset", lambda s: s.asset, ("asset",), nowrap=True,
               url=lambda s: reverse("system", args=[s.asset])),
        Column("name", "System", lambda s: s.name, ("name",)),
        Column("site", "Site, room", _place, ("room__site__name", "room__name"),
               html=_place_lines, soft=True),
        Column("modality", "Type", lambda s: s.get_modality_display(), ("modality",), soft=True),
        Column("manufacturer", "Manufacturer", lambda s: s.manufacturer, ("manufacturer",),
               html=lambda s: _or_gap(s.manufacturer)),
        Column("model", "Model", lambda s: s.model, ("model",), html=lambda s: _or_gap(s.model)),
        Column("serial", "Serial", lambda s: s.serial, ("serial",), nowrap=True,
               html=lambda s: _or_gap(s.serial)),
        Column("manufactured", "Made", lambda s: s.manufactured, ("manufactured",), num=True,
               html=lambda s: _or_gap(s.manufactured)),
        Column("installed", "Installed", lambda s: s.installed, ("installed",), num=True,
               html=lambda s: _or_gap(s.installed)),
        Column("status", "Status", lambda s: s.get_status_display(), ("status",),
               html=lambda s: badge(s.get_status_display(), STATUS_TONE[s.status])),
        Column("actions", "Actions", lambda s: s.open_actions, num=True, html=_actions),
    ]  # fmt: skip
