"""Chart specifications: one Vega-Lite specification is both the page's chart and the PDF's SVG."""

from kerma.charts.base import Chart, spec
from kerma.charts.curve import curve
from kerma.charts.render import bundle_name, javascript_bundle, svg, write_javascript_bundle
from kerma.charts.trend import trend
from kerma.charts.trend_data import Event, Limits, TrendPoint

__all__ = [
    "Chart",
    "Event",
    "Limits",
    "TrendPoint",
    "bundle_name",
    "curve",
    "javascript_bundle",
    "spec",
    "svg",
    "trend",
    "write_javascript_bundle",
]
