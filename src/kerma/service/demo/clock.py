"""Let a simulated act happen on its own day.

Only the demo turns the clock, and only inside this process; nothing in the service can.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import count
from unittest import mock

from django.utils import timezone


@contextmanager
def on(day: date, at: time = time(10, 0)) -> Iterator[None]:
    """Make the service believe it is a day and hour.

    Every look at the clock is a second later than the last, whatever the machine's speed, so that
    the same seed gives the same records.
    """
    start = timezone.make_aware(datetime.combine(day, at))
    looks = count()

    def moved() -> datetime:
        return start + timedelta(seconds=next(looks))

    with mock.patch("django.utils.timezone.now", moved):
        yield


def working_hour(index: int) -> time:
    """Return a plausible time of day for the n-th act of a day."""
    return (datetime(2000, 1, 1, 9, 5) + timedelta(minutes=37 * (index % 12))).time()
