"""Chart specifications: one Vega-Lite specification is both the page's chart and the PDF's SVG."""

from kerma.charts.base import Chart, spec
from kerma.charts.curve import curve
from kerma.charts.doses import Line, Spread, against, distribution, histogram, over_time
from kerma.charts.render import bundle_name, javascript_bundle, svg, write_javascript_bundle
from kerma.charts.trend import trend
from kerma.charts.trend_data import Event, Limits, TrendPoint

__all__ = [
    "Chart",
    "Event",
    "Limits",
    "Line",
    "Spread",
    "TrendPoint",
    "against",
    "bundle_name",
    "curve",
    "distribution",
    "histogram",
    "javascript_bundle",
    "over_time",
    "spec",
    "svg",
    "trend",
    "write_javascript_bundle",
]
