"""The still part of a trend: level bands, baselines and event marks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from kerma.charts import palette
from kerma.charts.base import Layer, values
from kerma.charts.trend_data import X_TIME, Event, Limits
from kerma.core.typeset import pretty_unit


def _spans(spans: Sequence[Limits], first: str, last: str) -> list[tuple[Limits, str, str]]:
    ordered = sorted(spans, key=lambda s: s.since or date.min)
    starts = [max(s.since.isoformat(), first) if s.since else first for s in ordered]
    return list(zip(ordered, starts, [*starts[1:], last], strict=True))


def bands(
    spans: Sequence[Limits], domain: tuple[float, float], first: str, last: str
) -> list[Layer]:
    """Light bands beyond the remedial bounds, heavier ones beyond the suspension bounds."""
    rows: list[dict[str, Any]] = []
    for span, start, end in _spans(spans, first, last):
        for side in (0, 1):
            edge = domain[side]
            stop, hold = span.remedial[side], span.suspension[side]
            inner = edge if hold is None else _clamp(hold, domain)
            if stop is not None:
                rows.append(_band("remedial", start, end, stop, inner))
            if hold is not None:
                rows.append(_band("suspension", start, end, inner, edge))
    rows = [r for r in rows if r["from"] != r["to"]]
    if not rows:
        return []
    x = {"x": {**X_TIME, "field": "start"}, "x2": {"field": "end"}}
    level = {
        "field": "level",
        "type": "nominal",
        "scale": {
            "domain": ["remedial", "suspension"],
            "range": [palette.REMEDIAL, palette.SUSPENSION],
        },
        "legend": None,
    }
    strength = {"condition": {"test": "datum.level === 'remedial'", "value": 0.1}, "value": 0.22}
    names = [r for r in rows if r["end"] == last]
    return [
        {
            "data": values(rows),
            "mark": {"type": "rect"},
            "encoding": {
                **x,
                "y": {"field": "from", "type": "quantitative"},
                "y2": {"field": "to"},
                "color": level,
                "opacity": strength,
            },
        },
        {
            "data": values(rows),
            "mark": {"type": "rule", "strokeWidth": 1},
            "encoding": {**x, "y": {"field": "from", "type": "quantitative"}, "color": level},
        },
        {
            "data": values(names),
            "mark": {"type": "text", "align": "right", "dx": -4, "fontSize": 10},
            "encoding": {
                "x": {**X_TIME, "field": "end"},
                "y": {"field": "middle", "type": "quantitative"},
                "text": {"field": "level"},
                "color": level,
            },
        },
    ]


def _band(level: str, start: str, end: str, a: float, b: float) -> dict[str, Any]:
    return {"level": level, "start": start, "end": end, "from": a, "to": b, "middle": (a + b) / 2}


def _clamp(value: float, domain: tuple[float, float]) -> float:
    return min(max(value, domain[0]), domain[1])


def baselines(spans: Sequence[Limits], first: str, last: str) -> list[Layer]:
    """Dashed baselines, each over the time it stood."""
    rows = [
        {"start": start, "end": end, "baseline": span.baseline}
        for span, start, end in _spans(spans, first, last)
        if span.baseline is not None
    ]
    if not rows:
        return []
    return [
        {
            "data": values(rows),
            "mark": {
                "type": "rule",
                "color": palette.BASELINE,
                "strokeDash": [6, 4],
                "strokeWidth": 1.5,
            },
            "encoding": {
                "x": {**X_TIME, "field": "start"},
                "x2": {"field": "end"},
                "y": {"field": "baseline", "type": "quantitative"},
            },
        }
    ]


def event_marks(events: Sequence[Event], unit: str, first: str, last: str) -> list[Layer]:
    """Dotted lines with their labels above the plot."""
    if not events:
        return []
    ordered = sorted(events, key=lambda e: e.on)
    rows = [{"on": e.on.isoformat(), "label": e.label} for e in ordered]
    rule: Layer = {
        "data": values(rows),
        "mark": {"type": "rule", "color": palette.EVENT, "strokeDash": [2, 3], "strokeWidth": 1.2},
        "encoding": {"x": X_TIME, "tooltip": [{"field": "label", "title": "event"}]},
    }
    places = _label_places(ordered, unit, date.fromisoformat(first), date.fromisoformat(last))
    labels: list[Layer] = [
        {
            "data": values([row]),
            "mark": {
                "type": "text",
                "align": "right" if left else "left",
                "dx": 3 if left else -3,
                "fontSize": 10.5,
                "color": palette.EVENT,
                "baseline": "bottom",
                "y": -4 - 13 * line,
            },
            "encoding": {"x": X_TIME, "text": {"field": "label"}},
        }
        for row, (line, left) in zip(rows, places, strict=True)
    ]
    return [rule, *labels]


def _label_places(
    events: Sequence[Event], unit: str, first: date, last: date
) -> list[tuple[int, bool]]:
    """Give each label a line above the plot where it meets no other, and the side it reads to.

    Widths are estimates for the narrowest chart the pages and reports draw.
    """
    wide, letter = 420.0, 5.6
    taken: list[list[tuple[float, float]]] = [[(0.0, letter * len(pretty_unit(unit)))]]
    places: list[tuple[int, bool]] = []
    for event in events:
        at = wide * (event.on - first).days / max(1, (last - first).days)
        width = letter * len(event.label) + 8
        left = at + width > wide
        span = (at - width, at) if left else (at, at + width)
        line = next(
            (
                i
                for i, row in enumerate(taken)
                if all(span[1] <= low or span[0] >= high for low, high in row)
            ),
            len(taken),
        )
        if line == len(taken):
            taken.append([])
        taken[line].append(span)
        places.append((line, left))
    return places
