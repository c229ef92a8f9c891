"""The formula language: every function against values worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import InputError, unit
from kerma.protocols.formula import FUNCTIONS, NotEnoughError, Shape, infer, parse_formula, run

LIST = [1.0, 2.0, 3.0, 4.0]
NAMES: Mapping[str, Any] = {
    "a": 6.0,
    "b": 4.0,
    "x": LIST,
    "y": [3.0, 5.0, 7.0, 9.0],
    "gap": [1.0, None, 3.0, 4.0],
    "none": [None, None, None, None],
    "one": [None, None, 2.0, None],
    "zero": 0.0,
    "al": [0.0, 1.0, 2.0, 3.0, 4.0],
    "k": [100.0, 80.0, 64.0, 51.2, 40.96],
    "absent": None,
}


def value(text: str) -> Any:
    return run(parse_formula(text), NAMES)


BY_HAND: list[tuple[str, float]] = [
    ("1 + 2 * 3", 7),
    ("2 ** 3 - 1", 7),
    ("-a + b", -2),
    ("+a", 6),
    ("(a - b) / b", 0.5),
    ("a > b", 1),
    ("a < b", 0),
    ("a >= 6", 1),
    ("a > 6", 0),
    ("0.1 + 0.2 <= 0.3", 1),  # equal within rounding is equal
    ("0.1 + 0.2 > 0.3", 0),
    ("mean(x)", 2.5),
    ("mean(a, b)", 5),
    ("mean(gap)", 8 / 3),
    ("median(x)", 2.5),
    ("median(1, 9, 2)", 2),
    ("sd(x)", math.sqrt(5 / 3)),
    ("cov(x)", math.sqrt(5 / 3) / 2.5),
    ("sd(3, 3, 3)", 0),
    ("max(x)", 4),
    ("min(x)", 1),
    ("max(a, x)", 6),
    ("sum(x)", 10),
    ("count(gap)", 3),
    ("first(gap)", 1),
    ("last(x)", 4),
    ("max_deviation(x)", 0.6),
    ("max_deviation(2, 2, 2)", 0),
    ("max_difference(x)", 1.5),
    ("range_over_mean(x)", 1.2),
    ("coefficient_of_linearity(x)", 1 / 3),
    ("coefficient_of_linearity(4, 6)", 0.2),
    ("abs(b - a)", 2),
    ("sqrt(b)", 2),
    ("ratio(a, b)", 1.5),
    ("deviation(a, b)", 0.5),
    ("inverse_square(8, 2, 4)", 2),
    ("mean(inverse_square(x, 2, 1))", 10),
    ("fit_slope(x, y)", 2),
    ("fit_intercept(x, y)", 1),
    ("fit_r2(x, y)", 1),
    ("fit_r2(x, list(1, 3, 2, 4))", 0.64),
    ("interpolate(x, y, 2.5)", 6),
    ("interpolate(x, y, 4)", 9),
    ("log_interpolate(al, k, 64)", 2),
    ("half_value_layer(al, k)", math.log(2) / math.log(1.25)),
    ("sum(x * 2)", 20),
    ("sum(x + y)", 34),
    ("sum(gap * y)", 3 + 21 + 36),
    ('q(80, "kV")', 80_000),
    ('q(2.5, "mm Al")', 0.0025),
]


@pytest.mark.parametrize(("text", "expected"), BY_HAND)
def test_by_hand(text: str, expected: float) -> None:
    assert value(text) == pytest.approx(expected, rel=1e-12)


def test_every_function_is_worked_out_above() -> None:
    worked = " ".join(text for text, _ in BY_HAND)
    assert [name for name in FUNCTIONS if f"{name}(" not in worked] == []


def test_hvl_does_not_depend_on_the_order_of_the_filters() -> None:
    names = {"t": [3.0, 0.0, 1.0, 2.0], "k": [51.2, 100.0, 80.0, 64.0]}
    formula = parse_formula("half_value_layer(t, k)")
    with pytest.raises(NotEnoughError):
        run(formula, names)  # never fell to half
    names = {"t": [4.0, 0.0, 1.0, 2.0, 3.0], "k": [40.96, 100.0, 80.0, 64.0, 51.2]}
    assert run(formula, names) == pytest.approx(math.log(2) / math.log(1.25))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mean(none)", "at least 1"),
        ("cov(one)", "at least 2"),
        ("sd(one)", "at least 2"),
        ("max_deviation(one)", "at least 2"),
        ("coefficient_of_linearity(one)", "at least 2"),
        ("fit_r2(gap, one)", "at least 3"),
        ("a / zero", "divides by zero"),
        ("zero ** -1", "divides by zero"),
        ("cov(-1, 1)", "divides by zero"),
        ("deviation(a, zero)", "divides by zero"),
        ("sqrt(b - a)", "negative"),
        ("interpolate(x, y, 9)", "enclose"),
        ("half_value_layer(x, y)", "without filter"),
        ("log_interpolate(al, k, 1)", "enclose"),
        ("log_interpolate(al, k, zero)", "above zero"),
        ("fit_slope(list(2, 2), list(1, 3))", "every x"),
        ("fit_r2(list(1, 2, 3), list(5, 5, 5))", "every y"),
        ("absent + 1", "missing"),
        ("absent > 1", "missing"),
    ],
)
def test_too_little_to_work_with_is_said(text: str, says: str) -> None:
    with pytest.raises(NotEnoughError) as error:
        value(text)
    assert says in error.value.message


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "kv.__class__.__mro__",
        "x[0]",
        "[i for i in x]",
        "lambda: 1",
        "'text'",
        "True",
        "a if b else 1",
        "a and b",
        "not a",
        "a == b",
        "1 < a < 2",
        "mean(v=1)",
        "mean(*x)",
        "a // b",
        "a % b",
        "1j",
        "a; b",
        "a = 1",
        "",
        "q(a, 'kV')",
        "q(1, kV)",
        "q(True, 'kV')",
        "f'{a}'",
        "(a := 1)",
        "-" * 60 + "1",
        "1" + "+1" * 300,
    ],
)
def test_nothing_else_gets_in(text: str) -> None:
    with pytest.raises(InputError):
        parse_formula(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("maen(x)", "Did you mean mean?"),
        ("deviation(a)", "takes 2 arguments"),
        ("mean()", "takes 1 or more"),
        ('q(80, "kW h of beans")', "not a unit"),
    ],
)
def test_a_mistake_is_explained(text: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        parse_formula(text)
    assert says in error.value.message


def test_a_formula_is_fixed_by_its_hash() -> None:
    one, same, other = parse_formula("mean(x)"), parse_formula("mean(x) "), parse_formula("max(x)")
    assert one.sha256 == same.sha256 != other.sha256
    assert one.version == "1"
    assert parse_formula("ratio(a.b, c) + d").names == {"a.b", "c", "d"}


SHAPES = {
    "k": Shape.of(unit("uGy"), 3),
    "kv": Shape.of(unit("kV"), 3),
    "set_kv": Shape.of(unit("kV")),
    "mas": Shape.of(unit("mAs")),
    "d": Shape.of(unit("mm")),
    "t": Shape.of(unit("ms"), 4),
    "al": Shape.of(unit("mm Al"), 3),
    "loose": Shape(None),
}


@pytest.mark.parametrize(
    ("text", "of"),
    [
        ("mean(k) / mas", "uGy/mAs"),
        ("mean(k) / mas * ratio(d, q(1, 'm'))**2", "uGy/mAs"),
        ("mean(k) * d**2 / mas", "uGy.m2/mAs"),
        ("cov(kv)", "%"),
        ("mean(kv) - set_kv", "kV"),
        ("deviation(mean(kv), set_kv)", "%"),
        ("half_value_layer(al, k)", "mm Al"),
        ("fit_slope(kv, k)", "uGy/kV"),
        ("sqrt(d * d)", "mm"),
        ("count(kv)", "1"),
        ("mean(t) >= 5 * (max(t) - min(t))", "1"),
    ],
)
def test_units_are_worked_out_before_any_reading(text: str, of: str) -> None:
    assert infer(parse_formula(text), SHAPES).dimensions == unit(of).dimensions


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mean(kv) + mean(k)", "formula-unit"),
        ("mean(kv, k)", "formula-unit"),
        ("mean(kv) > mas", "formula-unit"),
        ("set_kv + 1", "formula-unit"),
        ("deviation(set_kv, mas)", "formula-unit"),
        ("sqrt(d)", "formula-unit"),
        ("loose * 2", "formula-unit"),
        ("inverse_square(mean(k), d, mas)", "formula-unit"),
        ("kv + t", "formula-unit"),
        ("k * t", "formula-length"),
        ("fit_slope(kv, t)", "formula-length"),
        ("fit_slope(set_kv, mas)", "formula-length"),
        ("kv > set_kv", "formula-length"),
        ("cov(set_kv)", "too-few-values"),
        ("fit_r2(list(d, d), list(mas, mas))", "too-few-values"),
        ("mean(kv_81)", "unknown-name"),
        ("2 ** mas", "formula-syntax"),
    ],
)
def test_what_cannot_be_right_is_refused_before_any_reading(text: str, code: str) -> None:
    with pytest.raises(InputError) as error:
        infer(parse_formula(text), SHAPES)
    assert error.value.code == code


finite = st.floats(0.1, 1e6)


@given(st.lists(finite, min_size=2, max_size=8), st.floats(1e-6, 1e6))
def test_relative_figures_do_not_depend_on_the_unit(v: list[float], scale: float) -> None:
    for name in ("cov", "max_deviation", "range_over_mean", "coefficient_of_linearity"):
        formula = parse_formula(f"{name}(x)")
        plain = run(formula, {"x": v})
        assert run(formula, {"x": [n * scale for n in v]}) == pytest.approx(
            plain, rel=1e-6, abs=1e-9
        )


@given(st.lists(finite, min_size=2, max_size=8))
def test_spread_is_never_negative_and_the_mean_lies_within(v: list[float]) -> None:
    names = {"x": v}
    assert run(parse_formula("sd(x)"), names) >= 0
    low, mean, high = (run(parse_formula(f"{f}(x)"), names) for f in ("min", "mean", "max"))
    assert low <= mean * (1 + 1e-12)
    assert mean <= high * (1 + 1e-12)
