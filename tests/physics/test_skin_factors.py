"""Backscatter, water-to-air, half-value layer and transmission are those of the reference rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from kerma.core import InputError
from kerma.physics.skin.factors import beam_factors, splines, table, table_hvl
from kerma.physics.skin.profile import Transmission, TransmissionPoint
from kerma.physics.skin.support import known, row_ids, transmission
from kerma.reference import row, rows

SIEMENS = Transmission(rows_model="AXIOM-Artis", rows_plane="Single Plane")


def test_every_row_of_backscatter_is_met() -> None:
    for r in rows("bsf"):
        kv, al, cu, side = (
            r.number(c) for c in ("kV", "filtration_mmAl", "added_mmCu", "field_side_cm")
        )
        found = beam_factors(kv, al, cu)
        assert found.hvl_mm == pytest.approx(r.number("hvl_mmAl"), abs=1e-9)
        backscatter, water_air = found.at(side)
        assert backscatter == pytest.approx(r.number("backscatter_factor"), abs=1e-9), r.id
        assert water_air == pytest.approx(r.number("mu_en_rho_ratio_water_air"), abs=1e-9), r.id
        assert found.notes == ()
        assert r.id in beam_factors(kv, al, cu).rows


def test_between_rows_it_agrees_with_the_published_polynomial() -> None:
    """Benmakhlouf et al 2013, equation 8, as the rows of ``bsf-polynomial`` hold it: 0.6 %."""
    for r in rows("bsf-polynomial"):
        c = [r.number(f"c{i}") for i in range(9)]
        side = r.number("field_side_cm")
        for kv, al, cu in itertools.product(
            (55, 67, 84, 103, 125, 144), (2.7, 3.5, 4.6), (0, 0.25)
        ):
            found = beam_factors(kv, al, cu)
            h = found.hvl_mm
            fit = sum(
                (c[3 * j] + c[3 * j + 1] * kv + c[3 * j + 2] * kv**2) * h**j for j in range(3)
            )
            assert found.at(side)[0] == pytest.approx(fit, rel=6e-3), (side, kv, al, cu)


def test_table_and_spectra_give_the_same_half_value_layer() -> None:
    """The rows' own column against computed spectra: within 2.5 %, and 0.5 % in the factor."""
    for kv, al, cu in ((60, 3.1, 0.9), (77, 3.1, 0.6), (85, 4.1, 0.4), (110, 2.6, 0.05)):
        by_table, by_beams = (beam_factors(kv, al, cu, hvl) for hvl in ("table", "beams"))
        assert by_table.hvl_mm == pytest.approx(by_beams.hvl_mm, rel=0.025)
        assert by_table.at(12.0) == pytest.approx(by_beams.at(12.0), rel=5e-3)


def test_a_half_value_layer_can_be_given() -> None:
    found = beam_factors(80, 3.1, 0.3, lambda kv, al, cu: 6.47)
    assert found.hvl_mm == 6.47
    assert found.at(10) == pytest.approx(beam_factors(80, 3.1, 0.3).at(10), rel=1e-6)
    with pytest.raises(InputError) as caught:
        beam_factors(80, 3.1, 0.3, lambda kv, al, cu: -1.0)
    assert caught.value.code == "bad-beam"


@pytest.mark.parametrize(
    ("beam", "at_end", "words"),
    [
        ((40.0, 3.1, 0.1), (50.0, 3.1, 0.1), "tube voltage"),
        ((200.0, 3.1, 0.1), (150.0, 3.1, 0.1), "tube voltage"),
        ((80.0, 9.0, 0.0), (80.0, 5.1, 0.0), "aluminium"),
        ((80.0, 1.0, 0.0), (80.0, 2.5, 0.0), "aluminium"),
        ((80.0, 3.1, 2.0), (80.0, 3.1, 0.9), "copper"),
    ],
)
def test_beyond_the_table_its_end_is_used_and_said(
    beam: tuple[float, float, float], at_end: tuple[float, float, float], words: str
) -> None:
    found, end = beam_factors(*beam), beam_factors(*at_end)
    assert found.at(12.0) == end.at(12.0)
    assert any(words in note and "end was used" in note for note in found.notes)
    assert end.notes == ()


def test_the_side_is_held_at_the_ends() -> None:
    found = beam_factors(80, 3.1, 0.3)
    assert found.at(1.0) == found.at(5.0)
    assert found.at(60.0) == found.at(35.0)
    assert found.at(5.0) != found.at(6.0)


def test_the_spline_of_the_kernel_is_the_one_reported() -> None:
    found = beam_factors(77, 3.1, 0.6)
    sides = table().sides_cm
    coefficients = splines([found, None])
    for side in np.linspace(5, 35, 61):
        i = min(int(np.searchsorted(sides, side, side="right")) - 1, len(sides) - 2)
        value = sum(coefficients[0, i, p] * (side - sides[i]) ** p for p in range(4))
        assert value == pytest.approx(np.prod(found.at(side)), rel=1e-12)
    assert (coefficients[1, :, 0] == 1).all()
    assert (coefficients[1, :, 1:] == 0).all()


def test_more_filtration_and_more_voltage_harden() -> None:
    layers = [table_hvl(80, 3.1, cu)[0] for cu in np.linspace(0, 0.9, 19)]
    assert (np.diff(layers) > 0).all()
    layers = [table_hvl(80, al, 0.15)[0] for al in np.linspace(2.5, 5.1, 14)]
    assert (np.diff(layers) > 0).all()
    layers = [table_hvl(kv, 3.1, 0.2)[0] for kv in np.linspace(50, 150, 41)]
    assert (np.diff(layers) > 0).all()


def test_a_beam_that_cannot_be_is_refused() -> None:
    for beam in ((0.0, 3.1, 0.0), (80.0, -1.0, 0.0), (80.0, 3.1, -0.1)):
        with pytest.raises(InputError):
            beam_factors(*beam)


def test_transmission_meets_the_rows_and_holds_at_their_ends() -> None:
    for name in row_ids(SIEMENS):
        r = row(name)
        found, notes = transmission(SIEMENS, r.number("kV"), r.number("added_mmCu"))
        assert found == pytest.approx(r.number("transmission_factor"), abs=1e-12)
        assert notes == ()
    low, notes = transmission(SIEMENS, 45.0, 0.0)
    assert low == transmission(SIEMENS, 60.0, 0.0)[0]
    assert "tube voltage" in notes[0]
    between = transmission(SIEMENS, 70.0, 0.45)[0]
    around = [transmission(SIEMENS, kv, cu)[0] for kv in (60, 80) for cu in (0.3, 0.6)]
    assert between == pytest.approx(np.mean(around), abs=1e-12)


def test_measured_points_need_not_fill_a_grid() -> None:
    own = Transmission(
        points=(
            TransmissionPoint(60, 0.0, 0.60),
            TransmissionPoint(100, 0.0, 0.70),
            TransmissionPoint(80, 0.4, 0.80),
        )
    )
    assert transmission(own, 80, 0.0)[0] == pytest.approx(0.65)
    assert transmission(own, 80, 0.2)[0] == pytest.approx(0.725)
    assert row_ids(own) == ()


def test_a_table_nothing_is_known_of_takes_nothing_off() -> None:
    assert transmission(Transmission(), 80, 0.0) == (1.0, ())
    assert not known(Transmission())


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        transmission(Transmission(rows_model="Nobody", rows_plane="A"), 80, 0.0)
    assert caught.value.code == "unknown-row"
