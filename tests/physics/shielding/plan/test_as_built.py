"""Measured transmission against the design's."""

from __future__ import annotations

import math

import pytest

from kerma.core import InputError, quantity
from kerma.physics.shielding import Beam, curve
from kerma.physics.shielding.layers import layered_log
from kerma.physics.shielding.plan import Layer
from kerma.physics.shielding.plan.as_built import as_built

LEAD_100 = Beam("primary", kv=100.0)


def _readings(transmission: float, u: float = 0.02) -> dict[str, object]:
    return {"without": quantity(500.0, "uGy", 500.0 * u),
            "behind": quantity(500.0 * transmission, "uGy", 500.0 * transmission * u)}  # fmt: skip


@pytest.mark.parametrize(
    ("mm", "verdict"), [(2.0, "agrees"), (1.99, "agrees"), (1.5, "less"), (2.5, "more")]
)
def test_measured_against_designed(mm: float, verdict: str) -> None:
    passed = curve("lead", LEAD_100).transmission(mm)
    made = as_built([Layer("lead", 1.8), Layer("lead", 0.2)], LEAD_100, **_readings(passed))  # type: ignore[arg-type]
    assert made.verdict == verdict
    assert made.measured.value.value == pytest.approx(passed)
    assert made.measured.value.u == pytest.approx(passed * math.hypot(0.02, 0.02), rel=1e-3)
    assert made.designed.value.value == pytest.approx(curve("lead", LEAD_100).transmission(2.0))
    assert made.thickness is not None
    assert made.thickness.value.value == pytest.approx(mm, rel=1e-6)
    slope = (math.log(curve("lead", LEAD_100).transmission(mm - 1e-4)) - math.log(passed)) / 1e-4
    assert made.thickness.value.u == pytest.approx(math.hypot(0.02, 0.02) / slope, rel=5e-3)
    assert made.as_dict()["verdict"] == verdict
    assert f"{passed:.2g}"[:3] in made.why or "k = 2" in made.why


def test_the_comparison_is_by_the_expanded_uncertainty() -> None:
    designed = curve("lead", LEAD_100).transmission(2.0)
    for beyond, verdict in ((1.99, "agrees"), (2.01, "less"), (-2.01, "more")):
        u = 0.03 * designed
        made = as_built([Layer("lead", 2.0)], LEAD_100, without=quantity(1.0, "mGy", 0.0),
                        behind=quantity(designed + beyond * u, "mGy", u))  # fmt: skip
        assert made.verdict == verdict


def test_layers_as_built_and_readings_of_another_unit() -> None:
    stack = [Layer("concrete", 100.0), Layer("lead", 1.0)]
    curves = [curve(v.material, LEAD_100) for v in stack]
    passed = math.exp(layered_log(curves, [100.0, 1.0]))
    made = as_built(stack, LEAD_100, without=quantity(5.0, "mGy", 0.05),
                    behind=quantity(5000.0 * passed, "uGy", 50.0 * passed))  # fmt: skip
    assert made.verdict == "agrees"
    assert made.measured.value.value == pytest.approx(passed)


@pytest.mark.parametrize(
    ("layers", "words", "code"),
    [([], {}, "no-layers"), ([Layer("lead", 1.0)], {"behind": quantity(1, "uGy")},
                             "no-uncertainty"),
     ([Layer("lead", 1.0)], {"behind": quantity(1, "kV", 1)}, "wrong-unit"),
     ([Layer("lead", 1.0)], {"behind": quantity(0, "uGy", 1)}, "not-above-zero"),
     ([Layer("straw", 1.0)], {}, "unknown-material")],
)  # fmt: skip
def test_as_built_refused(layers: list[Layer], words: dict[str, object], code: str) -> None:
    given = {**_readings(0.01), **words}
    with pytest.raises(InputError) as refused:
        as_built(layers, LEAD_100, **given)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_more_behind_than_before_has_no_thickness() -> None:
    made = as_built([Layer("lead", 1.0)], LEAD_100, **_readings(1.2))  # type: ignore[arg-type]
    assert made.thickness is None
    assert made.verdict == "less"
