"""The trend of one test over time, with its baseline, levels and the events that explain it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from kerma.charts.base import Chart, Layer, chart, y_title
from kerma.charts.trend_data import Bounds, Event, Limits, TrendPoint
from kerma.charts.trend_levels import bands, baselines, event_marks
from kerma.charts.trend_series import series
from kerma.core import InputError
from kerma.core.quantity import format_number
from kerma.core.typeset import date_text, pretty_unit

_HEIGHT = 240


def trend(
    points: Sequence[TrendPoint],
    *,
    unit: str,
    title: str,
    baseline: float | None = None,
    remedial: Bounds = (None, None),
    suspension: Bounds = (None, None),
    events: Sequence[Event] = (),
    periods: Sequence[Limits] = (),
    height: int = _HEIGHT,
) -> Chart:
    """Draw results over time.

    Parameters
    ----------
    points
        Any order; at least one.
    unit
        Unit of all values, as in `kerma.core.units`.
    title
        Said in the text alternative; the heading beside the chart prints it.
    baseline, remedial, suspension
        Levels for the whole time: a value outside (low, high) exceeds the level; ``None`` where
        a side has no bound.
    events
        Marked with a dotted line and their label.
    periods
        Levels that changed, for example with a new baseline; takes the place of the three above.
    height
        Of the plot, in pixels.

    Raises
    ------
    InputError
        Code ``no-points``.

    """
    if not points:
        raise InputError("There are no results to draw yet.", code="no-points")
    ordered = sorted(points, key=lambda p: p.on)
    spans = tuple(periods) or (Limits(None, baseline, remedial, suspension),)
    domain = _domain(ordered, spans)
    first, last = _time_span(ordered, events)
    layers = [
        *bands(spans, domain, first, last),
        *baselines(spans, first, last),
        *event_marks(events, unit, first, last),
        *series(ordered, events, domain, unit),
    ]
    _share_axes(layers, domain, unit, first, last)
    return chart(layers, alt=_in_words(ordered, spans, events, unit, title), height=height)


def _domain(points: Sequence[TrendPoint], spans: Sequence[Limits]) -> tuple[float, float]:
    """Return the y range: all values, baselines and remedial bounds, and room to see the bands.

    A suspension bound is included unless it would more than triple the range.
    """
    seen = [p.value for p in points if p.value is not None]
    seen += [
        v + s * (p.expanded or 0) for p in points if (v := p.value) is not None for s in (-1, 1)
    ]
    for span in spans:
        seen += [b for b in (span.baseline, *span.remedial) if b is not None]
    seen = seen or [b for s in spans for b in s.suspension if b is not None] or [0.0, 1.0]
    low, high = min(seen), max(seen)
    extent = (high - low) or abs(high) * 0.2 or 1.0
    for bound in (b for s in spans for b in s.suspension if b is not None):
        if max(high, bound) - min(low, bound) <= 3 * extent:
            low, high = min(low, bound), max(high, bound)
    margin = 0.12 * ((high - low) or extent)
    return low - margin, high + margin


def _time_span(points: Sequence[TrendPoint], events: Sequence[Event]) -> tuple[str, str]:
    days = [p.on for p in points] + [e.on for e in events]
    low, high = min(days).toordinal(), max(days).toordinal()
    margin = max(7, round((high - low) * 0.04))
    return date.fromordinal(low - margin).isoformat(), date.fromordinal(high + margin).isoformat()


def _share_axes(
    layers: Sequence[Layer], domain: tuple[float, float], unit: str, first: str, last: str
) -> None:
    """State the domains once, on the layer of the line; the other layers share its scales."""
    for layer in layers:
        encoding = layer["encoding"]
        owner = layer["mark"]["type"] == "line"
        if layer["mark"]["type"] != "point":
            # Only the points speak; what the renderer would say of a band is in local time.
            layer["mark"]["aria"] = False
        if "x" in encoding:
            scale = {"domain": [first, last], "nice": False} if owner else {}
            axis = {"title": None, "tickCount": 6, "labelFlush": True, "labelOverlap": True}
            encoding["x"] = {
                **encoding["x"],
                "scale": {"type": "utc", **scale},
                "axis": axis,
            }
        if "y" in encoding:
            scale = {"domain": list(domain), "nice": False} if owner else {}
            axis = {**y_title(pretty_unit(unit)), "tickCount": 5}
            encoding["y"] = {
                **encoding["y"],
                "scale": {"zero": False, **scale},
                "axis": axis,
            }


def _in_words(
    points: Sequence[TrendPoint],
    spans: Sequence[Limits],
    events: Sequence[Event],
    unit: str,
    title: str,
) -> str:
    measured = [p for p in points if p.value is not None]
    symbol = pretty_unit(unit)
    said = [f"{title}: {len(measured)} results"]
    if measured:
        lowest = min(p.value for p in measured if p.value is not None)
        highest = max(p.value for p in measured if p.value is not None)
        said.append(
            f"from {date_text(measured[0].on)} to {date_text(measured[-1].on)}, between "
            f"{format_number(lowest)} and {format_number(highest)} {symbol}".rstrip()
        )
    if len(measured) < len(points):
        said.append(f"{len(points) - len(measured)} without a value")
    current = spans[-1]
    if current.baseline is not None:
        said.append(f"baseline {format_number(current.baseline)} {symbol}".rstrip())
    exceeded = sum(p.verdict.exceeded for p in measured)
    said.append(f"{exceeded} outside a level" if exceeded else "none outside a level")
    said += [f"{e.label} on {date_text(e.on)}" for e in sorted(events, key=lambda e: e.on)]
    return "; ".join(said).replace("\u00a0", " ") + "."
