"""Days that come round: what is due so many months after another day."""

from __future__ import annotations

from datetime import date


def add_months(day: date, months: int) -> date:
    """Return the same day some months later, or the month's last day."""
    index = day.month - 1 + months
    year, month = day.year + index // 12, index % 12 + 1
    for candidate in range(day.day, 27, -1):
        try:
            return date(year, month, candidate)
        except ValueError:
            continue
    return date(year, month, min(day.day, 28))
