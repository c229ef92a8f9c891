"""Dates and times of DICOM in ISO form, with the offset from UTC kept when one was sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone

# Dates that systems write when they know none: the spreadsheet epoch and two common placeholders.
_PLACEHOLDERS = {date(1899, 12, 30), date(1900, 1, 1), date(1800, 1, 1)}
# Design choice: nobody has lived longer than 122 years.
_OLDEST_YEARS = 122
_DAYS_A_YEAR = 365.25

# PS3.5 6.2 has digits alone; some makers part them as ISO 8601 or older DICOM does.
_MOMENT = re.compile(
    r"(\d{4})[-./]?(\d\d)?[-./]?(\d\d)?[ T]?(\d\d)?:?(\d\d)?:?(\d\d)?"
    r"(?:[.,](\d{1,6})\d*)?\s*([+-]\d\d:?\d\d)?"
)


def moment(text: str | None, warn: Callable[[str], None]) -> str | None:
    """Return a DICOM DT as ISO 8601 text (PS3.5 6.2), to the precision sent."""
    if not text:
        return None
    match = _MOMENT.fullmatch(text.strip())
    if match is None or match[3] is None:
        warn(f"“{text[:40]}” is not a date and time and is not used")
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    micro = int((match[7] or "").ljust(6, "0"))
    zone = None
    if match[8]:
        sign = -1 if match[8][0] == "-" else 1
        minutes = sign * (int(match[8][1:3]) * 60 + int(match[8][-2:]))
        if abs(minutes) < 24 * 60:
            zone = timezone(timedelta(minutes=minutes))
    try:
        # PS3.5 allows second 60 for a leap second; Python does not.
        return datetime(year, month, day, hour, minute, min(second, 59), micro, zone).isoformat()
    except ValueError:
        warn(f"“{text[:40]}” is not a date and time and is not used")
        return None


def iso_date(text: str) -> str | None:
    """Return a DICOM DA as ``YYYY-MM-DD``, or ``None``."""
    found = _date(text)
    return found.isoformat() if found else None


def iso_time(text: str) -> str | None:
    """Return a DICOM TM as ``HH:MM:SS[.ffffff]``, or ``None``."""
    match = re.fullmatch(r"(\d\d):?(\d\d)?:?(\d\d)?(?:\.(\d{1,6})\d*)?", text.strip())
    if match is None:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    try:
        return time(hour, minute, min(second, 59), int((match[4] or "").ljust(6, "0"))).isoformat()
    except ValueError:
        return None


def _date(text: str) -> date | None:
    match = re.fullmatch(r"(\d{4})\.?-?(\d\d)\.?-?(\d\d)", text.strip())
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def age_from_dates(birth: str, study: str) -> tuple[float | None, str]:
    """Return the age in years from two DICOM dates, and why not when there is none.

    Whole years by the calendar and the share of the year since the last birthday, to a tenth of a
    year from two years on and a thousandth below: enough for age bands, too coarse to give the
    birth date away. Nobody is rounded up to a birthday that has not come.
    """
    born, studied = _date(birth), _date(study)
    if born is None or studied is None:
        return None, ""
    whole = studied.year - born.year - ((studied.month, studied.day) < (born.month, born.day))
    if born in _PLACEHOLDERS or not 0 <= whole <= _OLDEST_YEARS:
        return None, "the birth date is a placeholder or impossible"
    last, following = _birthday(born, born.year + whole), _birthday(born, born.year + whole + 1)
    share = (studied - last).days / (following - last).days
    decimals = 1 if whole >= 2 else 3
    step: float = 10.0**-decimals
    return round(whole + min(round(share, decimals), 1.0 - step), decimals), ""


def _birthday(born: date, year: int) -> date:
    """Return the birthday in a year; of 29 February, 1 March in years without one."""
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def age_from_text(text: str) -> float | None:
    """Return a DICOM age (``058Y``, ``03M``, ``001D``) in years."""
    match = re.fullmatch(r"(\d{1,3})\s*([DWMY])", text.strip().upper())
    if match is None:
        return None
    a_year = {"D": _DAYS_A_YEAR, "W": _DAYS_A_YEAR / 7, "M": 12.0, "Y": 1.0}[match[2]]
    return round(int(match[1]) / a_year, 3)
