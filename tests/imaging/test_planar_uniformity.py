"""Uniformity of flat fields with a planted slope and disc (methods, case 15)."""

from __future__ import annotations

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis
from kerma.simulate import planar
from tests.imaging.helpers import refused, u, value

NAME = "planar-uniformity"
P, SHAPE = 0.3, (800, 1000)


def measure(pixels: np.ndarray, **parameters: object) -> Analysis:
    return imaging.analyse(NAME, [planar.as_image(pixels, P)], **parameters)


def sloped(percent_per_cm: float, noise: float = 0.0, seed: int = 1) -> np.ndarray:
    return planar.flat_field(
        SHAPE, mean=1000, noise=noise, seed=seed, pixel_mm=P,
        gradient_percent_per_cm=(percent_per_cm, 0.0),
    )  # fmt: skip


@pytest.mark.parametrize("slope", [0.05, 0.4, -0.8])
def test_case_15_a_planted_slope(slope: float) -> None:
    found = measure(sloped(slope))
    field_cm = (1000 - 2 * 34) * P / 10  # 10 mm margins of whole pixels
    expected = abs(slope) * field_cm / 4  # the quadrants' centres
    assert value(found, "max_deviation") == pytest.approx(expected, abs=0.05)
    assert value(found, "range") == pytest.approx(2 * expected, abs=0.05)
    assert value(found, "max_deviation_from_centre") == pytest.approx(expected, abs=0.05)
    assert value(found, "grid_neighbour_difference") == pytest.approx(abs(slope) * 1.0, rel=0.06)
    assert value(found, "mean") == pytest.approx(1000, abs=0.5)


def test_case_15_a_planted_disc() -> None:
    disc = planar.with_disc(sloped(0.0), x=700.0, y=300.0, radius_px=60.0, change=0.01)
    found = measure(disc)
    assert value(found, "grid_max_deviation") == pytest.approx(1.0, abs=0.05)
    assert value(found, "grid_range") == pytest.approx(1.0, abs=0.05)
    extreme = next(r for r in found.regions if r.name == "Grid: largest deviation")
    (x0, y0), (x1, y1) = extreme.points
    assert np.hypot((x0 + x1) / 2 - 700, (y0 + y1) / 2 - 300) < 60


def test_case_15_a_disc_smaller_than_a_square_is_diluted() -> None:
    """Negative control: squares must fit into what they are to show."""
    disc = planar.with_disc(sloped(0.0), x=700.0, y=300.0, radius_px=12.0, change=0.01)
    assert value(measure(disc), "grid_max_deviation") < 0.5
    assert value(measure(disc, grid_mm=4.0), "grid_max_deviation") == pytest.approx(1.0, abs=0.05)


def chequered(noise: np.ndarray) -> np.ndarray:
    """Return a field whose noise is ± a known amount for each column, in a chequer pattern."""
    rows, columns = np.indices(SHAPE)
    return np.asarray(1000.0 + noise[None, :] * (1 - 2 * ((rows + columns) % 2)))


def test_case_15_local_snr_of_a_planted_noise_slope() -> None:
    """Exact noise in every square: largest deviation, largest step, and the map, within 0.05 %."""
    noise = 10.0 * (1 + 0.2 * np.arange(1000) / 1000)
    noise[600:640] *= 1.05
    found = measure(chequered(noise))
    held = found.facts["map"]
    # margins of 34 pixels; squares of 34 pixels (10 mm in whole steps of 17), half overlapped
    lefts = np.arange(34, 966 - 34 + 1, 17)
    held_px = np.array([noise[x : x + 34] for x in lefts])
    count = 34 * 34
    snr = 1000.0 / np.sqrt((held_px**2).mean(axis=1) * count / (count - 1))
    assert np.array(held["snr"]) == pytest.approx(np.tile(snr, (len(held["down_mm"]), 1)), rel=1e-5)
    assert held["across_mm"] == pytest.approx((lefts - 34 + 17) * P)
    middle = snr.mean()
    assert value(found, "local_snr") == pytest.approx(middle, rel=1e-6)
    deviation = 100 * np.abs(snr - middle).max() / middle
    assert value(found, "local_snr_max_deviation") == pytest.approx(deviation, abs=0.05)
    step = 100 * np.abs(snr[2:] - snr[:-2]).max() / middle
    assert value(found, "local_snr_neighbour_difference") == pytest.approx(step, abs=0.05)
    # Negative control: squares that overlap differ by less than those that touch.
    assert 100 * np.abs(np.diff(snr)).max() / middle < step - 0.5


def test_case_15_the_map_shows_where_the_disc_is() -> None:
    disc = planar.with_disc(sloped(0.0), x=700.0, y=300.0, radius_px=60.0, change=0.01)
    held = measure(disc).facts["map"]
    means = np.array(held["mean"])
    row, column = np.unravel_index(int(np.argmax(means)), means.shape)
    assert means.max() == pytest.approx(1010, abs=0.01)
    assert abs(held["across_mm"][column] / P + 34 - 700) < 60
    assert abs(held["down_mm"][row] / P + 34 - 300) < 60
    assert "snr" not in held  # most squares hold no noise at all


def test_a_perfect_field_has_no_deviation() -> None:
    found = measure(sloped(0.0) + np.random.default_rng(1).normal(0, 1e-6, SHAPE))
    assert value(found, "max_deviation") < 1e-6


def test_uncertainty_covers_the_truth() -> None:
    field_cm = (1000 - 2 * 34) * P / 10
    truth, z = 0.6 * field_cm / 4, []
    for seed in range(30):
        found = measure(sloped(0.6, noise=30.0, seed=seed))
        z.append(value(found, "max_deviation_from_centre") - truth)
        z[-1] /= u(found, "max_deviation_from_centre")
    # The largest of four equal deviations is taken, so the mean lies up to 1.03 u high.
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert -0.2 < np.mean(z) < 1.4


def test_snr_and_local_snr() -> None:
    found = measure(sloped(0.0, noise=10.0))
    assert value(found, "snr") == pytest.approx(100, abs=4 * u(found, "snr"))
    assert value(found, "local_snr") == pytest.approx(100, rel=0.01)
    assert value(found, "noise") == pytest.approx(10, rel=0.02)


def test_turned_and_mirrored_fields_agree() -> None:
    pixels = sloped(0.5, noise=10.0)
    one = measure(pixels)
    for other in (pixels[::-1].copy(), pixels[:, ::-1].copy(), np.rot90(pixels).copy()):
        two = measure(other)
        for name in ("max_deviation", "range", "mean"):
            assert value(two, name) == pytest.approx(value(one, name), rel=0.05)


def test_gain_does_not_matter_and_the_definitions_are_stored() -> None:
    pixels = sloped(0.5, noise=10.0)
    one, two = measure(pixels), measure(pixels * 3.5)
    for name, q in one.values.items():
        scale = 3.5 if str(q.unit) == "PV" else 1.0
        assert value(two, name) == pytest.approx(scale * q.value, rel=1e-6), name
    stored = one.provenance.parameters["definitions"]
    percent = {n for n, q in one.values.items() if str(q.unit) == "%"}
    assert percent == set(stored)


def test_a_collimated_field_is_measured_inside_the_blades() -> None:
    pixels = np.full(SHAPE, 20.0) + np.random.default_rng(1).normal(0, 2, SHAPE)
    pixels[150:700, 200:900] += sloped(0.0)[150:700, 200:900]
    found = measure(pixels)
    (x0, y0), (x1, y1) = found.regions[0].points
    assert x0 > 200
    assert y0 > 150
    assert x1 < 900
    assert y1 < 700
    assert value(found, "max_deviation") < 0.1


def test_an_object_in_the_field_is_refused() -> None:
    hole = planar.with_disc(sloped(0.0, noise=5.0), x=500, y=300, radius_px=80, change=-0.3)
    refused(NAME, [planar.as_image(hole, P)], "not-flat")


def test_a_heel_effect_is_measured_not_refused() -> None:
    assert value(measure(sloped(2.5, noise=5.0)), "max_deviation") > 10


def test_two_images_are_refused() -> None:
    refused(NAME, [planar.as_image(sloped(0.1), P)] * 2, "too-many-images")


def test_too_large_a_margin_is_refused() -> None:
    refused(NAME, [planar.as_image(sloped(0.1), P)], "bad-parameter", margin_mm=200)


def test_a_processed_image_on_request_carries_a_warning() -> None:
    shown = planar.as_image(sloped(0.1, noise=3.0), P, processing="presentation")
    found = imaging.analyse(NAME, [shown], allow_processed=True)
    assert any("processed" in w for w in found.warnings)


def test_the_same_image_gives_the_same_bits() -> None:
    pixels = sloped(0.3, noise=8.0)
    assert measure(pixels).as_dict() == measure(pixels.copy()).as_dict()
