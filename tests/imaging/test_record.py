"""Parameters are checked by name and kind, and recorded whole."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kerma import imaging
from kerma.core import InputError
from kerma.simulate import planar
from tests.imaging.helpers import refused

FLAT = [planar.as_image(planar.flat_field((400, 400), mean=500, noise=5, seed=1), 0.15)]


def test_a_misspelt_parameter_is_refused_with_the_right_names() -> None:
    error = refused("planar-snr", FLAT, "unknown-parameter", side_cm=4)
    assert "side_mm" in error.message


@pytest.mark.parametrize("bad", ["40", True, [40], None])
def test_a_parameter_of_the_wrong_kind_is_refused(bad: object) -> None:
    refused("planar-snr", FLAT, "bad-parameter", side_mm=bad)


def test_a_region_of_three_numbers_is_refused() -> None:
    refused("planar-snr", FLAT, "bad-parameter", roi=[1, 2, 3])


def test_a_missing_parameter_is_named() -> None:
    assert "kerma_ugy" in refused("planar-stp", FLAT * 3, "missing-parameter").message


def test_provenance_holds_defaults_and_choices_and_hashes() -> None:
    found = imaging.analyse("planar-snr", FLAT, side_mm=20)
    assert found.provenance.parameters["side_mm"] == 20.0
    assert found.provenance.parameters["allow_processed"] is False
    assert found.provenance.inputs == (FLAT[0].sha256,)
    assert found.provenance.edition


def test_lists_and_whole_numbers_give_the_same_record_as_tuples_and_floats() -> None:
    one = imaging.analyse("planar-snr", FLAT, roi=[50, 50, 300, 300], side_mm=20)
    two = imaging.analyse("planar-snr", FLAT, roi=(50, 50, 300, 300), side_mm=20.0)
    assert json.dumps(one.as_dict()) == json.dumps(two.as_dict())


def test_names_lists_the_measurements_and_an_unknown_one_is_refused() -> None:
    wanted = {
        "planar-uniformity", "planar-snr", "planar-dark-noise", "planar-stp", "planar-mtf-edge",
        "ct-water", "ct-wire-mtf",
    }  # fmt: skip
    assert wanted <= set(imaging.names())
    assert list(imaging.names()) == sorted(imaging.names())
    with pytest.raises(InputError):
        imaging.analyse("planar-mtf", FLAT)


def test_pixels_are_never_changed() -> None:
    before = FLAT[0].pixels.copy()
    imaging.analyse("planar-uniformity", FLAT)
    assert np.array_equal(before, FLAT[0].pixels)
