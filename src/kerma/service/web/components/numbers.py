"""Numbers, units, dates and times as a person reads them. Display only: nothing here is stored."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from kerma.core import Quantity
from kerma.core.quantity import format_number
from kerma.reports.units import (
    date_text,
    number_text,
    pretty_text,
    pretty_unit,
    quantity_text,
    result_text,
)
from kerma.service.web.components.library import register

MINUS = "\N{MINUS SIGN}"
GAP = "\N{NO-BREAK SPACE}"
ABSENT = "\N{EN DASH}"


@register.filter
def prettyunit(symbol: Any) -> str:
    """Return a unit for print; the reports' own spelling is used, so screen and PDF agree."""
    if symbol is None:
        return ""
    return pretty_unit(str(symbol))


def _as_quantity(value: Any) -> Quantity | None:
    if isinstance(value, dict) and "value" in value and "unit" in value:
        return Quantity.from_dict(value)
    return value if isinstance(value, Quantity) else None


@register.filter
def words(name: Any) -> str:
    """Return a machine's name as words: ``max_deviation`` gives ``max deviation``."""
    return str(name).replace("_", " ")


@register.filter
def prettytext(text: Any) -> str:
    """Return a sentence with its units as they are printed: ``60.2 µGy/mAs``."""
    return pretty_text(str(text or ""))


@register.filter
def number(value: Any, digits: int | None = None) -> str:
    """Return a number alone: a quantity to what its uncertainty supports, a float to 4 figures."""
    if value is None or value == "":
        return ABSENT
    measured = _as_quantity(value)
    if measured is not None:
        return number_text(measured) if digits is None else measured.number(digits)
    if isinstance(value, int) and digits is None:
        return f"{value:,}".replace(",", "\N{THIN SPACE}").replace("-", MINUS)
    return format_number(float(value), None, digits)


@register.filter
def quantity(value: Any, digits: int | None = None) -> str:
    """Return value and unit, with U where it is known: ``86.2 ± 0.9 kV`` (k from the quantity)."""
    measured = _as_quantity(value)
    if measured is None:
        return number(value, digits)
    if digits is None:
        return result_text(measured) if measured.expanded else quantity_text(measured)
    unit = pretty_unit(str(measured.unit))
    return f"{measured.number(digits)}{GAP}{unit}" if unit else measured.number(digits)


@register.filter
def signed(value: Any, digits: int | None = None) -> str:
    """Return a difference with its sign: ``+14``, ``−3.2``, ``0``."""
    shown = number(value, digits)
    if shown in (ABSENT, "") or shown.startswith(MINUS) or not shown.strip("0.,"):
        return shown
    return f"+{shown}"


@register.filter
def percent(value: Any, digits: int = 1) -> str:
    """Return a fraction as per cent: 0.064 gives ``6.4 %``."""
    return ABSENT if value is None else f"{format_number(100 * float(value), None, digits)}{GAP}%"


def _day(value: Any) -> dt.date | None:
    if isinstance(value, dt.datetime):
        return timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    return value if isinstance(value, dt.date) else None


@register.filter
def day(value: Any) -> str:
    """Return a date as ``23 Nov 2026``."""
    date = _day(value)
    return date_text(date) or ABSENT


@register.filter
def moment(value: Any) -> str:
    """Return a date and time with its zone: ``23 Nov 2026, 10:42 GMT``."""
    if not isinstance(value, dt.datetime):
        return day(value)
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    zone = f" {local:%Z}" if local.tzinfo else ""
    return f"{day(local)}, {local:%H:%M}{zone}"


@register.filter
def due(value: Any, today: dt.date | None = None) -> str:
    """Return how far off a day is: ``in 12 days``, ``today``, ``3 days overdue``."""
    date = _day(value)
    if date is None:
        return ABSENT
    days = (date - (today or timezone.localdate())).days
    if days == 0:
        return "today"
    if days == 1:
        return "tomorrow"
    if days > 0:
        return f"in {days} days"
    return f"{-days} day{'s' if days < -1 else ''} overdue"


@register.filter
def overdue(value: Any) -> bool:
    """Return whether a day has passed."""
    date = _day(value)
    return date is not None and date < timezone.localdate()


@register.filter
def isoformat(value: Any) -> str:
    """Return a date or time for a ``datetime`` attribute."""
    return value.isoformat() if isinstance(value, dt.date) else ""


@register.filter
def short_hash(value: Any) -> str:
    """Return the first twelve characters of a hash, enough to recognise it by eye."""
    return str(value or "")[:12]
