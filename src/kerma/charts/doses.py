"""Charts of doses: distributions by group, histograms, doses over time and against size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from kerma.charts import palette
from kerma.charts.base import Chart, Layer, chart, values, y_title
from kerma.core import InputError
from kerma.core.typeset import pretty_unit

_ROW = 26
_HEIGHT = 220
_MOST_ROWS = 30


@dataclass(frozen=True, slots=True)
class Spread:
    """The doses of one group; `low` and `high` bound the median where the sample allows it."""

    group: str
    count: int
    p25: float
    median: float
    p75: float
    p95: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A reference level drawn across a chart, in the unit of its axis."""

    text: str
    value: float


def _axis(title: str, unit: str) -> str:
    shown = pretty_unit(unit)
    return f"{title} ({shown})" if shown else title


def _lines(lines: Sequence[Line], channel: str) -> list[Layer]:
    if not lines:
        return []
    rows = [{"level": line.text, "at": line.value} for line in lines]
    at = {"field": "at", "type": "quantitative"}
    mark = {"type": "rule", "color": palette.SUSPENSION, "strokeDash": [5, 3], "strokeWidth": 1.4,
            "tooltip": {"content": "data"}}  # fmt: skip
    text = {"type": "text", "align": "left", "baseline": "bottom", "dx": 4, "dy": -3,
            "fontSize": 10, "color": palette.SUSPENSION}  # fmt: skip
    place: dict[str, Any] = {channel: at}
    other: dict[str, Any] = {"y": {"value": 0}} if channel == "x" else {"x": {"value": 0}}
    if channel == "x":
        text |= {"baseline": "top", "dy": 3}
    return [
        {"data": values(rows), "mark": mark, "encoding": place},
        {
            "data": values(rows),
            "mark": text,
            "encoding": {**place, **other, "text": {"field": "level", "type": "nominal"}},
        },
    ]


def distribution(
    spreads: Sequence[Spread], *, title: str, unit: str, lines: Sequence[Line] = ()
) -> Chart:
    """Draw one row for each group: quartiles as a bar, median as a tick with its 95 % interval.

    Raises
    ------
    InputError
        Code ``no-points``.
    """
    if not spreads:
        raise InputError("There is no dose to draw.", code="no-points")
    drawn = list(spreads)[:_MOST_ROWS]
    rows = [
        {"group": s.group, "count": s.count, "p25": s.p25, "median": s.median, "p75": s.p75,
         "p95": s.p95, **({"low": s.low, "high": s.high} if None not in (s.low, s.high) else {})}
        for s in drawn
    ]  # fmt: skip
    y = {"field": "group", "type": "nominal", "sort": None,
         "axis": {"title": None, "labelLimit": 190}}  # fmt: skip
    x = {
        "field": "p25", "type": "quantitative", "scale": {"zero": True},
        "axis": {"title": _axis(title, unit), "grid": True, "tickCount": 6},
    }  # fmt: skip
    hover = [
        {"field": name, "type": kind, "title": words, **more}
        for name, kind, words, more in (
            ("group", "nominal", "Group", {}), ("count", "quantitative", "Number", {}),
            ("p25", "quantitative", "25th percentile", {"format": ".4~g"}),
            ("median", "quantitative", "Median", {"format": ".4~g"}),
            ("p75", "quantitative", "75th percentile", {"format": ".4~g"}),
            ("p95", "quantitative", "95th percentile", {"format": ".4~g"}),
        )
    ]  # fmt: skip
    data = values(rows)
    layers: list[Layer] = [
        {"data": data, "mark": {"type": "rule", "color": palette.LINE, "strokeWidth": 1},
         "encoding": {"y": y, "x": {**x, "field": "p75"}, "x2": {"field": "p95"}}},
        {"data": data, "mark": {"type": "bar", "height": 12, "color": palette.SERIES[0],
                                "opacity": 0.35},
         "encoding": {"y": y, "x": x, "x2": {"field": "p75"}, "tooltip": hover}},
        {"data": values([r for r in rows if "low" in r]),
         "mark": {"type": "rule", "color": palette.SERIES[0], "strokeWidth": 3},
         "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}}},
        {"data": data, "mark": {"type": "tick", "thickness": 2.4, "size": 16,
                                "color": palette.SERIES[0]},
         "encoding": {"y": y, "x": {**x, "field": "median"}, "tooltip": hover}},
        *_lines(lines, "x"),
    ]  # fmt: skip
    alt = (
        f"{title} of {len(drawn)} group{'s' * (len(drawn) > 1)}: "
        + "; ".join(f"{s.group}, median {s.median:.3g}, n {s.count}" for s in drawn[:6])
        + "."
    )
    return chart(layers, alt=alt, height=max(90, _ROW * len(drawn) + 40))


def histogram(
    bars: Sequence[tuple[float, float, int]],
    *,
    title: str,
    unit: str,
    lines: Sequence[Line] = (),
) -> Chart:
    """Draw how many examinations lie in each interval of dose; the last bar holds the rest.

    Raises
    ------
    InputError
        Code ``no-points``.
    """
    if not bars:
        raise InputError("There is no dose to draw.", code="no-points")
    rows = [{"low": low, "high": high, "count": count} for low, high, count in bars]
    layers: list[Layer] = [
        {
            "data": values(rows),
            "mark": {"type": "bar", "color": palette.SERIES[0], "tooltip": {"content": "data"}},
            "encoding": {
                "x": {"field": "low", "type": "quantitative", "bin": {"binned": True},
                      "axis": {"title": _axis(title, unit)}},
                "x2": {"field": "high"},
                "y": {"field": "count", "type": "quantitative",
                      "axis": {**y_title("Number"), "tickCount": 4}},
            },
        },
        *_lines(lines, "x"),
    ]  # fmt: skip
    total = sum(count for _, _, count in bars)
    return chart(layers, alt=f"Histogram of {title}, {total} values.", height=_HEIGHT)


def over_time(
    rows: Sequence[tuple[date, str, int, float, float, float]],
    *,
    title: str,
    unit: str,
    lines: Sequence[Line] = (),
) -> Chart:
    """Draw the median by interval of time with its quartile band, a line for each group.

    Parameters
    ----------
    rows
        Beginning of the interval, group (empty for all), count, 25th percentile, median, 75th
        percentile. An interval without examinations is a gap.
    title, unit
        Of the dose.
    lines
        Reference levels.

    Raises
    ------
    InputError
        Code ``no-points``.
    """
    if not rows:
        raise InputError("There is no dose to draw.", code="no-points")
    data = [
        {"since": since.isoformat(), "group": group or "all", "count": count, "p25": p25,
         "median": median, "p75": p75}
        for since, group, count, p25, median, p75 in rows
    ]  # fmt: skip
    groups = list(dict.fromkeys(group or "all" for _, group, *_ in rows))
    n = len(palette.SERIES)
    colour = {
        "field": "group", "type": "nominal", "sort": None,
        "scale": {"domain": groups, "range": [palette.SERIES[i % n] for i in range(len(groups))]},
        "legend": {} if len(groups) > 1 else None,
    }  # fmt: skip
    x = {"field": "since", "type": "temporal", "axis": {"title": None, "format": "%b %Y"}}
    y = {"field": "median", "type": "quantitative", "scale": {"zero": True},
         "axis": {**y_title(_axis(title, unit)), "tickCount": 5}}  # fmt: skip
    layers: list[Layer] = []
    if len(groups) == 1:
        layers.append(
            {"data": values(data), "mark": {"type": "area", "opacity": 0.18},
             "encoding": {"x": x, "y": {**y, "field": "p25"}, "y2": {"field": "p75"},
                          "color": colour}}
        )  # fmt: skip
    layers.append(
        {"data": values(data),
         "mark": {"type": "line", "strokeWidth": 1.8, "point": {"size": 26},
                  "tooltip": {"content": "data"}},
         "encoding": {"x": x, "y": y, "color": colour}}
    )  # fmt: skip
    layers += _lines(lines, "y")
    alt = f"{title} over time from {data[0]['since']} to {data[-1]['since']} ({', '.join(groups)})."
    return chart(layers, alt=alt, height=_HEIGHT)


def against(
    points: Sequence[tuple[float, float, str]],
    *,
    title: str,
    unit: str,
    what: str,
    what_unit: str,
) -> Chart:
    """Draw dose against a size or an age, a point for each examination.

    Raises
    ------
    InputError
        Code ``no-points``.
    """
    if not points:
        raise InputError("There is no dose to draw.", code="no-points")
    rows = [{"x": x, "y": y, "system": system} for x, y, system in points]
    systems = list(dict.fromkeys(r["system"] for r in rows))
    n = len(palette.SERIES)
    layers: list[Layer] = [
        {
            "data": values(rows),
            "mark": {"type": "point", "filled": True, "size": 18, "opacity": 0.55,
                     "tooltip": {"content": "data"}},
            "encoding": {
                "x": {"field": "x", "type": "quantitative", "scale": {"zero": False},
                      "axis": {"title": _axis(what, what_unit), "grid": True}},
                "y": {"field": "y", "type": "quantitative",
                      "axis": {**y_title(_axis(title, unit)), "tickCount": 5}},
                "color": {"field": "system", "type": "nominal", "sort": None,
                          "scale": {"domain": systems,
                                    "range": [palette.SERIES[i % n] for i in range(len(systems))]},
                          "legend": {} if 1 < len(systems) <= n else None},
            },
        }
    ]  # fmt: skip
    return chart(layers, alt=f"{title} against {what}, {len(rows)} examinations.", height=_HEIGHT)
