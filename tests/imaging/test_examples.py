"""Every measurement has an example it accepts, and finds in it what is known to be there."""

from __future__ import annotations

import pytest

from kerma import imaging
from kerma.core import InputError
from kerma.simulate import examples


@pytest.mark.parametrize("name", imaging.names())
def test_the_example_is_measured_and_its_truth_found(name: str) -> None:
    example = examples.make(name)
    made = imaging.analyse(name, example.images, **example.parameters)
    assert made.status == "measured"
    assert made.values
    for quantity, truth in example.truth.items():
        found = made.values[quantity]
        # Four standard uncertainties, and half a per cent where the picture's own sampling counts.
        allowed = 4.0 * (found.u or 0.0) + 0.005 * abs(truth) + 1e-9
        assert found.value == pytest.approx(truth, abs=allowed), quantity


@pytest.mark.parametrize("name", imaging.names())
def test_the_same_input_gives_the_same_record(name: str) -> None:
    example = examples.make(name)
    first, again = (imaging.analyse(name, example.images, **example.parameters) for _ in range(2))
    assert first.as_dict() == again.as_dict()


def test_no_example_is_left_over() -> None:
    assert set(examples.names()) == set(imaging.names())


def test_a_name_without_example_is_refused() -> None:
    with pytest.raises(InputError, match="no example"):
        examples.make("ct-nothing")
