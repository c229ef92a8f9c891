"""Signal, noise and SNR of a flat field."""

from __future__ import annotations

import numpy as np
import pytest

from kerma import imaging
from kerma.simulate import planar
from tests.imaging.helpers import refused, u, value

NAME = "planar-snr"


def test_known_signal_and_noise() -> None:
    pixels = planar.flat_field((600, 600), mean=800, noise=16, seed=1)
    found = imaging.analyse(NAME, [planar.as_image(pixels, 0.15)])
    for name, truth in (("mean", 800.0), ("noise", 16.0), ("snr", 50.0)):
        assert value(found, name) == pytest.approx(truth, abs=3.5 * u(found, name))
        assert 0 < u(found, name) < 0.02 * truth


def test_the_region_is_where_it_was_asked_for() -> None:
    pixels = planar.flat_field((600, 600), mean=800, noise=5, seed=1)
    pixels[100:200, 300:450] += 50
    found = imaging.analyse(NAME, [planar.as_image(pixels, None)], roi=[310, 110, 440, 190])
    assert value(found, "mean") == pytest.approx(850, abs=1)
    assert found.regions[0].points == ((309.5, 109.5), (439.5, 189.5))


def test_the_square_is_central_and_of_its_size() -> None:
    pixels = planar.flat_field((500, 700), mean=800, noise=5, seed=1)
    (x0, y0), (x1, y1) = (
        imaging.analyse(NAME, [planar.as_image(pixels, 0.2)], side_mm=30).regions[0].points
    )
    assert (x1 - x0, y1 - y0) == (150, 150)
    assert (x0 + x1) / 2 == pytest.approx(349.5, abs=0.5)
    assert (y0 + y1) / 2 == pytest.approx(249.5, abs=0.5)


def test_an_edge_in_the_region_is_refused() -> None:
    edge = planar.edge((400, 400), pixel_mm=0.2, sigma_mm=0.1, tilt_deg=2)
    refused(NAME, [planar.as_image(edge, 0.2)], "not-flat")


def test_a_region_outside_the_image_is_refused() -> None:
    image = [planar.as_image(planar.flat_field((100, 100), mean=8, noise=1, seed=1), 0.2)]
    refused(NAME, image, "region-outside-image", roi=[50, 50, 150, 90])
    refused(NAME, image, "region-outside-image")


def test_noise_below_zero_signal_is_measured_not_refused() -> None:
    """Low exposure with offset: a noisy region is not taken for an object."""
    pixels = planar.flat_field((400, 400), mean=3, noise=20, seed=1)
    found = imaging.analyse(NAME, [planar.as_image(np.asarray(pixels), 0.2)])
    assert value(found, "noise") == pytest.approx(20, rel=0.02)
