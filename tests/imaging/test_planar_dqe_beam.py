"""SNR²in of the beam that was measured with, beside the table's (methods, section 4.3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image, InputError
from kerma.imaging.tools import beam as beams
from kerma.imaging.tools import snr_in
from kerma.physics.beams import Beam
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, u, value

NAME = "planar-dqe"
P, K, ETA, SIDE = 0.15, 2.5, 0.6, 640
RQA5 = snr_in.find("RQA5", "2015")


def images(snr2: float, **facts: object) -> list[Image]:
    """Return an edge and two fields of an ideal counter in a beam of `snr2` quanta per mm² µGy."""
    counts = ETA * K * snr2 * P**2
    made = [planar.edge((SIDE, SIDE), pixel_mm=P, sigma_mm=0.001, tilt_deg=2.0,
                        low=0.02 * counts, high=counts)]  # fmt: skip
    made += [np.random.default_rng(s).poisson(counts, (SIDE, SIDE)).astype(float) for s in (1, 2)]
    return [planar.as_image(p, P, facts={"KVP": 70.0, **facts}) for p in made]


def measure(given: list[Image], **parameters: object) -> Analysis:
    chosen: dict[str, Any] = {
        "kerma_ugy": [K, K], "quality": "RQA5", "edition": "2015", "margin_mm": 0.0,
        "u_kerma_percent": 0.0, **parameters,
    }  # fmt: skip
    return imaging.analyse(NAME, given, **chosen)


def silent(**facts: object) -> list[Image]:
    return [planar.as_image(np.ones((40, 40)), P, facts=facts)]


@pytest.fixture(scope="module")
def soft() -> list[Image]:
    """An RQA5 that lacks filtration: 5.8 mm instead of 6.8 mm of aluminium."""
    bare = Beam(70)
    return images(bare.filtered("Al", bare.total_filtration(5.8)).snr2_in())


def test_the_nominal_beam_has_the_tables_snr2_in() -> None:
    found = measure(images(RQA5.snr2_per_mm2_ugy), beam={"filters": {"Al": 23.5}})
    assert value(found, "snr2_in_computed") == pytest.approx(29653, rel=0.003)
    assert value(found, "snr2_in_table") == 29653 == value(found, "snr2_in")
    assert abs(value(found, "snr2_in_difference")) < 0.3
    assert u(found, "snr2_in_difference") > 1.0
    assert value(found, "hvl") == pytest.approx(6.68, abs=0.01)
    assert found.facts["snr2_in_from"] == "table"
    assert found.facts["beam"]["filters"] == [["Al", 23.5]]


def test_case_10_in_a_beam_that_is_not_quite_the_quality(soft: list[Image]) -> None:
    """The computed SNR²in gives the absorbed share; the table's misses it by what they differ."""
    known = {"hvl_mm_al": 5.8, "u_hvl_mm_al": 0.05}
    right = measure(soft, beam=known, snr2_in_from="computed")
    f, y, _ = curve(right, "DQE x")
    truth = ETA * np.sinc(f * P) ** 2
    reach = f < 0.9 * 0.5 / P
    assert (y / truth)[reach].mean() == pytest.approx(1, abs=0.02)  # two small fields: 1 %
    wrong = measure(soft, beam=known)
    assert (curve(wrong, "DQE x")[1] / truth)[reach].mean() < 0.94
    share = value(wrong, "snr2_in_computed") / value(wrong, "snr2_in_table")
    assert share < 0.94
    assert value(wrong, "dqe_at_1") == pytest.approx(value(right, "dqe_at_1") * share)
    assert value(right, "snr2_in") == value(right, "snr2_in_computed")
    assert value(right, "snr2_in_difference") == pytest.approx(100 * (share - 1))
    for found in (right, wrong):
        assert any("Check which beam" in w for w in found.warnings)
        assert value(found, "hvl") == pytest.approx(5.8)
    assert right.facts["snr2_in_from"] == "computed"
    assert right.provenance.parameters["snr_in"]["beam"]["kv"] == 70
    assert right.provenance.parameters["beam"] == known


def test_the_uncertainty_of_a_computed_snr2_in_enters_the_dqe(soft: list[Image]) -> None:
    table = measure(soft)
    sure, unsure = (
        measure(soft, beam={"hvl_mm_al": 5.8, "u_hvl_mm_al": du}, snr2_in_from="computed")
        for du in (0.0, 0.3)
    )
    part = [u(a, "dqe_at_1") / value(a, "dqe_at_1") for a in (table, sure, unsure)]
    assert part[1] == pytest.approx(np.hypot(part[0], beams.MODEL_U), rel=1e-3)
    # d ln SNR² / d ln HVL is 0.5 near RQA5
    slope = 0.3 / 5.8 * 0.52
    assert part[2] == pytest.approx(np.hypot(part[1], slope), rel=0.03)
    assert u(unsure, "hvl") == 0.3
    guessed = measure(soft, beam={"hvl_mm_al": 5.8}, snr2_in_from="computed")
    assert any("u_hvl_mm_al" in w for w in guessed.warnings)


def test_without_a_beam_nothing_is_computed(soft: list[Image]) -> None:
    found = measure(soft)
    assert not {n for n in found.values if n.startswith(("snr2_in_", "hvl"))}
    assert "beam" not in found.facts


COMBINATIONS = {
    "Mo/Mo": 5298, "Mo/Rh": 5715, "Rh/Rh": 6214, "W/Rh": 6261, "W/Ag": 6965, "W/Al": 7149,
}  # fmt: skip


@pytest.mark.parametrize("name", COMBINATIONS)
def test_mammographic_beams(name: str) -> None:
    """28 kV + 2 mm Al; the known values are another model's, so 1.2 %."""
    found = beams.compute({"combination": name, "kv": 28}, silent(), None)
    assert found.snr2_per_mm2_ugy == pytest.approx(COMBINATIONS[name], rel=0.012)
    assert found.u / found.snr2_per_mm2_ugy > beams.MODEL_U_MAMMOGRAPHIC
    measured = beams.compute(
        {"combination": name, "kv": 28, "hvl_mm_al": 0.92, "u_hvl_mm_al": 0.01}, silent(), None
    )
    assert measured.beam.hvl() == pytest.approx(0.92)
    assert measured.snr2_per_mm2_ugy > found.snr2_per_mm2_ugy


def test_a_mammographic_detector_in_a_beam_without_a_table() -> None:
    snr2 = beams.compute({"combination": "W/Rh", "kv": 28}, silent(), None).snr2_per_mm2_ugy
    facts = {"KVP": 28, "AnodeTargetMaterial": "TUNGSTEN", "FilterMaterial": "RHODIUM"}
    given = images(snr2, **facts)
    found = measure(
        given, quality=None, edition=None, beam={"combination": "W/Rh"}, snr2_in_from="computed"
    )
    assert value(found, "dqe_at_1") == pytest.approx(
        ETA * np.sinc(P) ** 2, abs=4 * u(found, "dqe_at_1")
    )
    assert "snr2_in_table" not in found.values
    assert "quality" not in found.facts
    # Negative control: the table of another beam is refused here.
    refused(NAME, given, "beam-quality", kerma_ugy=[K, K], quality="RQA-M2", edition="2007")


def test_the_mammographic_table_goes_with_its_own_beam_only() -> None:
    m2 = snr_in.find("RQA-M2", "2007")
    own = beams.compute({"combination": "Mo/Mo", "kv": 28}, silent(), m2)
    assert own.snr2_per_mm2_ugy / m2.snr2_per_mm2_ugy - 1 == pytest.approx(0.06, abs=0.01)
    for combination in ("W/Rh", "Mo/Rh", "Rh/Rh"):
        with pytest.raises(InputError) as caught:
            beams.compute({"combination": combination, "kv": 28}, silent(), m2)
        assert caught.value.code == "beam-quality"
    # A header that names neither anode nor filter is said so; one that names both is not.
    (note,) = snr_in.require_beam(silent(KVP=28), m2)
    assert "molybdenum/molybdenum" in note
    named = silent(KVP=28, AnodeTargetMaterial="MOLYBDENUM", FilterMaterial="MOLYBDENUM")
    assert snr_in.require_beam(named, m2) == ()
    assert snr_in.require_beam(silent(KVP=70), RQA5) == ()


def test_voltage_and_anode_come_from_the_images_when_not_given() -> None:
    found = beams.compute({"filters": {"Al": 23.5}}, silent(KVP="71"), None)
    assert found.beam.kv == 71
    assert found.notes == ()
    quality = beams.compute({"filters": {"Al": 23.5}}, silent(), RQA5)
    assert quality.beam.kv == 70
    assert any("taken from RQA5" in n for n in quality.notes)
    filters = {"Mo": 0.032, "Al": 2.0}
    anode = beams.compute({"filters": filters, "kv": 28}, silent(AnodeTargetMaterial="MOLYBDENUM"),
                          None)  # fmt: skip
    assert anode.beam.anode == "Mo"


@pytest.mark.parametrize(
    ("given", "facts", "code"),
    [
        ({"filters": {"Al": 23.5}}, {}, "no-tube-voltage"),
        ({"kv": 70}, {}, "bad-parameter"),
        ({"kv": 70, "hvl_mm_al": 1.0, "filters": {"Al": 10.0}}, {}, "hvl-too-low"),
        ({"kv": 70, "hvl_mm_al": 60.0}, {}, "hvl-too-high"),
        ({"kv": 28, "hvl_mm_al": 0.6}, {}, "bad-parameter"),
        ({"kv": 28, "anode": "Mo", "hvl_mm_al": 0.6}, {}, "bad-parameter"),
        ({"kv": 28, "combination": "W/Cu"}, {}, "bad-parameter"),
        ({"kv": 28, "combination": "W/Rh", "anode": "W"}, {}, "bad-parameter"),
        ({"kv": 70, "filters": {"Al": 2}, "u_hvl_mm_al": 0.1}, {}, "bad-parameter"),
        ({"kv": 70, "filters": {"Al": "2"}}, {}, "bad-parameter"),
        ({"kv": 70, "filters": {"Aluminium": 2.0}}, {}, "unknown-material"),
        ({"kv": 70, "filters": {"Al": 2.0}, "tube": "x"}, {}, "unknown-parameter"),
        ({"kv": 70, "filters": {"Al": 2.0}}, {"KVP": 81}, "beam-quality"),
        (
            {"kv": 40, "anode": "W", "filters": {"Al": 2.0}},
            {"AnodeTargetMaterial": "RHODIUM"},
            "beam-quality",
        ),
        ({"kv": 28, "combination": "W/Rh"}, {"FilterMaterial": ["SILVER"]}, "beam-quality"),
    ],
)
def test_refusals(given: dict[str, Any], facts: dict[str, object], code: str) -> None:
    with pytest.raises(InputError) as caught:
        beams.compute(given, silent(**facts), None)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")


def test_a_quality_or_a_computed_beam_is_needed(soft: list[Image]) -> None:
    beam = {"hvl_mm_al": 5.8}
    refused(NAME, soft, "missing-parameter", kerma_ugy=[K, K])
    refused(NAME, soft, "missing-parameter", kerma_ugy=[K, K], beam=beam)
    refused(NAME, soft, "missing-parameter", kerma_ugy=[K, K], beam=beam,
            snr2_in_from="computed", quality="RQA5")  # fmt: skip
    refused(NAME, soft, "bad-parameter", kerma_ugy=[K, K], snr2_in_from="computed")
    refused(NAME, soft, "bad-parameter", kerma_ugy=[K, K], snr2_in_from="mine", beam=beam)
    refused(NAME, soft, "beam-quality", kerma_ugy=[K, K], quality="RQA5", edition="2015",
            beam={"kv": 81, "hvl_mm_al": 5.8})  # fmt: skip
