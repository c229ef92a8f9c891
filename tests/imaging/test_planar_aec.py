"""Automatic exposure control over conditions whose signal is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, u, value

NAME = "planar-aec"
P, SIDE = 0.2, 256
# kV -> signal; mean 1000, deviations -4, +1, +3 %
SIGNAL = {60.0: 960.0, 80.0: 1010.0, 100.0: 1030.0}
KV = list(SIGNAL)


def image(signal: float, seed: int = 0, **facts: object) -> Image:
    pixels = planar.flat_field((SIDE, SIDE), mean=signal, noise=math.sqrt(signal), seed=seed)
    return planar.as_image(pixels, P, facts=facts)


def over_kv(repeats: int = 1, **facts: object) -> list[Image]:
    return [
        image(s, 10 * i + r, KVP=kv, ExposureIndex=s / 4, ExposureInuAs=round(1e6 / kv), **facts)
        for i, (kv, s) in enumerate(SIGNAL.items())
        for r in range(repeats)
    ]


def measure(images: list[Image], **parameters: object) -> Analysis:
    return imaging.analyse(NAME, images, **parameters)


def test_known_deviations_over_tube_voltage() -> None:
    found = measure(over_kv())
    assert value(found, "signal_max_deviation") == pytest.approx(4.0, abs=0.1)
    assert value(found, "signal_cv") == pytest.approx(
        100 * np.std([0.96, 1.01, 1.03], ddof=1), abs=0.1
    )
    assert value(found, "ei_max_deviation") == pytest.approx(4.0, abs=1e-9)
    assert value(found, "ei_cv") == pytest.approx(100 * np.std([0.96, 1.01, 1.03], ddof=1))
    assert found.values["ei_max_deviation"].u is None
    assert 0 < u(found, "signal_max_deviation") < 0.1
    assert value(found, "snr_max_deviation") == pytest.approx(2.0, abs=4 * u(found, "snr_cv"))
    assert "mas_cv" not in found.values
    assert "signal_repeatability" not in found.values
    assert any("no repeatability" in w for w in found.warnings)


def test_deviation_from_one_baseline_and_from_one_for_each_condition() -> None:
    one = measure(over_kv(), baseline={"signal": 1000.0, "ei": 250})
    assert value(one, "signal_max_deviation_from_baseline") == pytest.approx(4.0, abs=0.1)
    assert value(one, "ei_max_deviation_from_baseline") == pytest.approx(4.0)
    each = {"60 kV": 960.0, "80 kV": 1000.0, "100 kV": 1030.0}
    found = measure(over_kv(), baseline={"signal": each})
    assert value(found, "signal_max_deviation_from_baseline") == pytest.approx(1.0, abs=0.1)
    mas = measure(over_kv(), baseline={"mas": {"60 kV": 16.667, "80 kV": 12.5, "100 kV": 12.5}})
    assert value(mas, "mas_max_deviation_from_baseline") == pytest.approx(20.0, abs=0.01)
    error = refused(NAME, over_kv(), "unknown-condition", baseline={"signal": {"60 kV": 1.0}})
    assert "80 kV" in error.message or "100 kV" in error.message


def test_repeats_of_known_scatter() -> None:
    rng = np.random.default_rng(7)
    scatter = 1 + rng.normal(0, 0.02, (3, 40))
    images = [
        image(float(signal * s), 100 * i + j, KVP=kv, ExposureIndex=float(250 * s),
              Exposure=float(10 * s))
        for i, (kv, signal) in enumerate(SIGNAL.items())
        for j, s in enumerate(scatter[i])
    ]  # fmt: skip
    small = [planar.as_image(i.pixels[:128, :128], P, facts=i.facts) for i in images]
    found = measure(small)
    for name in ("signal", "ei", "mas"):
        at = value(found, f"{name}_repeatability")
        assert at == pytest.approx(2.0, abs=3 * u(found, f"{name}_repeatability")), name
        assert value(found, f"{name}_max_repeat_deviation") > 2 * at
    assert u(found, "ei_repeatability") == pytest.approx(2.0 / math.sqrt(2 * 117), rel=0.2)
    part = value(found, "signal_repeatability") / math.sqrt(40)
    assert u(found, "signal_max_deviation") == pytest.approx(part * math.sqrt(2 / 3), rel=0.05)
    (row,) = (r for r in found.facts["conditions"] if r["condition"] == "80 kV")
    assert row["images"] == 40


def test_conditions_are_made_of_voltage_thickness_and_label() -> None:
    images = over_kv() + over_kv()
    images = [image(1000.0, i, KVP=80) for i in range(4)]
    found = measure(
        images, thickness_mm=[100, 100, 200, 200],
        conditions=["centre", "left", "centre", "centre"],
    )  # fmt: skip
    names = [row["condition"] for row in found.facts["conditions"]]
    assert names == ["80 kV, 100 mm, centre", "80 kV, 100 mm, left", "80 kV, 200 mm, centre"]
    assert "signal_repeatability" in found.values
    silent = measure([image(1000.0, i) for i in range(2)], kv=[60, 80], mas=[10, 5])
    assert [r["condition"] for r in silent.facts["conditions"]] == ["60 kV", "80 kV"]
    assert [r["mas"] for r in silent.facts["images"]] == [10, 5]


def test_tube_charge_is_read_from_whichever_field_has_it() -> None:
    facts = [
        {"ExposureInuAs": 12500, "Exposure": 13}, {"Exposure": "13"},
        {"XRayTubeCurrent": 250, "ExposureTime": 50}, {},
    ]  # fmt: skip
    images = [image(1000.0, i, KVP=80, **f) for i, f in enumerate(facts)]
    found = measure(images)
    assert [r.get("mas") for r in found.facts["images"]] == [12.5, 13.0, 12.5, None]
    assert any("1 of 4" in w and "current-time" in w for w in found.warnings)


def test_curves_over_voltage_and_thickness() -> None:
    found = measure(over_kv(2))
    x, y, _ = curve(found, "Signal over tube voltage")
    assert list(x) == KV
    assert y == pytest.approx(list(SIGNAL.values()), rel=0.002)
    assert not any("thickness" in c.name for c in found.curves)
    thick = measure([image(900.0 + i, i, KVP=80) for i in range(3)], thickness_mm=[50, 100, 150])
    assert list(curve(thick, "Signal over thickness")[0]) == [50, 100, 150]


def test_linearised_signal_is_air_kerma() -> None:
    offset = [planar.as_image(i.pixels + 500, P, facts=i.facts) for i in over_kv()]
    found = measure(offset, stp={"model": "linear", "a": 500.0, "b": 400.0})
    assert found.facts["unit"] == "uGy"
    assert value(found, "signal_max_deviation") == pytest.approx(4.0, abs=0.1)
    raw = measure(offset)
    assert value(raw, "signal_max_deviation") < 3.0  # negative control: the offset dilutes it
    assert any("pixel values" in w for w in raw.warnings)


def test_an_exposure_set_by_hand_is_said() -> None:
    by_hand = over_kv(ExposureControlMode="MANUAL")
    assert any("by hand" in w for w in measure(by_hand).warnings)
    assert not any(
        "by hand" in w for w in measure(over_kv(ExposureControlMode="AUTOMATIC")).warnings
    )


def test_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(60):
        images = [
            planar.as_image(
                planar.flat_field((96, 96), mean=s, noise=4 * math.sqrt(s), seed=seed * 9 + i),
                P, facts={"KVP": kv},
            )
            for i, (kv, s) in enumerate(SIGNAL.items())
        ]  # fmt: skip
        found = measure(images, side_mm=15)
        z.append((value(found, "signal_max_deviation") - 4.0) / u(found, "signal_max_deviation"))
    assert (np.abs(z) <= 2).mean() >= 0.87
    assert 0.6 < np.std(z) < 1.4


def test_order_and_gain_do_not_matter_and_bits_repeat() -> None:
    images = over_kv(2)
    one, two = measure(images), measure(images[::-1])
    for name in one.values:
        assert value(two, name) == pytest.approx(value(one, name), rel=1e-9), name
    gained = [planar.as_image(i.pixels * 3, P, facts=i.facts) for i in images]
    assert value(measure(gained), "signal_cv") == pytest.approx(value(one, "signal_cv"))
    assert measure(over_kv(2)).as_dict() == one.as_dict()


def test_refusals() -> None:
    images = over_kv()
    for name in ("conditions", "thickness_mm", "kv", "mas"):
        one = ["a"] if name == "conditions" else [1.0]
        refused(NAME, images, "list-length", **{name: one})
    refused(NAME, images[:1], "too-few-images")
    refused(NAME, [images[0], images[0]], "same-frame")
    refused(NAME, images, "bad-parameter", baseline={"contrast": 1.0})
    refused(NAME, images, "bad-parameter", baseline={"signal": 0})
    refused(NAME, images, "bad-parameter", baseline={"signal": "high"})
    refused(NAME, images, "bad-parameter", thickness_mm=[1.0, -2.0, 3.0])
    edge = planar.edge((SIDE, SIDE), pixel_mm=P, sigma_mm=0.1, tilt_deg=2)
    refused(NAME, [*images, planar.as_image(edge, P)], "not-flat")
    mixed = [image(1000.0, i, DetectorID=str(i)) for i in range(2)]
    refused(NAME, mixed, "mixed-detectors")
    shown = planar.as_image(images[0].pixels, P, processing="presentation")
    refused(NAME, [*images[1:], shown], "processed-image")
    assert measure([*images[1:], shown], allow_processed=True).values
    refused(NAME, [*images, planar.as_image(planar.anatomy(seed=3), P)], "clinical-looking")
