"""The moving part of a trend: the line, its uncertainty bars and the verdict marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerma.charts import palette
from kerma.charts.base import Layer, values
from kerma.charts.trend_data import X_TIME, Event, TrendPoint
from kerma.core import Verdict
from kerma.core.quantity import format_number
from kerma.core.typeset import date_text, pretty_unit


def series(
    points: Sequence[TrendPoint], events: Sequence[Event], domain: tuple[float, float], unit: str
) -> list[Layer]:
    """Line, bars and marks; the line stops at a missing value and at an event that breaks it."""
    rows = _rows(points, events, domain, unit)
    measured = [r for r in rows if r["value"] is not None]
    layers: list[Layer] = [
        {
            "data": values(measured),
            "mark": {"type": "line", "color": palette.LINE, "strokeWidth": 1.6},
            "encoding": {
                "x": X_TIME,
                "y": {"field": "value", "type": "quantitative"},
                "detail": {"field": "run", "type": "nominal"},
            },
        }
    ]
    if any("low" in r for r in measured):
        layers.append(
            {
                "data": values([r for r in measured if "low" in r]),
                "mark": {"type": "rule", "color": palette.LINE, "strokeWidth": 1.2},
                "encoding": {
                    "x": X_TIME,
                    "y": {"field": "low", "type": "quantitative"},
                    "y2": {"field": "high"},
                },
            }
        )
    layers.append(_marks(rows))
    return layers


def _marks(rows: list[dict[str, Any]]) -> Layer:
    present = [v for v in Verdict if any(r["verdict"] == str(v) for r in rows)]
    legend = {"symbolOpacity": 1} if len(present) > 1 else None
    verdict = {"field": "verdict", "type": "nominal", "sort": None, "legend": legend}
    names = [str(v) for v in present]
    mark: dict[str, Any] = {"type": "point", "filled": True, "opacity": 1, "size": 75}
    links: dict[str, Any] = {}
    if any(r.get("href") for r in rows):
        mark["cursor"] = "pointer"
        links = {"href": {"field": "href", "type": "nominal"}}
    return {
        "data": values(rows),
        "mark": mark,
        "encoding": {
            "x": X_TIME,
            "y": {"field": "drawn", "type": "quantitative"},
            "shape": {
                **verdict,
                "scale": {"domain": names, "range": [palette.SHAPES[v] for v in present]},
            },
            "fill": {
                **verdict,
                "scale": {"domain": names, "range": [palette.COLOURS[v] for v in present]},
            },
            "tooltip": [
                {"field": "day", "type": "nominal", "title": "date"},
                {"field": "shown", "type": "nominal", "title": "result"},
                {"field": "verdict", "type": "nominal"},
                {"field": "label", "type": "nominal", "title": "note"},
            ],
            "description": {"field": "said", "type": "nominal"},
            **links,
        },
    }


def _rows(
    points: Sequence[TrendPoint], events: Sequence[Event], domain: tuple[float, float], unit: str
) -> list[dict[str, Any]]:
    breaks = sorted(e.on for e in events if e.breaks)
    rows: list[dict[str, Any]] = []
    gaps = 0
    for point in points:
        gaps += point.value is None
        row: dict[str, Any] = {
            "on": point.on.isoformat(),
            "day": date_text(point.on).replace("\u00a0", " "),
            "value": point.value,
            "drawn": domain[0] if point.value is None else point.value,
            "run": gaps + sum(b <= point.on for b in breaks),
            "verdict": str(point.verdict),
            "shown": _shown(point, unit),
            "label": point.label or "–",
        }
        row["said"] = f"{row['day']}: {row['shown']}, {row['verdict']}"
        if point.href:
            row["href"] = point.href
        if point.value is not None and point.expanded:
            row["low"], row["high"] = point.value - point.expanded, point.value + point.expanded
        rows.append(row)
    return rows


def _shown(point: TrendPoint, unit: str) -> str:
    if point.value is None:
        return "no value"
    number = format_number(point.value, point.expanded / 2 if point.expanded else None)
    return f"{number} {pretty_unit(unit)}".strip()
