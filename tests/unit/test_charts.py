"""Charts: what the specification says, and that the drawing shows it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path
from typing import Any

import altair
import pytest

from kerma import charts
from kerma.charts import palette
from kerma.core import Curve, InputError, Verdict

DAYS = [date(2024, 1 + 2 * i, 5) for i in range(6)]


def trend(**more: Any) -> charts.Chart:
    points = more.pop("points", None) or [
        charts.TrendPoint(DAYS[0], 21.2, href="/surveys/1"),
        charts.TrendPoint(DAYS[1], 21.0, expanded=0.8),
        charts.TrendPoint(DAYS[2], None, Verdict.NOT_DONE, label="Meter away"),
        charts.TrendPoint(DAYS[3], 29.4, Verdict.REMEDIAL, href="/surveys/4"),
        charts.TrendPoint(DAYS[4], 35.8, Verdict.SUSPENSION),
        charts.TrendPoint(DAYS[5], 20.1),
    ]
    given = {"unit": "mGy/min", "title": "Air kerma rate", "baseline": 20.8,
             "remedial": (None, 27.0), "suspension": (None, 34.0)}  # fmt: skip
    return charts.trend(points, **{**given, **more})


def layers(chart: charts.Chart, mark: str) -> list[dict[str, Any]]:
    return [layer for layer in charts.spec(chart)["layer"] if layer["mark"]["type"] == mark]


def y_domain(chart: charts.Chart) -> tuple[float, float]:
    low, high = layers(chart, "line")[0]["encoding"]["y"]["scale"]["domain"]
    return low, high


def mtf(name: str = "Horizontal", u: float = 0.01) -> Curve:
    f = tuple(i / 10 for i in range(31))
    return Curve(name, f, tuple(math.exp(-x) for x in f), "Spatial frequency", "1/mm", "MTF", "1",
                 tuple(u for _ in f))  # fmt: skip


@pytest.mark.parametrize("chart", [trend(), charts.curve([mtf()]), charts.curve([mtf(), mtf("V")])])
def test_specification_is_valid_vega_lite(chart: charts.Chart) -> None:
    body = charts.spec(chart)
    altair.Chart.from_dict(json.loads(json.dumps(body)), validate=True)


def test_specification_is_a_copy() -> None:
    chart = trend()
    charts.spec(chart)["layer"].clear()
    assert charts.spec(chart)["layer"]


@pytest.mark.parametrize(
    ("remedial", "value"), [((None, 60.0), 5.0), ((2.0, None), 50.0), ((-40.0, 90.0), 3.0)]
)
def test_y_axis_always_includes_the_remedial_bounds(
    remedial: tuple[float | None, float | None], value: float
) -> None:
    points = [charts.TrendPoint(day, value) for day in DAYS]
    chart = trend(points=points, baseline=None, remedial=remedial, suspension=(None, None))
    low, high = y_domain(chart)
    assert all(low < bound < high for bound in (*remedial, value) if bound is not None)


def test_far_suspension_bound_does_not_flatten_the_trend() -> None:
    low, high = y_domain(trend(suspension=(None, 1e4)))
    assert high - low < 100


def test_bands_lie_beyond_their_bounds() -> None:
    rows = layers(trend(), "rect")[0]["data"]["values"]
    low, high = y_domain(trend())
    spans = {r["level"]: (r["from"], r["to"]) for r in rows}
    assert spans == {"remedial": (27.0, 34.0), "suspension": (34.0, high)}
    assert low < 20.1


def test_bands_on_both_sides() -> None:
    chart = trend(remedial=(15.0, 27.0), suspension=(10.0, 34.0))
    rows = layers(chart, "rect")[0]["data"]["values"]
    spans = sorted((r["level"], r["from"], r["to"]) for r in rows)
    low, high = y_domain(chart)
    assert spans == [("remedial", 15.0, 10.0), ("remedial", 27.0, 34.0),
                     ("suspension", 10.0, low), ("suspension", 34.0, high)]  # fmt: skip


def test_line_stops_at_a_gap_and_at_a_breaking_event() -> None:
    rows = layers(trend(), "line")[0]["data"]["values"]
    assert [r["value"] for r in rows] == [21.2, 21.0, 29.4, 35.8, 20.1]
    runs = [r["run"] for r in rows]
    assert runs[0] == runs[1] != runs[2] == runs[3] == runs[4]
    event = charts.Event(date(2024, 10, 1), "tube changed", breaks=True)
    runs = [r["run"] for r in layers(trend(events=[event]), "line")[0]["data"]["values"]]
    assert runs[3] != runs[4]


def test_missing_value_is_marked_but_has_no_height() -> None:
    low, _ = y_domain(trend())
    rows = layers(trend(), "point")[0]["data"]["values"]
    gap = next(r for r in rows if r["value"] is None)
    assert (gap["drawn"], gap["verdict"], gap["shown"]) == (low, "not done", "no value")


def test_shape_and_colour_follow_the_verdict_and_points_open_their_survey() -> None:
    encoding = layers(trend(), "point")[0]["encoding"]
    shapes = dict(zip(*encoding["shape"]["scale"].values(), strict=True))
    assert len(set(shapes.values())) == len(shapes) == 4
    assert encoding["shape"]["scale"]["domain"] == encoding["fill"]["scale"]["domain"]
    assert encoding["href"]["field"] == "href"
    assert "/surveys/4" in charts.svg(trend())


def test_events_and_baselines_that_changed() -> None:
    periods = [
        charts.Limits(None, 20.8, (None, 27.0)),
        charts.Limits(date(2024, 6, 1), 22.0, (None, 28.6)),
    ]
    chart = trend(periods=periods, events=[charts.Event(date(2024, 6, 1), "re-baselined")])
    rows = next(
        layer["data"]["values"] for layer in layers(chart, "rule")
        if "baseline" in layer["data"]["values"][0]
    )  # fmt: skip
    assert [r["baseline"] for r in rows] == [20.8, 22.0]
    assert rows[0]["end"] == rows[1]["start"] == "2024-06-01"
    assert ">re-baselined<" in charts.svg(chart)


def test_event_labels_do_not_share_a_place() -> None:
    events = [charts.Event(date(2024, 6, d), f"event number {d}") for d in (1, 3, 5)]
    heights = [
        layer["mark"]["y"] for layer in layers(trend(events=events), "text") if "y" in layer["mark"]
    ]
    assert len(set(heights)) == 3


def test_svg_is_the_same_every_time_and_everywhere() -> None:
    first = charts.svg(trend())
    assert charts.svg(trend()) == first
    code = (
        "import hashlib; from kerma import charts; from tests.unit.test_charts import mtf, trend;"
        "charts.svg(charts.curve([mtf()]));"
        "print(hashlib.sha256(charts.svg(trend()).encode()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2], env={**os.environ, "TZ": "America/Los_Angeles"},
    )  # fmt: skip
    assert done.stdout.strip() == hashlib.sha256(first.encode()).hexdigest()


def test_dates_are_drawn_on_their_day_whatever_the_time_zone() -> None:
    root = ET.fromstring(charts.svg(trend()))
    labels = " ".join(
        el.attrib.get("aria-label", "") for el in root.iter() if "aria-label" in el.attrib
    )
    assert "5 Jan 2024: 21.2 mGy/min, pass" in labels
    assert "5 May 2024: no value, not done" in labels


def test_unit_is_typeset_and_negative_power_does_not_change_the_font() -> None:
    assert ">mGy/min<" in charts.svg(trend())
    drawn = charts.svg(charts.curve([mtf()]))
    texts = re.findall(r"<text.*?</text>", drawn)
    assert any("−1</tspan>" in t for t in texts)
    assert not any("⁻" in t for t in texts)


def test_curve_has_its_uncertainty_band() -> None:
    (band,) = layers(charts.curve([mtf(u=0.01)]), "area")
    row = band["data"]["values"][0]
    assert (row["low"], row["high"]) == pytest.approx((0.98, 1.02))
    without = Curve("x", (0.0, 1.0), (1.0, 0.5), "f", "1/mm", "MTF", "1")
    assert not layers(charts.curve([without]), "area")


def test_several_curves_differ_in_dash_as_well_as_in_colour() -> None:
    encoding = layers(charts.curve([mtf("A"), mtf("B")]), "line")[0]["encoding"]
    assert encoding["color"]["legend"] is not None
    assert (
        encoding["strokeDash"]["scale"]["range"][0] != encoding["strokeDash"]["scale"]["range"][1]
    )


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="no results"):
        charts.trend([], unit="kV", title="x")
    with pytest.raises(InputError, match="no curve"):
        charts.curve([])
    with pytest.raises(InputError, match="different units"):
        charts.curve([mtf(), Curve("n", (1.0,), (1.0,), "f", "1/mm", "NNPS", "mm2")])


def test_trend_without_any_value_or_level_can_still_be_drawn() -> None:
    points = [charts.TrendPoint(DAYS[0], None, Verdict.NOT_DONE)]
    chart = trend(points=points, baseline=None, remedial=(None, None), suspension=(None, None))
    assert "<svg" in charts.svg(chart)


def test_text_alternative_says_what_is_shown() -> None:
    chart = trend(events=[charts.Event(date(2024, 6, 1), "tube changed")])
    for part in ("5 results", "1 without a value", "2 outside a level", "baseline 20.8 mGy/min",
                 "tube changed on 1 Jun 2024"):  # fmt: skip
        assert part in chart.alt
    assert charts.spec(chart)["description"] == chart.alt


def test_every_mark_colour_stands_out_on_light_and_dark_pages() -> None:
    drawn = {palette.LINE, palette.BASELINE, palette.EVENT, *palette.SERIES,
             *palette.COLOURS.values()}  # fmt: skip
    for colour in drawn:
        for page in (*palette.LIGHT_PAGES, *palette.DARK_PAGES):
            assert palette.contrast(colour, page) >= 3, (colour, page)
    assert palette.contrast("#ffffff", "#000000") == pytest.approx(21)
