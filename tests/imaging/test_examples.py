"""Every measurement has an example it accepts, and finds in it what is known to be there."""

from __future__ import annotations

import pytest

from kerma import imaging
from kerma.core import InputError
from kerma.simulate import examples
from tests.imaging.pictures import analysed, measured, picture


@pytest.fixture(scope="module", params=imaging.names())
def name(request: pytest.FixtureRequest) -> str:
    """Give one example after another; of a module, so that what asks for one follows together."""
    found: str = request.param
    return found


def test_the_example_is_measured_and_its_truth_found(name: str) -> None:
    made = measured(name)
    assert made.status == "measured"
    assert made.values
    for quantity, truth in picture(name).truth.items():
        found = made.values[quantity]
        # Four standard uncertainties, and half a per cent where the picture's own sampling counts.
        allowed = 4.0 * (found.u or 0.0) + 0.005 * abs(truth) + 1e-9
        assert found.value == pytest.approx(truth, abs=allowed), quantity


def test_the_same_input_gives_the_same_record(name: str) -> None:
    assert measured(name).as_dict() == analysed(name, name).as_dict()


def test_no_example_is_left_over() -> None:
    assert set(examples.names()) == set(imaging.names())


def test_a_name_without_example_is_refused() -> None:
    with pytest.raises(InputError, match="no example"):
        examples.make("ct-nothing")
