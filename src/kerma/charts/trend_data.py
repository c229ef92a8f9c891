"""What a trend is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kerma.core import Verdict

Bounds = tuple[float | None, float | None]
X_TIME = {"field": "on", "type": "temporal", "scale": {"type": "utc"}}


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One survey: its date, value (``None`` leaves a gap), verdict and the page it opens.

    `expanded` is the expanded uncertainty U in the unit of the value, drawn as a bar; `label` is
    shown when the point is pointed at.
    """

    on: date
    value: float | None
    verdict: Verdict = Verdict.PASS
    href: str = ""
    label: str = ""
    expanded: float | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the system: tube change, re-baseline, meter change.

    The line is not drawn across an event that `breaks` the series.
    """

    on: date
    label: str
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Baseline and levels as they stood from a date on; bounds in the unit of the values."""

    since: date | None = None
    baseline: float | None = None
    remedial: Bounds = (None, None)
    suspension: Bounds = (None, None)
