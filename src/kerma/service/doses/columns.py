"""Columns of the lists of the patient dose room."""

from __future__ import annotations

from collections.abc import Callable

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kerma.core import quantity
from kerma.core.typeset import pretty_unit
from kerma.service.doses.models import Quarantined, Study
from kerma.service.doses.selectors import Device
from kerma.service.web.components.marks import badge
from kerma.service.web.components.numbers import day, moment, number
from kerma.service.web.tables import Column

STATUS_TONE = {"refused": "warn", "quarantined": "bad", "resolved": "accent", "dismissed": ""}
_DIGITS = 10  # what is left after a conversion of units is the device's number, not its noise


def converted(value: float | None, kept: str, shown: str) -> float | None:
    """Return a stored number in the unit it is shown in; missing stays missing."""
    if value is None:
        return None
    return float(f"{quantity(value, kept).to(shown).value:.{_DIGITS}g}")


def _dose(field: str, kept: str, shown: str) -> Callable[[Study], float | None]:
    return lambda study: converted(getattr(study, field), kept, shown)


def device_words(study: Study) -> str:
    """Return what the header says of the device."""
    words = (study.manufacturer, study.model, study.station)
    return " ".join(w for w in words if w) or "the header does not name it"


def system_mark(study: Study) -> SafeString | str:
    """Return the system as a link, or what is known of an unknown device."""
    if study.system is None:
        return format_html(
            "{} <small>{}</small>", badge("unknown device", "warn"), device_words(study)
        )
    return format_html(
        '<a href="{}">{}</a> <span class="soft">{}</span>',
        reverse("system", args=[study.system.asset]),
        study.system.asset,
        study.system.name,
    )


def _described(study: Study) -> SafeString:
    link = format_html(
        '<a href="{}">{}</a>',
        reverse("study", args=[study.pk]),
        study.description or "No description",
    )
    mark = badge("not a patient", "accent", study.not_patient) if study.not_patient else ""
    return format_html("{} {}", link, mark)


def _agd(study: Study) -> str:
    pair = (study.agd_left_mgy, study.agd_right_mgy)
    return "" if pair == (None, None) else ", ".join(map(number, pair))


def _device(study: Study) -> str:
    return str(study.system) if study.system else f"unknown device: {device_words(study)}"


def study_columns() -> list[Column[Study]]:
    """Return the columns of the list of studies."""
    return [
        Column("date", "Date", lambda s: s.date, ("date", "time")),
        Column("modality", "Kind", lambda s: s.modality, ("modality",)),
        Column("description", "Description", lambda s: s.description, ("description",),
               html=_described),
        Column("system", "System", _device, ("system__asset", "manufacturer", "model"),
               html=system_mark),
        Column("site", "Site", lambda s: s.system.room.site.name if s.system else "",
               ("system__room__site__name",), on_page=False),
        Column("events", "Events", lambda s: s.event_count, ("event_count",), num=True),
        Column("dlp_mgy_cm", "DLP", _dose("dlp_mgy_cm", "mGy.cm", "mGy.cm"), ("dlp_mgy_cm",),
               num=True, unit=pretty_unit("mGy.cm")),
        Column("kap_gy_cm2", "KAP", _dose("kap_gy_m2", "Gy.m2", "Gy.cm2"), ("kap_gy_m2",),
               num=True, unit=pretty_unit("Gy.cm2")),
        Column("dose_rp_mgy", "Dose at RP", _dose("dose_rp_gy", "Gy", "mGy"), ("dose_rp_gy",),
               num=True, unit="mGy"),
        Column("agd", "AGD L, R", _agd, ("agd_left_mgy", "agd_right_mgy"), num=True,
               unit="mGy", in_file=False),
        Column("agd_left_mgy", "AGD left", lambda s: s.agd_left_mgy, unit="mGy", on_page=False),
        Column("agd_right_mgy", "AGD right", lambda s: s.agd_right_mgy, unit="mGy", on_page=False),
        Column("not_patient", "Not a patient", lambda s: s.not_patient, on_page=False),
    ]  # fmt: skip


def quarantine_columns() -> list[Column[Quarantined]]:
    """Return the columns of the files that were not stored."""
    return [
        Column("name", "File", lambda q: q.name, ("name",)),
        Column("status", "State", lambda q: q.get_status_display(), ("status",),
               html=lambda q: badge(q.get_status_display(), STATUS_TONE[q.status])),
        Column("reason", "Reason", lambda q: q.reason, ("code", "reason")),
        Column("code", "Code", lambda q: q.code, on_page=False),
        Column("attempts", "Attempts", lambda q: q.attempts, ("attempts",), num=True),
        Column("first", "First", lambda q: q.first_at, ("first_at",),
               html=lambda q: moment(q.first_at)),
        Column("last", "Last", lambda q: q.last_at, ("last_at",), html=lambda q: moment(q.last_at)),
        Column("sha256", "SHA-256", lambda q: q.sha256, on_page=False),
    ]  # fmt: skip


def _device_link(device: Device) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("device", args=[device.example]), device.name)


def _suggested(device: Device) -> SafeString | str:
    if device.suggestion is None:
        return ""
    found = device.suggestion
    return format_html(
        '<a href="{}?system={}">{}</a> <small>{}</small>',
        reverse("device", args=[device.example]),
        found.system.pk,
        found.system,
        found.reason,
    )


def device_columns() -> list[Column[Device]]:
    """Return the columns of the unknown devices."""
    return [
        Column("device", "Device", lambda d: d.name, ("device",), html=_device_link),
        Column("station", "Station", lambda d: d.station, ("station",)),
        Column("serial", "Serial", lambda d: d.serial, ("serial",)),
        Column("studies", "Studies", lambda d: d.count, ("studies",), num=True,
               url=lambda d: f"{reverse('doses')}?device={d.example}"),
        Column("first", "First", lambda d: d.first, ("first",), html=lambda d: day(d.first)),
        Column("last", "Last", lambda d: d.last, ("last",), html=lambda d: day(d.last)),
        Column("suggestion", "May be",
               lambda d: str(d.suggestion.system) if d.suggestion else "", html=_suggested),
    ]  # fmt: skip
