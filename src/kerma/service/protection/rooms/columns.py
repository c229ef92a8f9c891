"""The register of rooms as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.html import format_html

from kerma.service.estate.models import Room
from kerma.service.protection.rooms import selectors
from kerma.service.protection.rooms.selectors import Standing
from kerma.service.protection.rooms.services import DESIGNATIONS
from kerma.service.protection.shielding.as_built import OUTCOMES
from kerma.service.web.components.marks import badge
from kerma.service.web.components.numbers import ABSENT
from kerma.service.web.tables import Column

TONES = {"controlled": "warn", "supervised": "accent", "undesignated": ""}
OUTCOME_TONES = {"agrees": "accent", "more": "accent", "less": "bad"}
# Reasons in a word, for the list; the room's page and the files have the sentences.
_WHY = {
    "as-built-less": "as built", "system-withdrawn": "system", "system-moved": "system",
    "system-gone": "system", "system-new": "system", "workload": "workload",
    "neighbour": "neighbours", "reference": "reference data", "unreadable": "version",
}  # fmt: skip


def prepared(on: date) -> Callable[[Sequence[Room]], None]:
    """Return what puts beside rooms how they stand, once for all of them."""

    def prepare(rows: Sequence[Room]) -> None:
        found = selectors.standing(rows, on)
        for row in rows:
            row.standing = found[row.pk]  # type: ignore[attr-defined]  # read by the columns

    return prepare


def _of(room: Room) -> Standing:
    found: Standing = room.standing  # type: ignore[attr-defined]  # put there by `prepared`
    return found


def _said(name: str) -> Callable[[Room], str]:
    return lambda room: getattr(_of(room).entry, name, "") or ""


def _designation(room: Room) -> str:
    entry = _of(room).entry
    return DESIGNATIONS[entry.designation] if entry else ""


def designation_mark(entry: Any) -> Any:
    """Return a designation as a word in a box."""
    if entry is None:
        return badge("not in the register", "bad")
    return badge(DESIGNATIONS[entry.designation].lower(), TONES[entry.designation])


def link_or_text(text: str) -> Any:
    """Return an address of the web as a link and anything else as the words it is."""
    if text.startswith(("https://", "http://")) and " " not in text:
        return format_html('<a href="{}" rel="noreferrer">{}</a>', text, text)
    return text or ABSENT


def _report(room: Room) -> str:
    held = _of(room).held
    return held.report if held else ""


def _report_url(room: Room) -> str:
    held = _of(room).held
    return reverse("issue", args=[held.issue]) if held and held.issue else ""


def _as_built(room: Room) -> str:
    built = _of(room).as_built
    if built is None:
        return ""
    row = built.worst
    return f"{row.name}: {OUTCOMES.get(row.outcome, row.outcome)}; {built.count}"


def _as_built_mark(room: Room) -> Any:
    built = _of(room).as_built
    if built is None:
        return ABSENT
    outcome = built.worst.outcome
    mark = badge(OUTCOMES.get(outcome, outcome), OUTCOME_TONES.get(outcome, "warn"))
    return format_html('{} <span class="soft">{}</span>', mark, built.count)


def _recheck_mark(room: Room) -> Any:
    reasons = _of(room).reasons
    if not reasons:
        return ABSENT
    why = dict.fromkeys(_WHY.get(reason.code, reason.code) for reason in reasons)
    return format_html("{} {}", badge("look again", "bad"), ", ".join(why))


def columns(*, staff: bool) -> list[Column[Room]]:
    """Return the columns; pages of designs are for staff, reports for everybody."""

    def design_url(room: Room) -> str:
        design = _of(room).design
        return reverse("design", args=[design.pk]) if staff and design else ""

    return [
        Column("room", "Room", lambda r: r.name, ("name",),
               url=lambda r: reverse("room", args=[r.key])),
        Column("site", "Site", lambda r: r.site.name, ("site__name",), soft=True),
        Column("employer", "Employer", lambda r: r.site.employer.name, on_page=False),
        Column("designation", "Designation", _designation, ("now_designation",),
               html=lambda r: designation_mark(_of(r).entry)),
        Column("when", "While", _said("when"), on_page=False),
        Column("since", "Since", lambda r: getattr(_of(r).entry, "valid_from", None),
               ("now_since",), nowrap=True),
        Column("signs", "Signs", _said("signs"), on_page=False),
        Column("supervisor", "RPS", _said("supervisor")),
        Column("local_rules", "Local rules", _said("local_rules"),
               html=lambda r: link_or_text(_said("local_rules")(r))),
        Column("design", "Design", lambda r: str(_of(r).design or ""), url=design_url),
        Column("report", "Report", _report, url=_report_url, nowrap=True),
        Column("as_built", "As built", _as_built, html=_as_built_mark),
        Column("recheck", "Re-check", lambda r: " ".join(s.sentence for s in _of(r).reasons),
               html=_recheck_mark),
        Column("missing", "Missing", lambda r: ", ".join(_of(r).gaps)),
        Column("systems", "Systems", lambda r: ", ".join(s.asset for s in _of(r).systems),
               soft=True),
    ]  # fmt: skip
