"""Numbers, dates, chips and addresses as a person meets them."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.core.paginator import Paginator
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory

from kerma.core import Image, Verdict, quantity
from kerma.service.web import nav
from kerma.service.web.components import numbers
from kerma.service.web.viewer_data import frame_samples


def rendered(text: str, address: str = "/", **context: Any) -> str:
    request = RequestFactory().get(address)
    return Template(text).render(Context({"request": request, **context}))


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u2009", " ")


TODAY = dt.date(2026, 11, 23)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-3, "3 days overdue"),
        (-1, "1 day overdue"),
        (0, "today"),
        (1, "tomorrow"),
        (12, "in 12 days"),
    ],
)
def test_how_far_off_a_day_is(days: int, words: str) -> None:
    assert numbers.due(TODAY + dt.timedelta(days=days), TODAY) == words


def test_a_missing_value_is_a_dash_never_zero_or_nothing() -> None:
    for shown in (numbers.quantity(None), numbers.number(None), numbers.day(None)):
        assert shown == "–"
    assert numbers.quantity(quantity(0, "mGy")) != "–"


def test_a_quantity_is_no_finer_than_its_uncertainty() -> None:
    """U = 2 × 0.45 = 0.90: two significant digits of U set the decimals (JCGM 100, 7.2.6)."""
    shown = plain(numbers.quantity(quantity(86.2349, "kV", 0.45)))
    assert shown == "86.23 ± 0.90 kV"


def test_a_stored_copy_reads_like_the_quantity_itself() -> None:
    value = quantity(51.3, "uGy/mAs", 0.2)
    assert numbers.quantity(value.as_dict()) == numbers.quantity(value)
    assert "µGy/mAs" in numbers.quantity(value)


@pytest.mark.parametrize(("value", "shown"), [(14, "+14"), (-3.2, "−3.2"), (0, "0"), (None, "–")])
def test_a_difference_carries_its_sign(value: float | None, shown: str) -> None:
    assert numbers.signed(value) == shown


def test_a_moment_names_the_zone_of_its_season() -> None:
    winter = dt.datetime(2026, 11, 23, 10, 42, tzinfo=dt.UTC)
    summer = dt.datetime(2026, 7, 23, 10, 42, tzinfo=ZoneInfo("Europe/London"))
    assert plain(numbers.moment(winter)) == "23 Nov 2026, 10:42 GMT"
    assert plain(numbers.moment(summer)) == "23 Jul 2026, 10:42 BST"


@pytest.mark.parametrize("value", list(Verdict))
def test_every_verdict_has_colour_shape_and_word(value: Verdict) -> None:
    chip = rendered("{% verdict v %}", v=str(value))
    assert "<svg" in chip
    assert str(value) in chip.lower()


def test_a_missing_verdict_is_not_done_and_an_unknown_one_is_an_error() -> None:
    assert "Not done" in rendered("{% verdict v %}", v=None)
    with pytest.raises(ValueError, match="excellent"):
        rendered("{% verdict 'excellent' %}")


def test_sorting_turns_round_and_keeps_the_filters() -> None:
    head = rendered('{% th "Due" key="due" %}', "/x/?site=quill&sort=due&page=4")
    assert 'aria-sort="ascending"' in head
    assert "site=quill" in head
    assert "sort=-due" in head
    assert "page" not in head
    assert "aria-sort" not in rendered('{% th "Due" key="due" %}', "/x/?sort=site")


def test_the_pager_keeps_the_filters() -> None:
    page = Paginator(range(100), 10).get_page(3)
    shown = rendered("{% pager page %}", "/x/?site=quill&page=3", page=page)
    assert "21–30 of 100" in shown
    assert "site=quill&amp;page=4" in shown


@pytest.mark.parametrize(
    "text",
    ["{% badge t %}", "{% empty t %}", "{% panel title=t %}x{% endpanel %}", "{% stat 1 t %}"],
)
def test_text_is_escaped(text: str) -> None:
    assert "<script" not in rendered(text, t="<script>alert(1)</script>")


def test_a_stepper_refuses_a_state_it_does_not_know() -> None:
    with pytest.raises((ValueError, TemplateSyntaxError)):
        rendered("{% stepper states 'lost' %}", states=[("a", "A")])


def test_the_rail_marks_the_noun_of_an_address() -> None:
    assert nav.current("/testing/12/") == "testing"
    assert nav.current("/instruments/3/") == "equipment"
    assert nav.current("/") == "today"
    assert nav.current("/nowhere/") == ""


@pytest.mark.parametrize("scale", [1.0, 0.0173])
def test_a_frame_comes_back_from_its_samples(scale: float) -> None:
    """Whole numbers exactly; others to half of 1/65535 of the span."""
    pixels = np.arange(-1000, 1000, dtype=float).reshape(40, 50) * scale
    data, facts = frame_samples(Image(pixels, None))
    back = np.frombuffer(data, "<u2").reshape(facts["rows"], facts["columns"])
    error = np.abs(back * facts["slope"] + facts["intercept"] - pixels).max()
    assert error <= (0 if scale == 1.0 else 0.5 * np.ptp(pixels) / 65535 * (1 + 1e-9))
