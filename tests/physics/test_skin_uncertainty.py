"""The ensemble: what it varies, how the spread follows, and that it is the same every time."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from kerma.core import InputError
from kerma.physics.skin import Ensemble, RoomProfile, Settings, SkinDoseMap, plane
from kerma.physics.skin.ensemble import KERMA_ROW, display_u
from kerma.physics.skin.profile import KermaCalibration
from tests.physics.skin_cases import FREE_IN_AIR, HALF, ROOM, SKIN_AT_MM, dose, event, psd, room

FLAT = plane(400.0, 1200.0)
NOTHING = Ensemble(
    runs=150, across_mm=0.0, down_mm=0.0, along_mm=0.0, kerma=0.0, backscatter=0.0,
    transmission=0.0,
)  # fmt: skip


def varied(ensemble: Ensemble, profile: RoomProfile = ROOM, *planes: str) -> SkinDoseMap:
    events = [event(plane=p) for p in planes or ("single plane",)]
    return dose(
        *events, profile=profile, phantom=FLAT, settings=replace(FREE_IN_AIR, ensemble=ensemble)
    )


def u(found: SkinDoseMap) -> float:
    assert found.psd is not None
    assert found.psd.u is not None
    return found.psd.u


def test_without_uncertainty_there_is_no_spread() -> None:
    found = varied(NOTHING)
    assert u(found) < 1e-9
    assert found.spread is not None
    assert found.spread.low_mgy == pytest.approx(psd(found), rel=1e-9)


@pytest.mark.parametrize("one", ["kerma", "backscatter"])
def test_a_factor_alone_gives_its_own_relative_uncertainty(one: str) -> None:
    found = varied(replace(NOTHING, **{one: 0.1}))
    assert u(found) / psd(found) == pytest.approx(0.1, rel=0.08)
    assert found.spread is not None
    # The k = 2 interval of a log-normal factor.
    width = math.sqrt(math.log1p(0.01))
    assert found.spread.low_mgy == pytest.approx(psd(found) * math.exp(-2 * width), rel=0.05)
    assert found.spread.high_mgy == pytest.approx(psd(found) * math.exp(2 * width), rel=0.05)


def test_the_table_alone_and_only_where_a_table_is_known() -> None:
    given = replace(NOTHING, transmission=0.1)
    found = varied(given, room(transmission=HALF))
    assert u(found) / psd(found) == pytest.approx(0.1, rel=0.08)
    unknown = varied(given)
    assert u(unknown) < 1e-9  # an upper bound stays one
    assert any("upper bound" in a for a in unknown.assumptions)


def test_the_patients_height_above_the_table_alone() -> None:
    """dD/D = 2 dl/l: 10 mm of 650 mm are 3.1 %."""
    found = varied(replace(NOTHING, down_mm=10.0))
    assert u(found) / psd(found) == pytest.approx(2 * 10 / SKIN_AT_MM, rel=0.15)
    across = varied(replace(NOTHING, across_mm=20.0, along_mm=20.0))
    assert u(across) / psd(across) < 1e-3  # a flat patient moved in its own plane


def test_planes_are_displayed_independently() -> None:
    given = replace(NOTHING, kerma=0.1)
    one = varied(given, ROOM, "A", "A")
    two = varied(given, ROOM, "A", "B")
    assert psd(one) == pytest.approx(psd(two), rel=1e-12)
    assert u(one) / psd(one) == pytest.approx(0.1, rel=0.08)
    assert u(two) / psd(two) == pytest.approx(0.1 / math.sqrt(2), rel=0.12)


def test_a_calibration_says_how_well_the_kerma_is_known() -> None:
    known = room(calibrations=(KermaCalibration(1.0, 0.03, date(2024, 1, 1)),))
    given = replace(NOTHING, kerma=None)
    assert u(varied(given, known)) / psd(varied(given, known)) == pytest.approx(0.03, rel=0.12)
    unknown = varied(given)
    assert u(unknown) / psd(unknown) == pytest.approx(display_u(), rel=0.15)
    assert display_u() == pytest.approx(0.35 / math.sqrt(3))
    assert KERMA_ROW in unknown.rests_on
    assert KERMA_ROW not in varied(given, known).rests_on


def test_contributions_name_what_matters() -> None:
    given = Ensemble(runs=100, contributions=True)
    found = dose(
        event(), profile=room(transmission=HALF), phantom=FLAT, settings=Settings(ensemble=given)
    )
    assert found.spread is not None
    parts = found.spread.contributions
    assert set(parts) == set(found.spread.inputs)
    assert max(parts, key=lambda name: parts[name]) == "kerma single plane"
    together = math.sqrt(sum(v**2 for v in parts.values()))
    assert found.spread.u_mgy == pytest.approx(together, rel=0.25)
    assert found.spread.inputs["patient along"] == 50.0


def test_the_same_seed_gives_the_same_spread() -> None:
    given = replace(NOTHING, runs=30, kerma=0.1)
    first, second = varied(given).spread, varied(given).spread
    assert first == second
    assert varied(replace(given, seed=2)).spread != first


def test_the_spread_covers_the_truth_as_often_as_it_says() -> None:
    """Rooms whose displays err as the ensemble supposes: 95 % of intervals hold the true dose."""
    rng = np.random.default_rng(11)
    width = math.sqrt(math.log1p(0.15**2))
    given = replace(NOTHING, runs=100, kerma=0.15)
    true_over_shown = np.exp(width * rng.standard_normal(20_000))
    for seed in (1, 2, 3):
        found = varied(replace(given, seed=seed))
        assert found.spread is not None
        low, high = (x / psd(found) for x in (found.spread.low_mgy, found.spread.high_mgy))
        covered = np.mean((true_over_shown >= low) & (true_over_shown <= high))
        assert covered == pytest.approx(0.9545, abs=0.02)


def test_a_box_of_positions() -> None:
    box = (20.0, 30.0, 50.0)
    found = dose(event(), phantom=FLAT, settings=replace(FREE_IN_AIR, box_mm=box))
    assert found.box is not None
    reference = 10.0 * 600.0**2
    assert found.box["low_mgy"] == pytest.approx(reference / (SKIN_AT_MM + 30) ** 2, rel=3e-4)
    assert found.box["high_mgy"] == pytest.approx(reference / (SKIN_AT_MM - 30) ** 2, rel=3e-4)
    assert found.box["low_at_mm"][1] == -30.0
    assert found.box["high_at_mm"][1] == 30.0
    assert found.box["places"] == 27
    assert SkinDoseMap.from_dict(json.loads(json.dumps(found.as_dict()))).box == found.box
    flat = dose(event(), phantom=FLAT, settings=replace(FREE_IN_AIR, box_mm=(0.0, 30.0, 0.0)))
    assert flat.box is not None
    assert flat.box["places"] == 3


def test_what_cannot_be_varied_is_refused() -> None:
    for wrong in ({"runs": 1}, {"kerma": -0.1}, {"along_mm": float("nan")}):
        with pytest.raises(InputError):
            Ensemble(**wrong)
    with pytest.raises(InputError):
        dose(event(), phantom=FLAT, settings=replace(FREE_IN_AIR, box_mm=(-1.0, 0.0, 0.0)))
