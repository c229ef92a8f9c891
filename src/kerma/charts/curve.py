"""Curves with their uncertainty: MTF, NNPS, DQE, contrast detail, profiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerma.charts import palette
from kerma.charts.base import Chart, Layer, chart, values, y_title
from kerma.core import Curve, InputError
from kerma.core.typeset import pretty_unit

_HEIGHT = 240


def curve(
    curves: Sequence[Curve], *, title: str = "", k: float = 2.0, height: int = _HEIGHT
) -> Chart:
    """Draw one or several curves on the same axes.

    Parameters
    ----------
    curves
        All with the same units; the band of each is ± k u.
    title
        Said in the text alternative; the heading beside the chart prints it.
    k
        Coverage factor of the band.
    height
        Of the plot, in pixels.

    Raises
    ------
    InputError
        Code ``no-points`` (nothing to draw) or ``mixed-units``.

    """
    drawn = [c for c in curves if c.x]
    if not drawn:
        raise InputError("There is no curve to draw.", code="no-points")
    if len({(c.x_unit, c.y_unit) for c in drawn}) > 1:
        raise InputError(
            "These curves have different units and cannot share one chart. Draw them separately.",
            code="mixed-units",
        )
    rows = [row for c in drawn for row in _rows(c, k)]
    series = _series_channel(drawn)
    x = {
        "field": "x",
        "type": "quantitative",
        "axis": {"title": _axis(drawn[0].x_label, drawn[0].x_unit), "tickCount": 6, "grid": True},
        "scale": {"nice": False, "zero": False},
    }
    y = {
        "field": "y",
        "type": "quantitative",
        "axis": {**y_title(_axis(drawn[0].y_label, drawn[0].y_unit)), "tickCount": 5},
        "scale": {"zero": min(r["y"] for r in rows) >= 0},
    }
    layers: list[Layer] = []
    if any("low" in r for r in rows):
        layers.append(
            {
                "data": values([r for r in rows if "low" in r]),
                "mark": {"type": "area", "opacity": 0.22},
                "encoding": {
                    "x": x,
                    "y": {**y, "field": "low"},
                    "y2": {"field": "high"},
                    "color": series["color"],
                },
            }
        )
    layers.append(
        {
            "data": values(rows),
            "mark": {"type": "line", "strokeWidth": 1.8, "tooltip": {"content": "encoding"}},
            "encoding": {"x": x, "y": y, **series},
        }
    )
    return chart(layers, alt=_in_words(drawn, title), height=height)


def _rows(source: Curve, k: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for i, (x, y) in enumerate(zip(source.x, source.y, strict=True)):
        row: dict[str, Any] = {"curve": source.name, "x": float(x), "y": float(y)}
        if source.u:
            row["low"], row["high"] = float(y - k * source.u[i]), float(y + k * source.u[i])
        rows.append(row)
    return rows


def _series_channel(curves: Sequence[Curve]) -> dict[str, Any]:
    names = [c.name for c in curves]
    several = len(names) > 1
    field: dict[str, Any] = {
        "field": "curve",
        "type": "nominal",
        "sort": None,
        "legend": {"symbolType": "stroke", "symbolStrokeWidth": 2, "symbolOpacity": 1}
        if several
        else None,
    }
    n = len(palette.SERIES)
    colours = [palette.SERIES[i % n] for i in range(len(names))]
    dashes = [list(palette.DASHES[i % n]) for i in range(len(names))]
    return {
        "color": {**field, "scale": {"domain": names, "range": colours}},
        "strokeDash": {**field, "scale": {"domain": names, "range": dashes}},
    }


def _axis(label: str, symbol: str) -> str:
    shown = pretty_unit(symbol)
    return f"{label} ({shown})" if label and shown else label or shown


def _in_words(curves: Sequence[Curve], title: str) -> str:
    first = curves[0]
    names = ", ".join(c.name for c in curves)
    low, high = min(min(c.x) for c in curves), max(max(c.x) for c in curves)
    head = f"{title}: " if title else ""
    text = (
        f"{head}{first.y_label} against {first.x_label} from {low:.3g} to {high:.3g} "
        f"{pretty_unit(first.x_unit)}".rstrip()
    )
    return f"{text} ({names}).".replace("\u00a0", " ")
