"""The protocols' own numbers: what a sign, a setup or a formula could get wrong."""

from __future__ import annotations

import math
import re

import pytest

from kerma.core import Quantity, Verdict, quantity, unit
from kerma.protocols import Inputs, Outcome, available, evaluate, load_protocol

Readings = dict[str, float | list[float]]


def outcome(protocol_id: str, test: str, readings: Readings) -> Outcome:
    protocol = load_protocol(protocol_id)
    given = {
        name: [quantity(v, str(protocol.reading(name).unit)) for v in values]
        for name, values in ((n, v if isinstance(v, list) else [v]) for n, v in readings.items())
    }
    found = evaluate(protocol, Inputs(readings=given), phase=None, include=[test])
    return next(o for o in found if o.test.id == test)


EDGES: Readings = {"edge_left": -35.0, "edge_right": 1.0, "edge_top": 2.0, "edge_bottom": -3.0}
# A distance or deviation typed with its sign, far beyond the limit: it must not pass.
SIGNED: list[tuple[str, str, Readings, float]] = [
    ("radiography-dr", "light_edge", EDGES, 35),
    ("radiography-dr", "light_total", EDGES, 3.6),
    ("radiography-dr", "light_edge_tecdoc", EDGES, 3.5),
    ("radiography-dr", "light_total_us", EDGES, 3.6),
    ("radiography-dr", "perpendicularity", {"perpendicularity": -4.0}, 4),
    ("radiography-dr", "receptor_centring", {"centre_offset": -40.0}, 4),
    ("radiography-cr", "light_edge", EDGES, 35),
    ("radiography-cr", "light_total", EDGES, 3.6),
    ("radiography-cr", "uniformity", {"uniformity": -14.0}, 14),
    ("mobile", "light_edge", EDGES, 35),
    ("mammography", "homogeneity", {"homogeneity": -18.0}, 18),
    ("mammography", "flat_site", {"homogeneity": -18.0}, 18),
    ("dental-cephalometric", "beam", {"beam_offset": -45.0}, 3),
    ("dental-cephalometric", "light", {"light_offset": -45.0}, 3),
    ("display", "gsdf", {"gsdf": -12.0}, 12),
    ("display", "gsdf_secondary", {"gsdf": -22.0}, 22),
    ("ct", "lights", {"laser_axial": -6.0, "laser_sagittal": 1.0, "laser_coronal": 0.0}, 6),
    ("ct", "scan_plane", {"scout_offset": -3.0}, 3),
]


@pytest.mark.parametrize(
    ("protocol_id", "test", "readings", "size"), SIGNED, ids=[f"{p}-{t}" for p, t, _, _ in SIGNED]
)
def test_a_sign_does_not_hide_a_misalignment(
    protocol_id: str, test: str, readings: Readings, size: float
) -> None:
    found = outcome(protocol_id, test, readings)
    assert found.value is not None
    assert found.value.value == pytest.approx(size)
    assert found.verdict.exceeded
    unsigned: Readings = {k: abs(v) for k, v in readings.items() if isinstance(v, float)}
    assert outcome(protocol_id, test, unsigned).value == found.value


K_80 = [1001.0, 1003.0, 998.0, 1006.0, 997.0]  # mean 1001
# Worked out by hand from the definitions in qa-tests (how_derived), not by Kerma's functions.
BY_HAND: list[tuple[str, str, Readings, float, str]] = [
    ("radiography-dr", "output_80", {"k_80": K_80}, 50.05, "uGy/mAs"),
    ("radiography-dr", "output_repeatability", {"k_80": K_80}, 100 * 5 / 1001, "%"),
    ("radiography-dr", "output_linearity_aerb",
     {"k_2": 98.0, "k_5": 249.0, "k_80": K_80, "k_50": 2530.0}, 0.8 / 98.8, "1"),
    ("radiography-dr", "output_anvisa", {"k_80": K_80, "kv_80": [82.0] * 5},
     50.05 * (80 / 82) ** 2, "uGy.m2/mAs"),
    ("radiography-dr", "esd_chest", {"k_120": [900.0, 905.0, 895.0], "bsf_chest": 1.3},
     0.9 / 10 * 2 / 1.55**2 * 1.3, "mGy"),
    ("radiography-dr", "dose_change", {"k_80": K_80}, 1.001 / 20 * 40 / 0.7**2, "mGy"),
    ("radiography-dr", "light_level", {"light_level": [170.0, 180.0, 175.0, 165.0],
     "light_ambient": 20.0}, 152.5, "lx"),
    ("ct", "ctdi_head", {"kl_head_centre": 30.0, "kl_head_edge": [32.0, 33.0, 31.0, 32.0],
     "ctdi_head_shown": 15.0}, (10 + 64 / 3) / 2, "mGy"),
    ("ct", "couch", {"couch_out": 297.0, "couch_back": 301.0}, 3, "mm"),
    ("ct", "slice_middle", {"slice_middle": 0.6}, 60, "%"),
    ("fluoroscopy", "barrier_us", {"barrier": 3.6, "rate_worst": 60.0}, 1e-4, "%"),
    ("mobile", "output_linearity_tecdoc", {"k_2": 98.0, "k_80": [250.0] * 5, "k_20": 1020.0},
     2, "%"),
    ("dental-intraoral", "linearity_aerb", {"k_60": [500.0, 505.0, 495.0, 500.0], "k_400": 1010.0},
     0.025 / 5.025, "1"),
    ("display", "pair", {"l_max": 500.0, "l_pair": 440.0}, 100 * 60 / 470, "%"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("protocol_id", "test", "readings", "number", "symbol"),
    BY_HAND,
    ids=[f"{p}-{t}" for p, t, *_ in BY_HAND],
)
def test_a_result_by_hand(
    protocol_id: str, test: str, readings: Readings, number: float, symbol: str
) -> None:
    found = outcome(protocol_id, test, readings)
    assert found.value is not None
    assert found.value.to(symbol).value == pytest.approx(number, rel=1e-9)


def test_a_kap_meter_is_judged_against_what_was_measured() -> None:
    # 26.5 uGy on 20 cm x 25 cm is 13.25 mGy.cm2; the meter shows 21 % more.
    readings: Readings = {
        "k_kap": [26.4, 26.5, 26.6], "kap_width": 20.0, "kap_length": 25.0,
        "kap_shown": [13.25 * 1.21] * 3,
    }  # fmt: skip
    found = outcome("radiography-dr", "kap_accuracy", readings)
    assert found.nominal is not None
    assert found.nominal.to("mGy.cm2").value == pytest.approx(13.25)
    assert found.verdict is Verdict.REMEDIAL


_STATED = re.compile(r"(\d+(?:\.\d+)?) (kV|mAs|mA|ms|mm Cu|mm Al)\b")


@pytest.mark.parametrize("protocol_id", available())
def test_titles_say_what_the_setups_hold(protocol_id: str) -> None:
    """A technologist sets what the title says; the formulas use what the setup holds."""
    protocol = load_protocol(protocol_id)

    def held(setup: str, number: str, symbol: str) -> bool | None:
        values = [
            v.to(symbol).value
            for v in protocol.setups[setup].values.values()
            if isinstance(v, Quantity) and v.unit.same_kind(unit(symbol))
        ]
        return any(math.isclose(v, float(number)) for v in values) if values else None

    for setup in protocol.setups.values():
        for number, symbol in _STATED.findall(setup.title):
            assert held(setup.id, number, symbol), (setup.id, number, symbol)
    for reading in protocol.readings:
        if reading.setup:
            for number, symbol in _STATED.findall(reading.title):
                assert held(reading.setup, number, symbol) is not False, reading.id
