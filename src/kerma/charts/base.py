"""The chart record and the look all charts share."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kerma.charts import palette

VEGA_LITE = "6.4"
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
PAGE_FONT = 'system-ui, "Segoe UI", Roboto, sans-serif'

Layer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    """A Vega-Lite specification and what it shows in words (the text alternative)."""

    body: Mapping[str, Any]
    alt: str


def spec(chart: Chart) -> dict[str, Any]:
    """Return the Vega-Lite specification as plain data, ready for the page's JSON."""
    return copy.deepcopy(dict(chart.body))


def chart(layers: list[Layer], *, alt: str, height: int) -> Chart:
    """Put layers together under the common look."""
    body = {
        "$schema": SCHEMA,
        "description": alt,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "layer": layers,
        "config": _config(),
    }
    return Chart(body, alt)


def values(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an inline data source."""
    return {"values": rows}


def y_title(text: str) -> dict[str, Any]:
    """Axis properties that put the unit above the axis, upright, so it can be read."""
    return {
        "title": text or None,
        "titleAngle": 0,
        "titleAlign": "left",
        "titleAnchor": "start",
        "titleBaseline": "bottom",
        "titleX": 0,
        "titleY": -8,
    }


def _config() -> dict[str, Any]:
    return {
        "font": PAGE_FONT,
        "background": "transparent",
        "padding": {"left": 4, "right": 8, "top": 6, "bottom": 4},
        "view": {"stroke": None},
        "axis": {
            "labelColor": palette.SOFT,
            "titleColor": palette.SOFT,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "gridColor": palette.GRID,
            "gridOpacity": 0.7,
            "domain": False,
            "ticks": False,
            "labelPadding": 6,
        },
        "axisX": {"grid": False, "domain": True, "domainColor": palette.LINE},
        "legend": {
            "orient": "bottom",
            "direction": "horizontal",
            "title": None,
            "labelColor": palette.SOFT,
            "labelFontSize": 11,
            "symbolSize": 70,
            "offset": 8,
        },
    }
