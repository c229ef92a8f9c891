"""Uniformity of a display."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kerma import imaging
from kerma.imaging.table import read_columns
from tests.imaging.helpers import refused, u, value

NAME = "display-uniformity"
READ = [200.0, 195.0, 190.0, 180.0, 198.0]
PLACES = ["centre", "top left", "top right", "bottom left", "bottom right"]


def test_by_hand() -> None:
    found = imaging.analyse(NAME, (), luminance_cd_m2=READ, place=PLACES)
    assert value(found, "nonuniformity") == pytest.approx(200 * 20 / 380)
    assert value(found, "max_deviation_centre") == pytest.approx(10.0)
    assert value(found, "max_deviation_median") == pytest.approx(100 * 15 / 195)
    assert value(found, "mean") == pytest.approx(192.6)
    assert found.warnings == ()


def test_without_a_centre_there_is_no_deviation_from_it() -> None:
    found = imaging.analyse(NAME, (), luminance_cd_m2=READ)
    assert "max_deviation_centre" not in found.values
    assert any("centre" in w for w in found.warnings)


def test_several_levels_are_judged_apart(tmp_path: Path) -> None:
    path = tmp_path / "display.csv"
    rows = [
        f"{p},{level},{v * level / 204}"
        for level in (26, 204)
        for p, v in zip(PLACES, READ, strict=True)
    ]
    path.write_text("place,level,luminance_cd_m2\n" + "\n".join(rows) + "\n")
    found = imaging.find(NAME).run((), **read_columns(path))
    for level in (26, 204):
        assert value(found, f"nonuniformity_at_{level}") == pytest.approx(200 * 20 / 380)
    assert value(found, "mean_at_26") == pytest.approx(192.6 * 26 / 204)


def test_uncertainty_is_that_of_repeated_readings() -> None:
    random = np.random.default_rng(1)
    seen = [
        value(
            imaging.analyse(NAME, (), luminance_cd_m2=(np.array(READ) * (1 + 0.001 * e)).tolist()),
            "nonuniformity",
        )
        for e in random.normal(size=(300, 5))
    ]
    found = imaging.analyse(NAME, (), luminance_cd_m2=READ, u_percent=0.1)
    assert np.std(seen) == pytest.approx(u(found, "nonuniformity"), rel=0.15)


def test_gain_changes_nothing() -> None:
    first = imaging.analyse(NAME, (), luminance_cd_m2=READ)
    second = imaging.analyse(NAME, (), luminance_cd_m2=[3 * r for r in READ])
    for name in ("nonuniformity", "max_deviation_median"):
        assert value(second, name) == pytest.approx(value(first, name))


def test_refusals() -> None:
    refused(NAME, (), "missing-parameter")
    refused(NAME, (), "bad-parameter", luminance_cd_m2=READ[:4])
    refused(NAME, (), "bad-parameter", luminance_cd_m2=[0.0, *READ])
    refused(NAME, (), "bad-parameter", luminance_cd_m2=READ, place=PLACES[:3])
    refused(NAME, (), "bad-parameter", luminance_cd_m2=READ, place=["centre"] * 5)
    refused(NAME, (), "bad-parameter", luminance_cd_m2=READ, level=[1.0, 1.0, 1.0, 2.0, 2.0])
