"""Sample data of the living style page. Every name, number and level here is made up to show a
component; none is reference data.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest

from kerma.charts import Chart, Event, TrendPoint, trend
from kerma.core import (
    Criterion,
    Image,
    InputError,
    Level,
    Quantity,
    Region,
    Source,
    Verdict,
    judge,
    quantity,
)
from kerma.service.web.viewer_data import first_window, frame_samples, region_rows

_SOURCE = Source("local/style-sample", "Sample level, made up for this page", "computed")


def _percent(level_class: str, allowed: float) -> Level:
    criterion = Criterion("percent", quantity(-allowed, "%"), quantity(allowed, "%"), "nominal")
    return Level("sample", level_class, criterion, _SOURCE)


# id: title, setup, unit, nominal, previous, value on arrival, allowed % (remedial, suspension)
_TESTS: dict[str, tuple[str, str, str, float, float, str, float, float]] = {
    "kv_60": ("Tube voltage, 60 kV", "60 kV · 20 mAs · broad", "kV", 60, 60.4, "60.9", 5, 10),
    "kv_81": ("Tube voltage, 81 kV", "81 kV · 20 mAs · broad", "kV", 81, 81.9, "86.2", 5, 10),
    "output": ("Output, 81 kV at 1 m", "81 kV · 20 mAs", "uGy/mAs", 50.8, 50.8, "51.3", 20, 50),
    "hvl": ("Half-value layer, 81 kV", "0–4 mm Al", "mm Al", 3.4, 3.41, "", 15, 30),
    "timer": ("Timer, 100 ms", "81 kV · 200 mA", "ms", 100, 100.6, "", 10, 20),
}


def _row(test: str, text: str, *, not_done: str = "") -> dict[str, Any]:
    title, setup, unit, nominal, previous, _, remedial, suspension = _TESTS[test]
    value = quantity(float(text), unit, abs(float(text)) * 0.005) if text else None
    levels = [_percent("remedial", remedial), _percent("suspension", suspension)]
    judged = judge(value, levels, nominal=quantity(nominal, unit))
    result = {
        "sentence": judged.reason,
        "value": value,
        "inputs": [("mean of 3", value), ("nominal", quantity(nominal, unit))],
        "formula": "mean(reading)",
        "instrument": "Meter X2 (sample)",
        "certificate": "C-2219",
        "level": judged.breached or levels[0],
    }
    return {
        "id": test,
        "title": title,
        "setup": setup,
        "unit": unit,
        "previous": previous,
        "levels": f"±{remedial} … {suspension} %",
        "verdict": Verdict.NOT_DONE if not_done else judged.verdict,
        "near": judged.near_limit,
        "result": result if judged.verdict.exceeded else None,
        "fields": [{"name": test, "value": text, "version": 1, "column": "value"}],
    }


def grid() -> list[dict[str, Any]]:
    """Return the rows of the sample survey grid."""
    return [_row(test, facts[5]) for test, facts in _TESTS.items()]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sample grid answers to a saved field."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    version: int | None = None


def answer(posted: Mapping[str, str]) -> Answer:
    """Judge one posted field; the timer pretends that somebody else was quicker."""
    name, text = posted.get("field", ""), posted.get("value", "").strip()
    version = int(posted.get("version") or 0)
    try:
        if name not in _TESTS:
            raise InputError("There is no such field on this page.", code="no-field")
        if name == "timer" and version < 5:
            theirs = {
                "value": "100.8",
                "version": 5,
                "who": "R. Teasel",
                "when": dt.datetime(2026, 11, 23, 10, 42, tzinfo=dt.UTC),
            }
            return Answer("web/parts/grid_conflict.html", {"theirs": theirs}, 409)
        row = _row(name, _readable(text), not_done=posted.get("not_done", ""))
    except InputError as error:
        return Answer("web/parts/grid_error.html", {"error": error}, 422)
    return Answer(
        "web/parts/grid_saved.html", {"rows": [row], "done": 4, "total": 5}, 200, version + 1
    )


def _readable(text: str) -> str:
    if text:
        try:
            float(text)
        except ValueError:
            raise InputError(
                f"“{text}” is not a number. Enter digits with a point.", code="not-a-number"
            ) from None
    return text


@lru_cache(maxsize=1)
def _images() -> tuple[Image, ...]:
    """Make three frames of a disc with an insert in noise; the seed fixes them."""
    random = np.random.default_rng(11)
    y, x = np.mgrid[0:256, 0:256]
    disc = np.where(np.hypot(x - 128, y - 128) < 110, 0.0, -1000.0)
    images = []
    for contrast in (40, 120, 240):
        insert = np.where(np.hypot(x - 128, y - 70) < 18, contrast, 0.0)
        noise = random.normal(0, 12, disc.shape)
        images.append(Image(np.round(disc + insert + noise), (0.8, 0.8), "CT"))
    return tuple(images)


@lru_cache(maxsize=1)
def frames() -> list[tuple[bytes, dict[str, Any]]]:
    """Return the samples and facts of each frame."""
    return [frame_samples(image) for image in _images()]


def viewer() -> dict[str, Any]:
    """Return what ``viewer.js`` reads."""
    regions = []
    for i, image in enumerate(_images()):
        for name, x, y in (("Centre", 128, 128), ("Insert", 128, 70), ("Edge", 210, 128)):
            patch = image.pixels[y - 9 : y + 10, x - 9 : x + 10]
            values = {
                "mean": quantity(float(patch.mean()), "HU", float(patch.std() / 19)),
                "SD": quantity(float(patch.std()), "HU"),
            }
            regions.append(Region(name, "circle", ((x, y), (x + 10, y)), i, values))
    return {
        "frames": [
            {"url": f"/style/frame/{i}.raw", "label": f"Slice {i + 1}", **facts}
            for i, (_, facts) in enumerate(frames())
        ],
        "window": first_window(_images()[0]) | {"centre": 20.0, "width": 400.0},
        "unit": "HU",
        "spacing_mm": [0.8, 0.8],
        "regions": region_rows(regions),
    }


class SampleForm(forms.Form):
    """A form with every kind of field."""

    serial = forms.CharField(label="Serial number", help_text="As on the plate of the generator.")
    kind = forms.ChoiceField(
        label="Kind of system", choices=[("dr", "General radiography"), ("ct", "CT")]
    )
    factor = forms.FloatField(label="KAP meter factor")
    phase = forms.ChoiceField(
        label="Purpose",
        choices=[("routine", "Routine"), ("after", "After repair")],
        widget=forms.RadioSelect,
    )
    told = forms.BooleanField(label="The site has been told", required=False)
    note = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    images = forms.FileField(label="Images", help_text="DICOM files, a folder, or a zip.")


class SampleFilter(forms.Form):
    """A small filter bar."""

    site = forms.ChoiceField(
        choices=[("", "All sites"), ("ald", "Aldermoor General"), ("quill", "St Quill")],
        required=False,
    )
    q = forms.CharField(label="Name or serial", required=False)


_SYSTEMS = [
    ("Room 3, CT", "Aldermoor General", "Slice thickness, 5 mm", "6.4 mm", "remedial", 7),
    ("Angio 2 (hybrid)", "St Quill", "Entrance air kerma rate", "118 mGy/min", "suspension", -11),
    ("DR 1", "Fenwick Cottage", "Survey complete, 41 of 44 tests", "", "not done", 0),
    ("Mammography van", "Holm Screening", "MGD, 53 mm", "2.31 mGy", "pass", 16),
]


@lru_cache(maxsize=1)
def _chart() -> Chart:
    values = [21.2, 21.1, 21.5, 21.6, 22.4, 26.9, 20.1, 21.0, None, 20.6, 21.3]
    points = [
        TrendPoint(
            dt.date(2023 + i // 4, 1 + 3 * (i % 4), 15),
            value,
            Verdict.REMEDIAL if value and value > 26 else Verdict.PASS,
            "/style/",
        )
        for i, value in enumerate(values)
    ]
    return trend(
        points,
        unit="mGy/min",
        title="Entrance air kerma rate (sample)",
        baseline=21.2,
        remedial=(None, 26.5),
        suspension=(None, 31.8),
        events=[Event(dt.date(2024, 6, 3), "tube changed", breaks=True)],
    )


def everything(request: HttpRequest) -> dict[str, Any]:
    """Return what the style page shows."""
    today = dt.date.today()
    now = dt.datetime(2026, 11, 23, 10, 42, tzinfo=dt.UTC)
    wrong = SampleForm({"serial": "", "factor": "1,06x", "kind": "dr"})
    rows = [
        dict(zip(("system", "site", "what", "value", "verdict"), r[:5], strict=True))
        | {"due": today + dt.timedelta(days=r[5])}
        for r in _SYSTEMS
    ]
    return {
        "crumbs": [("Equipment", "/"), ("St Quill", "/"), ("Theatre 5", "")],
        "lede": "Every component with sample data. Names, numbers and levels are made up.",
        "record": {"id": "SAMPLE-0001", "version": 3, "hash": "5f0c1d" * 10 + "a9b3"},
        "verdicts": list(Verdict),
        "states": [
            ("planned", "Planned"),
            ("progress", "In progress"),
            ("measured", "Measured"),
            ("drafted", "Drafted"),
            ("review", "In review"),
            ("issued", "Issued"),
        ],
        "rows": rows,
        "page": Paginator(range(412), 25).get_page(request.GET.get("page", 3)),
        "filter_form": SampleFilter(request.GET or None),
        "form": SampleForm(),
        "wrong": wrong,
        "grid": grid(),
        "timeline": _timeline(),
        "facts": [("Tube", "T-11820, Feb 2025"), ("Detector", "D-5520"), ("Software", None)],
        "signed": [
            {
                "meaning": "performed",
                "name": "R. Teasel",
                "capacity": "clinical technologist",
                "signed_at": now,
                "content_hash": "5f0c1d" * 10 + "a9b3",
            }
        ],
        "credentials": [
            {"name": "MPE", "state": "valid"},
            {"name": "RPA", "state": "expiring"},
            {"name": "LPA", "state": "expired"},
        ],
        "needed": ["checked"],
        "tabs": [("tests", "Tests", 44), ("images", "Images", 6), ("actions", "Actions")],
        "numbers": [
            Quantity(86.23, quantity(1, "kV").unit, 0.45),
            quantity(51.3, "uGy/mAs"),
            quantity(1.9e-5, "Gy.m2"),
            quantity(1.32, "1/mm", 0.01),
            quantity(-3.25, "HU"),
        ],
        "now": now,
        "today": today,
        "days": [today + dt.timedelta(days=n) for n in (-3, -1, 0, 1, 12)],
        "chart": _chart(),
        "problem": InputError(
            "“12 foo” is not a unit Kerma knows. Write mGy or kV.", code="unknown-unit"
        ),
    }


def _timeline() -> list[dict[str, Any]]:
    day = dt.date
    return [
        {
            "date": day(2026, 11, 23), "verdict": "suspension", "url": "/style/", "who": "M. Orris",
            "title": "High-dose fluoroscopy 118 mGy/min", "detail": "site told 10:42",
        },
        {
            "date": day(2026, 11, 19), "kind": "Dose alert", "title": "Peak skin dose 3.4 Gy",
            "who": "W. Aldous",
        },
        {"date": day(2026, 11, 2), "verdict": "pass", "title": "Level A, monthly, 6 tests"},
        {
            "date": day(2025, 2, 3), "kind": "Tube changed", "title": "T-9931 → T-11820",
            "detail": "output baselines reset",
        },
    ]  # fmt: skip
