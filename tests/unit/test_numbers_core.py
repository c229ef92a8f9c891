"""Numbers a physicist signs for: boundaries, zero references, tables, and sentences."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import (
    Criterion,
    InputError,
    Level,
    Quantity,
    Source,
    Verdict,
    judge,
    parse_quantity,
    quantity,
    unit,
)  # fmt: skip
from kerma.core.quantity import format_number
from kerma.reference.criteria import criterion

SOURCE = Source("local/test", "a test", "seen")


def level(spec: object, level_class: str = "remedial") -> Level:
    return Level("t", level_class, criterion(spec), SOURCE)


# Exact by definition (SI; 365.25 days a year): sent, wanted, factor.
CONVERSIONS = [
    ("cGy.cm2", "Gy.m2", 1e-6), ("dGy.cm2", "Gy.m2", 1e-5), ("mGy.cm2", "Gy.m2", 1e-7),
    ("uGy.m2", "Gy.cm2", 1e-2), ("mGy.cm", "Gy.m", 1e-5), ("1/mm", "lp/cm", 10), ("%", "1", 0.01),
    ("rad", "deg", 57.29577951308232), ("h", "min", 60), ("mGy/h", "uGy/s", 1 / 3.6),
    ("uGy/s", "mGy/min", 0.06), ("mSv/y", "uSv/h", 1000 / 8766), ("uGy/mAs", "mGy/As", 1),
    ("mAs", "mC", 1), ("mA.s", "mAs", 1), ("g/cm2", "kg/m2", 10), ("HU^2.mm^2", "HU2.m2", 1e-6),
]  # fmt: skip
DIFFERENT = [
    ("Gy", "Sv"), ("HU", "1"), ("PV", "1"), ("mm Al", "mm"), ("mm Al", "mm Cu"), ("lx", "cd/m2"),
    ("mGy.cm", "mGy.cm2"), ("kV", "keV"), ("degC", "deg"), ("mGy", "mGy/min"), ("pixel", "mm"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "wanted", "factor"), CONVERSIONS)
def test_units_convert(sent: str, wanted: str, factor: float) -> None:
    assert quantity(1, sent).to(wanted).value == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_units_that_are_not_alike(one: str, other: str) -> None:
    assert not unit(one).same_kind(unit(other))


@pytest.mark.parametrize("symbol", ["MGy", "kv", "mas", "Mm", "hPa", "R", "mR", "sec", "mm al"])
def test_spellings_that_are_no_unit(symbol: str) -> None:
    with pytest.raises(InputError, match="not a unit"):
        unit(symbol)


def test_a_percentage_of_nothing_is_not_judged() -> None:
    for value in (0.0, 1.0):
        found = judge(
            quantity(value, "HU"),
            [level({"percent": 5, "of": "baseline"})],
            baseline=quantity(0, "HU"),
        )
        assert found.verdict is Verdict.NOT_ENOUGH_DATA
        assert "0 HU" in found.reason


def test_a_percentage_of_a_negative_reference_keeps_its_direction() -> None:
    spec = level({"percent": [-10, 20], "of": "baseline"})
    low, high = spec.criterion.bounds(
        unit_of=quantity(0, "HU"), context={"baseline": quantity(-100, "HU")}
    )
    assert low is not None
    assert high is not None
    assert (low.value, high.value) == pytest.approx((-110, -80))


@pytest.mark.parametrize("noise", [-1.1e-16, 1.1e-16, -5.5e-17])
def test_noise_about_a_bound_of_zero_is_no_breach(noise: float) -> None:
    # 0.3 - 0.3 is 0 and the value is 0 but for the last bit of what it was worked out from.
    def verdict(value: float, spec: object) -> Verdict:
        baseline = quantity(0.3, "HU")
        return judge(quantity(value, "HU"), [level(spec)], baseline=baseline).verdict

    for spec in ({"deviation": "0.3 HU", "of": "baseline"}, {"percent": 100, "of": "baseline"}):
        assert verdict(noise, spec) is Verdict.PASS
        assert verdict(-1e-6, spec) is Verdict.REMEDIAL


TABLE = {"lookup": "min", "by": "kv", "points": [["50 kV", "1.8 mm Al"], ["60 kV", "2.2 mm Al"]]}
STAIRS = {
    "lookup": "min", "by": "dose", "steps": True,
    "points": [["0 uGy", "2.4 1/mm"], ["5 uGy", "2.4 1/mm"], ["10 uGy", "2.8 1/mm"]],
}  # fmt: skip


@pytest.mark.parametrize(
    ("x", "bound"),
    [
        (quantity(50, "kV"), 1.8),
        (quantity(49.99999999999999, "kV"), 1.8),
        (quantity(0.06 * (1 + 1e-15), "MV"), 2.2),
        (quantity(55, "kV"), 2.0),
    ],
)
def test_a_table_reaches_its_own_ends(x: Quantity, bound: float) -> None:
    context = {"kv": x}
    levels = [level(TABLE)]
    judged = judge(quantity(bound, "mm Al"), levels, context=context)
    assert judged.verdict is Verdict.PASS
    judged = judge(quantity(bound - 1e-3, "mm Al"), levels, context=context)
    assert judged.verdict is Verdict.REMEDIAL


def test_a_table_is_not_extrapolated() -> None:
    for kv in (49.9, 60.1):
        judged = judge(quantity(9, "mm Al"), [level(TABLE)], context={"kv": quantity(kv, "kV")})
        assert judged.verdict is Verdict.NOT_ENOUGH_DATA


def test_stairs_take_the_step_at_or_above() -> None:
    # 0.01 mGy is 10.000000000000002 uGy in floating point.
    typed = quantity(0.01, "mGy").to("uGy")
    wanted = {0.0: 2.4, 5.0: 2.4, 5.1: 2.8, 10.0: 2.8, typed.value: 2.8}
    for dose, bound in wanted.items():
        low, _ = level(STAIRS).criterion.bounds(
            unit_of=quantity(1, "1/mm"), context={"dose": quantity(dose, "uGy")}
        )
        assert low is not None
        assert low.value == bound


# A number as a sentence prints it.
_NUMBER = re.compile(r"[−-]?\d+(?:\.\d+)?")


def numbers(text: str) -> list[float]:
    return [float(n.replace("−", "-")) for n in _NUMBER.findall(text)]


def test_a_breach_is_visible_in_its_sentence() -> None:
    found = judge(quantity(5.00004, "HU"), [level({"max": "5 HU"})])
    assert found.verdict is Verdict.REMEDIAL
    shown, bound = numbers(found.reason)
    assert shown > bound == 5


def test_a_coarse_uncertainty_does_not_hide_a_breach() -> None:
    # U = 1 kV would show 63.0 kV, which is no breach of 63 kV; and 5.0 % none of 5 %.
    found = judge(
        quantity(63.02, "kV", 0.5),
        [level({"percent": 5, "of": "nominal"})],
        nominal=quantity(60, "kV"),
    )
    assert found.verdict is Verdict.REMEDIAL
    shown, shift, percent, nominal, low, high = numbers(found.reason)
    assert shown > high == 63
    assert shift > 3
    assert percent > 5
    assert (nominal, low) == (60, 57)


@given(
    value=st.floats(0.5, 200),
    u=st.one_of(st.none(), st.floats(1e-3, 50)),
    bound=st.floats(0.5, 200).map(lambda b: float(f"{b:.3g}")),
    side=st.sampled_from(["max", "min"]),
)
def test_no_sentence_contradicts_its_verdict(
    value: float, u: float | None, bound: float, side: str
) -> None:
    found = judge(quantity(value, "mm", u), [level({side: f"{bound:.3g} mm"})])
    shown, limit = numbers(found.reason)
    if abs(value / bound - 1) < 1e-6:
        return  # apart by less than anybody would print
    outside = shown > limit if side == "max" else shown < limit
    assert outside == found.verdict.exceeded


def test_a_strict_bound_is_said_to_be_strict() -> None:
    found = judge(quantity(10, "uGy"), [level({"max": "10 uGy", "strict": True}, "suspension")])
    assert found.verdict is Verdict.SUSPENSION
    assert "less than 10 uGy" in found.reason
    found = judge(quantity(1, "mm"), [level({"min": "1 mm", "strict": True})])
    assert "more than 1 mm" in found.reason


@pytest.mark.parametrize("value", [4.2e-9, -1.5e-10])
def test_a_small_number_is_not_shown_as_zero(value: float) -> None:
    assert float(format_number(value).replace("−", "-")) == pytest.approx(value)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"deviation": ["0.03 mm Al", None], "of": "nominal"}, "≥ +0.03 mm Al from nominal"),
        ({"percent": [-20, None], "of": "baseline"}, "≥ −20 % of baseline"),
        ({"percent": [None, 50], "of": "baseline"}, "≤ +50 % of baseline"),
        ({"percent": 5, "of": "nominal"}, "±5 % of nominal"),
        ({"percent": [-10, 20], "of": "nominal"}, "−10 to +20 % of nominal"),
    ],
)
def test_a_level_says_which_side_it_bounds(spec: object, text: str) -> None:
    found: Criterion = criterion(spec)
    assert found.text() == text


@pytest.mark.parametrize(("shown", "near"), [(1.24, True), (1.26, True), (1.10, False)])
def test_a_measured_reference_brings_its_uncertainty_to_the_limit(shown: float, near: bool) -> None:
    # A KAP meter's display against a measured KAP with U = 6 % (k = 2), at ±25 %: the bound itself
    # is known to 1.25 x 6 % = 7.5 % of the reference.
    found = judge(
        quantity(shown, "Gy.cm2"),
        [level({"percent": 25, "of": "nominal"})],
        nominal=quantity(1.0, "Gy.cm2", 0.03),
    )
    assert found.near_limit is near


def test_uncertainties_of_value_and_reference_add_in_quadrature() -> None:
    # U = 2 x hypot(0.03, 0.04) = 0.10 on both sides of a bound 0.2 above the reference.
    for value, near in ((1.29, True), (1.31, False)):
        found = judge(
            quantity(value, "mm", 0.04),
            [level({"deviation": "0.2 mm", "of": "nominal"})],
            nominal=quantity(1.0, "mm", 0.03),
        )
        assert found.near_limit is near


@pytest.mark.parametrize("text", ["6_0 kV", "1,5 mm", "60kV", "inf kV", "0x10 kV"])
def test_a_slip_of_the_pen_is_no_number(text: str) -> None:
    with pytest.raises(InputError):
        parse_quantity(text)
