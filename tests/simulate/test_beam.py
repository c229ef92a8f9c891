"""The simulated beam behaves as X-ray beams do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import InputError
from kerma.simulate.beam import Beam


def test_half_value_layer_halves_the_kerma() -> None:
    beam = Beam(80, {"Al": 2.8})
    thicker = Beam(80, {"Al": 2.8 + beam.hvl_mm_al()})
    assert thicker.kerma_ugy_per_mas() == pytest.approx(beam.kerma_ugy_per_mas() / 2, rel=1e-5)


def test_agrees_with_the_program_the_spectra_came_from() -> None:
    """SpekPy 2.5.4, 80 kV, 12 degrees, 2.8 mm Al: 74.5 uGy/mAs at 1 m, HVL 2.914 mm Al."""
    beam = Beam(80, {"Al": 2.8})
    assert beam.kerma_ugy_per_mas() == pytest.approx(74.52, rel=0.015)
    assert beam.hvl_mm_al() == pytest.approx(2.914, rel=0.01)


@given(kv=st.floats(41, 145), al=st.floats(1.5, 12))
def test_more_voltage_is_more_and_harder_and_more_filter_less_and_harder(
    kv: float, al: float
) -> None:
    beam, hotter, thicker = Beam(kv, {"Al": al}), Beam(kv + 4, {"Al": al}), Beam(kv, {"Al": al + 1})
    assert hotter.kerma_ugy_per_mas() > beam.kerma_ugy_per_mas() > thicker.kerma_ugy_per_mas()
    assert hotter.hvl_mm_al() > beam.hvl_mm_al()
    assert thicker.hvl_mm_al() > beam.hvl_mm_al()


def test_inverse_square() -> None:
    beam = Beam(70, {"Al": 3})
    assert beam.kerma_ugy_per_mas(500) == pytest.approx(4 * beam.kerma_ugy_per_mas(1000))


def test_refuses_what_is_not_tabulated() -> None:
    with pytest.raises(InputError) as error:
        Beam(300, {"Al": 3}).kerma_ugy_per_mas()
    assert error.value.code == "unknown-spectrum"
    with pytest.raises(InputError) as error:
        Beam(80, {"gold": 1}).kerma_ugy_per_mas()
    assert error.value.code == "unknown-material"
