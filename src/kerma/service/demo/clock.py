"""Let a simulated act happen on its own day.

Only the demo turns the clock, and only inside this process; nothing in the service can.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from unittest import mock

from django.utils import timezone

_now = timezone.now


@contextmanager
def on(day: date, at: time = time(10, 0)) -> Iterator[None]:
    """Make the service believe it is a day and hour; time still runs from there."""
    start = timezone.make_aware(datetime.combine(day, at))
    began = _now()

    def moved() -> datetime:
        return start + (_now() - began)

    with mock.patch("django.utils.timezone.now", moved):
        yield


def working_hour(index: int) -> time:
    """Return a plausible time of day for the n-th act of a day."""
    return (datetime(2000, 1, 1, 9, 5) + timedelta(minutes=37 * (index % 12))).time()
