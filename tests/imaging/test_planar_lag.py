"""Lag and ghosting with a known residue (methods, case 16)."""

from __future__ import annotations

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, u, value

NAME = "planar-lag"
P, SHAPE, SIGNAL, NOISE = 0.2, (400, 500), 4000.0, 10.0
EXPOSED, REFERENCE = [300, 100, 450, 300], [50, 100, 200, 300]


def plate() -> np.ndarray:
    """Return the transmission of a plate over the left of the field: 2 % behind it."""
    columns = np.indices(SHAPE)[1]
    return np.where(columns < 250, 0.02, 1.0)


def dark(seed: int) -> np.ndarray:
    pattern = 100 + 0.01 * np.indices(SHAPE)[1]  # an offset that differs between the regions
    return pattern + np.random.default_rng(seed).normal(0, NOISE, SHAPE)


def heel() -> np.ndarray:
    return 1 + 0.04 * (np.indices(SHAPE)[1] / SHAPE[1] - 0.5)


def sequence(
    lam: dict[float, float] | None = None,
    gamma: dict[float, float] | None = None,
    seed: int = 0,
) -> tuple[list[np.ndarray], list[str], list[float]]:
    """Render exposure, then dark images with lag `lam` and flats with it and gain change `gamma`.

    Keys are delays in seconds. A flat's lag is that of the dark image of the same delay.
    """
    lam, gamma = lam or {}, gamma or {}
    first = SIGNAL * plate() * heel()
    made = [dark(seed), dark(seed + 1) + 0.5 * SIGNAL * heel(), dark(seed + 2) + first]
    roles, delays = ["before-dark", "before-flat", "exposure"], [0.0, 0.0, 0.0]
    for i, (delay, share) in enumerate(lam.items()):
        made.append(dark(seed + 10 + i) + share * first)
        roles.append("dark")
        delays.append(delay)
    for i, (delay, change) in enumerate(gamma.items()):
        new = 0.5 * SIGNAL * heel() * (1 + change * (plate() == 1.0))
        made.append(dark(seed + 50 + i) + new + lam.get(delay, 0.0) * first)
        roles.append("flat")
        delays.append(delay)
    return made, roles, delays


def measure(
    made: tuple[list[np.ndarray], list[str], list[float]], **parameters: object
) -> Analysis:
    pixels, roles, delays = made
    images = [planar.as_image(p, P) for p in pixels]
    return imaging.analyse(NAME, images, roles=roles, delays_s=delays, **parameters)


@pytest.mark.parametrize("lam", [0.05, 0.01])
def test_case_16_frame_two_is_new_plus_lambda_times_frame_one(lam: float) -> None:
    found = measure(sequence({1.0: lam}))
    assert value(found, "lag") == pytest.approx(100 * lam, rel=0.02)
    assert value(found, "lag") == pytest.approx(100 * lam, abs=3 * u(found, "lag"))
    assert value(found, "lag_at_1") == value(found, "lag")


def test_case_16_under_a_uniform_second_exposure() -> None:
    lam = 0.05
    found = measure(sequence({1.0: lam}, {1.0: 0.0}))
    assert value(found, "residual_at_1") == pytest.approx(100 * lam, rel=0.02)
    # ghost is seen against the second exposure, half as large: twice the share
    assert value(found, "ghost") == pytest.approx(100 * lam / 0.5, rel=0.08)
    assert abs(value(found, "gain_change_at_1")) < 3 * u(found, "gain_change_at_1")


def test_a_change_of_gain_is_told_from_additive_lag() -> None:
    found = measure(sequence({1.0: 0.0}, {1.0: 0.03}))
    assert abs(value(found, "lag")) < 3 * u(found, "lag")
    # the offset of 100 in 2100 does not change with gain
    assert value(found, "gain_change_at_1") == pytest.approx(3.0 * 2000 / 2100, rel=0.02)
    both = measure(sequence({1.0: 0.02}, {1.0: 0.03}))
    assert value(both, "ghost") > 6
    assert value(both, "gain_change_at_1") == pytest.approx(3.0 * 2000 / 2100, rel=0.05)


def test_the_decay_is_a_curve_over_the_delays() -> None:
    truth = {d: 0.04 * np.exp(-d / 2) for d in (0.5, 1.0, 2.0, 4.0)}
    shuffled = {d: truth[d] for d in (2.0, 0.5, 4.0, 1.0)}
    found = measure(sequence(shuffled))
    x, y, sd = curve(found, "Lag")
    assert list(x) == [0.5, 1.0, 2.0, 4.0]
    assert y == pytest.approx([100 * truth[d] for d in x], abs=3.5 * sd.max())
    assert value(found, "lag") == pytest.approx(value(found, "lag_at_0_5"))


def test_gain_change_needs_dark_images_around_its_delay() -> None:
    made = sequence({1.0: 0.04, 3.0: 0.02}, {2.0: 0.0, 5.0: 0.0})
    found = measure(made)
    assert "gain_change_at_2" in found.values
    assert "gain_change_at_5" not in found.values
    assert value(found, "gain_change_at_2") < -2  # what was not there is taken off: 3 % of 4000


def test_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(0, 6000, 100):
        found = measure(sequence({1.0: 0.01}, seed=seed), exposed=EXPOSED, reference=REFERENCE)
        z.append((value(found, "lag") - 1.0) / u(found, "lag"))
    assert (np.abs(z) <= 2).mean() >= 0.90
    assert 0.6 <= np.std(z) <= 1.3


def test_regions_are_found_on_both_sides_of_the_plate() -> None:
    found = measure(sequence({1.0: 0.05}))
    for name, low, high in (("Exposed", 250, 500), ("Reference", 0, 250)):
        (x0, y0), (x1, y1) = next(r for r in found.regions if r.name == name).points
        assert low < x0 < x1 < high
        assert x1 - x0 == y1 - y0 > 100
    assert len(found.regions) == 2 * 4


def test_without_images_from_before_the_result_is_warned_of() -> None:
    """Negative control: the offset and the heel then count as lag and ghost."""
    pixels, roles, delays = sequence({1.0: 0.0}, {1.0: 0.0})
    found = measure((pixels[2:], roles[2:], delays[2:]))
    assert any("before-dark" in w for w in found.warnings)
    assert any("before-flat" in w for w in found.warnings)
    assert value(found, "ghost") > 1.5
    assert value(found, "lag") > 5 * u(found, "lag")


def test_linearised_images_and_gain_do_not_change_the_lag() -> None:
    made = sequence({1.0: 0.05})
    one = measure(made)
    two = measure(made, stp={"model": "linear", "a": 100.0, "b": 500.0})
    assert value(two, "lag") == pytest.approx(value(one, "lag"), rel=1e-9)
    assert two.facts["unit"] == "uGy"


def test_the_same_images_give_the_same_bits() -> None:
    assert measure(sequence({1.0: 0.05})).as_dict() == measure(sequence({1.0: 0.05})).as_dict()


def test_refusals() -> None:
    pixels, roles, delays = sequence({1.0: 0.05})
    images = [planar.as_image(p, P) for p in pixels]

    def no(code: str, images: list = images, **more: object) -> None:
        refused(NAME, images, code, **{"roles": roles, "delays_s": delays, **more})

    no("bad-parameter", roles=["dark"] * 4)
    no("bad-parameter", roles=["exposure", "exposure", "dark", "dark"])
    no("bad-parameter", roles=["exposure", "before-dark", "before-flat", "before-dark"])
    no("bad-parameter", roles=["exposure", "dark", "late", "dark"])
    no("bad-parameter", roles=roles[1:], delays_s=delays[1:])
    no("bad-parameter", delays_s=[0.0, 0.0, 0.0, 0.0])
    no("bad-parameter", roles=["exposure", "dark", "dark", "dark"], delays_s=[0, 1.0, 1.0, 2.0])
    no("same-frame", [images[0], images[0], *images[2:]])
    no("region-outside-image", exposed=[300, 100, 700, 300])
    no("no-contrast", exposed=[50, 100, 100, 300], reference=[120, 100, 170, 300])
    even = [planar.as_image(dark(i), P) for i in range(4)]
    no("no-contrast", even, exposed=EXPOSED, reference=REFERENCE)
    bar = np.where(np.abs(np.indices(SHAPE)[1] - 250) < 8, 50.0, SIGNAL)
    thin = [planar.as_image(dark(i) + bar, P) for i in range(4)]
    no("no-object", thin)
    refused(NAME, images, "missing-parameter", roles=roles)
    shown = planar.as_image(pixels[3], P, processing="presentation")
    no("processed-image", [*images[:3], shown])
