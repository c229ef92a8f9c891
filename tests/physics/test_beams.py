"""Spectra against IEC 61267 and IEC 62220-1-1 (imaging methods, 4.3; physics methods, 4)."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.core import InputError
from kerma.physics.beams import MATERIALS, MODELS, Beam
from kerma.reference import Row, rows

QUALITIES: dict[str, Row] = {r.text("quality"): r for r in rows("beam-quality")}
RQR = [q for q in QUALITIES if q.startswith("RQR ") and "SSM" not in q]
RQA = [q for q in QUALITIES if q.startswith("RQA ")]
# Added aluminium of the RQA qualities and copper of the RQT, IEC 61267:2005 (recalled).
ADDED_AL = dict(zip(range(2, 11), (4, 10, 16, 21, 26, 30, 34, 40, 45), strict=True))
ADDED_CU = {8: 0.2, 9: 0.25, 10: 0.3}
# SNR²in, 1/(mm² µGy): RQA quality -> kV, added Al in mm, editions 2015 and 2003.
SNR2 = {
    "RQA3": (50, 10, 20673, 21759), "RQA5": (70, 21, 29653, 30174),
    "RQA7": (90, 30, 32490, 32362), "RQA9": (120, 40, 31077, 31077),
}  # fmt: skip
MO_MO = {25: (0.56, 4639), 28: (0.60, 4981), 30: (0.62, 5303), 35: (0.68, 6325)}


def rqr(number: int) -> Beam:
    """Return the RQR beam: aluminium tuned to the standard's half-value layer."""
    row = QUALITIES[f"RQR {number}"]
    bare = Beam(row.number("kV"))
    return bare.filtered("Al", bare.total_filtration(row.number("hvl1_mm_al")))


def nominal(name: str) -> Beam:
    kv, added, _, _ = SNR2[name]
    return Beam(kv, filters=(("Al", 2.5), ("Al", added)))


@pytest.mark.parametrize("quality", RQR)
def test_rqr_half_value_layers(quality: str) -> None:
    """HVL comes back, and the filtration is what a tube of that quality has (2.5 to 4.5 mm)."""
    row = QUALITIES[quality]
    beam = rqr(int(quality[4:]))
    assert beam.hvl() == pytest.approx(row.number("hvl1_mm_al"), rel=1e-9)
    assert beam.homogeneity() == pytest.approx(row.number("homogeneity"), abs=0.015)
    assert 2.3 < beam.filters[0][1] < 4.5
    if row.text("spekpy_al_or_hvl"):
        known = Beam(row.number("kV"), filters=(("Al", row.number("spekpy_al_or_hvl")),))
        assert known.hvl() == pytest.approx(row.number("hvl1_mm_al"), rel=0.02)


@pytest.mark.parametrize("quality", RQA)
def test_rqa_half_value_layers_within_2_percent(quality: str) -> None:
    number = int(quality[4:])
    beam = rqr(number).filtered("Al", ADDED_AL[number])
    assert beam.hvl() == pytest.approx(QUALITIES[quality].number("hvl1_mm_al"), rel=0.02)


@pytest.mark.parametrize("number", ADDED_CU)
def test_rqt_half_value_layers_within_2_percent(number: int) -> None:
    beam = rqr(number).filtered("Cu", ADDED_CU[number])
    assert beam.hvl() == pytest.approx(QUALITIES[f"RQT {number}"].number("hvl1_mm_al"), rel=0.02)


@pytest.mark.parametrize("kv", MO_MO)
def test_mammographic_half_value_layers_within_3_percent(kv: int) -> None:
    """So soft a beam needs its window and its way through air."""
    bare = Beam(kv, "Mo", filters=(("Mo", 0.032), ("Be", 0.8), ("air", 600.0)))
    plain = {25: 0.28, 28: 0.31, 30: 0.33, 35: 0.36}[kv]
    assert bare.hvl() == pytest.approx(plain, rel=0.031)
    # Behind 2 mm of aluminium 0.68 mm is recalled at 35 kV; these spectra give 0.70.
    assert bare.filtered("Al", 2.0).hvl() == pytest.approx(MO_MO[kv][0], rel=0.04)
    assert Beam(kv, "Mo", filters=(("Mo", 0.032),)).hvl() < 0.97 * plain  # negative control


@pytest.mark.parametrize("name", SNR2)
def test_snr2_in_of_2015_within_0_3_percent_when_quanta_are_counted(name: str) -> None:
    assert nominal(name).snr2_in() == pytest.approx(SNR2[name][2], rel=0.003)


@pytest.mark.parametrize(
    ("name", "counted", "energy", "hvl"),
    [
        ("RQA3", 20720, 20329, 3.72), ("RQA5", 29585, 28848, 6.68),
        ("RQA7", 32479, 31470, 9.11), ("RQA9", 31080, 29543, 11.50),
    ],
)  # fmt: skip
def test_the_figures_of_the_methods_come_back(
    name: str, counted: float, energy: float, hvl: float
) -> None:
    beam = nominal(name)
    assert beam.snr2_in("counted") == pytest.approx(counted, rel=1e-4)
    assert beam.snr2_in("energy") == pytest.approx(energy, rel=1e-4)
    assert beam.hvl() == pytest.approx(hvl, abs=0.006)


def test_the_2003_values_are_not_those_of_these_beams() -> None:
    """Negative control: another edition, or energy weighting, does not pass for 2015."""
    off = {name: nominal(name).snr2_in() / SNR2[name][3] - 1 for name in SNR2}
    assert off["RQA3"] == pytest.approx(-0.048, abs=0.003)
    assert off["RQA5"] == pytest.approx(-0.0195, abs=0.003)
    for name in SNR2:
        assert abs(nominal(name).snr2_in("energy") / SNR2[name][2] - 1) > 0.015
    # They follow from the half-value layers of 1994 instead: 21 679 at 4.0 mm, 30 477 at 7.1 mm.
    for kv, hvl, of_2003 in ((50, 4.0, 21679), (70, 7.1, 30477)):
        bare = Beam(kv)
        old = bare.filtered("Al", bare.total_filtration(hvl))
        assert old.snr2_in() == pytest.approx(of_2003, rel=0.003)


@pytest.mark.parametrize("kv", MO_MO)
def test_the_mammographic_table_is_not_reproduced(kv: int) -> None:
    """As the methods found: 2 % to 6.5 % above, so the table goes with its own beam only."""
    beam = Beam(kv, "Mo", filters=(("Mo", 0.032), ("Al", 2.0)))
    assert 0.013 < beam.snr2_in() / MO_MO[kv][1] - 1 < 0.065


@pytest.mark.parametrize(
    ("anode", "material", "mm", "known"),
    [
        ("Mo", "Rh", 0.025, 5715), ("Rh", "Rh", 0.025, 6214), ("W", "Rh", 0.050, 6261),
        ("W", "Ag", 0.050, 6965), ("W", "Al", 0.7, 7149),
    ],
)  # fmt: skip
def test_other_mammographic_beams(anode: str, material: str, mm: float, known: float) -> None:
    """28 kV and 2 mm of aluminium; the known figures are another model's (kqp)."""
    beam = Beam(28, anode, filters=((material, mm), ("Al", 2.0)))
    assert beam.snr2_in() == pytest.approx(known, rel=0.012)


def test_models_with_one_set_of_attenuation_data_agree_at_a_measured_hvl() -> None:
    """`planar-dqe` states 1 % for the model; other attenuation data differ by up to 2.3 %."""
    for kv, hvl in ((50, 3.8), (70, 6.8)):
        found = {}
        for model in MODELS:
            bare = Beam(kv, model=model)
            found[model] = bare.filtered("Al", bare.total_filtration(hvl)).snr2_in()
        middle = found["casim"]
        for model, data in MODELS.items():
            assert found[model] == pytest.approx(middle, rel=0.01 if data == "pene" else 0.025)


def test_units_against_spekpy_itself() -> None:
    import spekpy

    other = spekpy.Spek(kvp=80, th=14, dk=0.5, physics="casim").filter("Al", 3.0).filter("Cu", 0.1)
    beam = Beam(80, angle_deg=14, filters=(("Al", 3.0), ("Cu", 0.1)))
    assert beam.air_kerma() == pytest.approx(other.get_kerma(), rel=3e-5)  # its constants are cut
    assert beam.hvl() == pytest.approx(other.get_hvl1(), rel=1e-6)
    assert beam.hvl(n=2) == pytest.approx(other.get_hvl2(), rel=1e-5)
    assert beam.hvl("Cu") == pytest.approx(other.get_hvl1(matl="Cu"), rel=1e-5)
    assert beam.homogeneity() == pytest.approx(other.get_hc(), rel=1e-5)
    assert beam.effective_energy() == pytest.approx(other.get_eeff(), rel=1e-5)
    assert beam.mean_energy() == pytest.approx(other.get_emean(), rel=1e-6)
    total = float(beam.spectrum().fluence.sum()) * beam.spectrum().step_kev
    assert total == pytest.approx(other.get_flu() / 100, rel=1e-6)
    assert beam.fluence_per_kerma() == pytest.approx(total / beam.air_kerma())


@pytest.mark.parametrize("material", ["Al", "Cu", "PMMA"])
def test_more_filtration_always_hardens(material: str) -> None:
    layers = [Beam(80, filters=(("Al", 2.5), (material, mm))).hvl() for mm in (0, 0.1, 0.5, 2, 5)]
    assert all(b > a for a, b in pairwise(layers))
    higher = [Beam(kv, filters=(("Al", 2.5),)).hvl() for kv in (50, 70, 90, 120)]
    assert all(b > a for a, b in pairwise(higher))


def test_the_second_layer_and_the_effective_energy_of_a_hardened_beam() -> None:
    soft, hard = (Beam(80, filters=(("Al", mm),)) for mm in (2.5, 30.0))
    assert soft.homogeneity() < hard.homogeneity() < 1.0
    assert soft.effective_energy() < hard.effective_energy() < 80
    passed = hard.filtered("Al", hard.hvl()).air_kerma() / hard.air_kerma()
    assert passed == pytest.approx(0.5, rel=1e-9)
    quarter = hard.filtered("Al", hard.hvl() + hard.hvl(n=2)).air_kerma() / hard.air_kerma()
    assert quarter == pytest.approx(0.25, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    kv=st.sampled_from([50.0, 70.0, 120.0]),
    inherent=st.floats(0.5, 4.0),
    added=st.floats(0.0, 30.0),
    material=st.sampled_from(["Al", "PMMA"]),
)
def test_filtration_comes_back_from_its_half_value_layer(
    kv: float, inherent: float, added: float, material: str
) -> None:
    beam = Beam(kv, filters=(("Al", inherent),))
    found = beam.added_filtration(beam.filtered(material, added).hvl(), material)
    assert found == pytest.approx(added, abs=1e-6)
    assert beam.total_filtration(beam.hvl()) == pytest.approx(inherent, abs=1e-9)


def test_impossible_half_value_layers_are_refused() -> None:
    beam = Beam(70, filters=(("Al", 2.5),))
    for hvl, code in ((1.0, "hvl-too-low"), (40.0, "hvl-too-high"), (-1.0, "bad-beam"),
                      (math.nan, "bad-beam")):  # fmt: skip
        with pytest.raises(InputError) as caught:
            beam.added_filtration(hvl)
        assert caught.value.code == code
        assert caught.value.message.endswith(".")
    with pytest.raises(InputError, match="Filtration is found"):
        beam.added_filtration(3.0, "Mo")


@pytest.mark.parametrize(
    "given",
    [
        {"kv": 10}, {"kv": 250}, {"kv": math.nan}, {"anode": "Cu"}, {"kv": 60, "anode": "Mo"},
        {"angle_deg": 0}, {"model": "tasmip"}, {"filters": (("Al", -1.0),)},
        {"filters": (("Al", math.inf),)}, {"kv": 28, "anode": "Mo", "model": "spekcalc"},
    ],
)  # fmt: skip
def test_impossible_beams_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        Beam(**{"kv": 70, **given})  # type: ignore[arg-type]
    assert caught.value.code == "bad-beam"


def test_materials_are_a_closed_table() -> None:
    for wrong in ("al", "Aluminium", "../Al", ""):
        with pytest.raises(InputError) as caught:
            Beam(70, filters=((wrong, 1.0),))
        assert caught.value.code == "unknown-material"
    with pytest.raises(InputError, match="attenuation data"):
        Beam(70).hvl("unobtainium")
    beam = Beam(70)
    for material in MATERIALS:
        passed = beam.filtered(material, 0.01).air_kerma() / beam.air_kerma()
        assert 0 < passed < 1
        assert np.isfinite(beam.filtered(material, 0.01).spectrum().fluence).all()


def test_odd_voltages_and_the_ends_of_the_range_give_finite_numbers() -> None:
    for beam in (Beam(15), Beam(200), Beam(71.3), Beam(50, "Rh"), Beam(33.33, "Mo")):
        behind = beam.filtered("Al", 1.0)
        found = [behind.hvl(), behind.air_kerma(), behind.snr2_in(), behind.effective_energy()]
        assert np.isfinite(found).all()
        assert behind.spectrum().energy_kev[-1] < beam.kv


def test_a_beam_says_what_it_is() -> None:
    said = Beam(70, filters=(("Al", 2.5),)).as_dict()
    assert said["filters"] == [["Al", 2.5]]
    assert said["model"] == "casim"
    assert said["spekpy"]
