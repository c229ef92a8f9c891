"""Uncertainty of the peak: the same examination many times, each time with other true values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.special

from kerma.core import InputError
from kerma.physics.skin.case import Case
from kerma.physics.skin.checks import day_of
from kerma.physics.skin.kernel import Beams
from kerma.physics.skin.phantom import design
from kerma.physics.skin.result import Spread
from kerma.reference import row

Array = npt.NDArray[np.float64]
# Displays may be wrong by so much; without a calibration nothing better is known.
KERMA_ROW = "qa-tests/interventional/reference_air_kerma_accuracy"
_special: Any = scipy.special
_OUTSIDE = 4.55  # per cent of a normal distribution outside two standard deviations


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """Standard uncertainties to vary, and how often; ``None`` takes what the room or design says.

    Attributes
    ----------
    across_mm, down_mm, along_mm
        Patient on the table (down: with the table).
    kerma
        Relative, of the displayed kerma of every plane; by default each plane's own calibration, or
        the tolerance of displays as a rectangular distribution.
    backscatter, transmission
        Relative, common to all events.
    contributions
        Also vary each input alone (as many runs again for each).
    """

    runs: int = 100
    seed: int = 1
    across_mm: float | None = None
    down_mm: float | None = None
    along_mm: float | None = None
    kerma: float | None = None
    backscatter: float | None = None
    transmission: float | None = None
    contributions: bool = False

    def __post_init__(self) -> None:
        given = (
            self.across_mm, self.down_mm, self.along_mm, self.kerma, self.backscatter,
            self.transmission,
        )  # fmt: skip
        if self.runs < 10 or any(g is not None and not 0 <= g < 1e4 for g in given):
            raise InputError(
                "An ensemble has at least 10 runs and uncertainties of zero or more.",
                code="bad-settings",
            )


def display_u() -> float:
    """Return the relative standard uncertainty of a display that nobody calibrated.

    The tolerance of the reference row, taken as the half width of a rectangular distribution.
    """
    remedial = row(KERMA_ROW).fields["levels"]["remedial"]
    return _half_width(remedial) / math.sqrt(3)


def _half_width(remedial: Any) -> float:
    from kerma.reference import criterion

    bound = criterion(remedial).high
    assert bound is not None
    return bound.to("1").value


def _inputs(case: Case, given: Ensemble) -> dict[str, float]:
    """Return the standard uncertainties by name; those of the kerma once for each plane."""
    known = design()["uncertainty"]

    def chosen(value: float | None, otherwise: float) -> float:
        return otherwise if value is None else value

    out = {
        "patient across": chosen(given.across_mm, known["patient_across_mm"]),
        "patient down": chosen(given.down_mm, known["patient_down_mm"]),
        "patient along": chosen(given.along_mm, known["patient_along_mm"]),
        "backscatter": chosen(given.backscatter, known["backscatter_relative"]),
        "table": chosen(given.transmission, case.profile.transmission.u_relative),
    }
    for plane, u in _planes(case).items():
        out[f"kerma {plane}".strip()] = chosen(given.kerma, u)
    return out


def _planes(case: Case) -> dict[str, float]:
    found: dict[str, float] = {}
    for index in case.placement.placed:
        event = case.placement.events[index]
        calibration = case.profile.calibration(event.plane, day_of(event))
        found[event.plane] = calibration.u_relative if calibration else display_u()
    return found


def spread(case: Case, offset_mm: Sequence[float], given: Ensemble) -> Spread:
    """Return the spread of the peak over the ensemble.

    Places of the patient are normal, factors log-normal with the relative uncertainty stated; each
    is one value for the whole examination, each plane's kerma its own.
    """
    inputs = _inputs(case, given)
    draws = _draws(given.runs, len(inputs), given.seed)
    peaks = np.array([_one(case, offset_mm, inputs, z) for z in draws])
    alone = {}
    if given.contributions:
        for k, (name, u) in enumerate(inputs.items()):
            only = np.zeros_like(draws)
            only[:, k] = draws[:, k]
            runs = (_one(case, offset_mm, inputs, z) for z in only)
            alone[name] = float(np.std(list(runs), ddof=1)) if u > 0 else 0.0
    low, high = np.percentile(peaks, [_OUTSIDE / 2, 100 - _OUTSIDE / 2])
    return Spread(
        runs=given.runs, seed=given.seed, low_mgy=float(low), high_mgy=float(high),
        mean_mgy=float(peaks.mean()), u_mgy=float(peaks.std(ddof=1)), contributions=alone,
        inputs=inputs,
    )  # fmt: skip


def _draws(runs: int, inputs: int, seed: int) -> Array:
    """Return standard normal draws (runs, inputs) as a Latin hypercube.

    Of every input each hundredth (of a hundred runs) is met once, so few runs give steady limits.
    """
    rng = np.random.default_rng(seed)
    layers = rng.permuted(np.tile(np.arange(runs), (inputs, 1)), axis=1).T
    return np.asarray(_special.ndtri((layers + rng.random((runs, inputs))) / runs))


def _factor(u: float, z: float) -> float:
    return math.exp(math.sqrt(math.log1p(u * u)) * z)


def _one(case: Case, offset_mm: Sequence[float], inputs: dict[str, float], z: Array) -> float:
    """Return the peak of one member of the ensemble."""
    at = dict(zip(inputs, z, strict=True))
    moved = [
        by + inputs[f"patient {axis}"] * at[f"patient {axis}"]
        for by, axis in zip(offset_mm, ("across", "down", "along"), strict=True)
    ]
    return case.solved(moved, _altered(case, inputs, at)).square


def _altered(case: Case, inputs: dict[str, float], at: dict[str, float]) -> Beams:
    common = _factor(inputs["backscatter"], at["backscatter"])
    of_event = []
    for index in case.placement.placed:
        name = f"kerma {case.placement.events[index].plane}".strip()
        of_event.append(common * _factor(inputs[name], at[name]))
    beams = case.beams
    through = beams.log_transmission + math.log(_factor(inputs["table"], at["table"]))
    return replace(
        beams,
        weight=beams.weight * np.array(of_event)[beams.event],
        # Nothing lets more through than comes in; a table of which nothing is known stays so.
        log_transmission=np.where(beams.log_transmission == 0, 0.0, np.minimum(through, 0.0)),
    )


def over_box(case: Case, offset_mm: Sequence[float], half_mm: Sequence[float]) -> dict[str, Any]:
    """Return smallest and largest peak over a box of patient positions, and where (mm).

    The box's corners, the middles of its edges and faces, and its middle: 27 places.
    """
    if len(half_mm) != 3 or min(half_mm) < 0:
        raise InputError("A box of positions has three half widths.", code="bad-settings")
    found = []
    for steps in itertools.product(*((-h, 0.0, h) if h else (0.0,) for h in half_mm)):
        moved = tuple(o + s for o, s in zip(offset_mm, steps, strict=True))
        found.append((case.solved(moved).square, moved))
    low, high = min(found), max(found)
    return {
        "half_mm": [float(h) for h in half_mm],
        "low_mgy": low[0], "low_at_mm": list(low[1]),
        "high_mgy": high[0], "high_at_mm": list(high[1]),
        "places": len(found),
    }  # fmt: skip
