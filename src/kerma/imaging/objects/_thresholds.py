"""Thresholds of a CDRAD-like phantom from the choices made in its squares."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Curve, InputError, Quantity, quantity
from kerma.imaging.objects import _scoring
from kerma.imaging.objects._cells import Layout
from kerma.imaging.tools import psychometric

Array = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]

# An ideal observer whose d' is in proportion to contrast, fitted by the same curve, has this slope.
IDEAL_SLOPE = 3.1
_DRAWS = 200
# A corner that stands out so far is right in all but one of some thousand squares.
_UNMISSABLE = 6.0


def require_key_fits(
    strength: Array, chosen: npt.NDArray[np.intp], key: npt.NDArray[np.intp], plan: Layout
) -> None:
    """Refuse a key that holes nobody can miss contradict.

    Parameters
    ----------
    strength
        Corner means over their noise, shape (images, rows, columns, 4).
    chosen, key
        Corners chosen (images, rows, columns) and true (rows, columns).
    plan
        The phantom.

    Raises
    ------
    InputError
        Code ``wrong-key``.
    """
    clear = strength.max(axis=-1) >= _UNMISSABLE
    clear[:, : plan.single_rows] = False
    agree = (chosen == key)[clear]
    if len(agree) >= 8 and agree.mean() < 0.9:
        raise InputError(
            f"The key does not belong to this phantom: in {100 * (1 - agree.mean()):.0f} % of the "
            "squares whose hole is plain to see it names another corner. Check which phantom was "
            "exposed and which way the key is read.",
            code="wrong-key",
            detail={"agree": float(agree.mean()), "squares": len(agree)},
        )


def fitted(
    right: Bools,
    plan: Layout,
    given_slope: float | None,
    *,
    values: dict[str, Quantity],
    curves: list[Curve],
    warnings: list[str],
) -> dict[int, psychometric.Fit]:
    """Fit a threshold depth for each diameter with one slope for all, and give the curve."""
    count = [float(len(right))] * plan.cells
    rows = range(plan.single_rows, plan.cells)
    tables = {r: (plan.depths_mm, right[:, r].sum(axis=0).tolist(), count) for r in rows}
    slope = given_slope
    if slope is None:
        shared = psychometric.shared_slope(list(tables.values()))
        if shared is None:
            slope = IDEAL_SLOPE
            warnings.append(
                f"The slope of the psychometric curves could not be fitted; {IDEAL_SLOPE:g}, that "
                "of an ideal observer, was used."
            )
        else:
            slope = shared[0]
            values["slope"] = quantity(shared[0], "1", shared[1])
    fits: dict[int, psychometric.Fit] = {}
    points = []
    for row, (depths, correct, total) in tables.items():
        fit = psychometric.fit(depths, correct, total, slope=slope)
        diameter = plan.diameters_mm[row]
        if fit.threshold is None or fit.u is None:
            warnings.append(f"No threshold depth at {diameter:g} mm. {fit.reason}")
            continue
        fits[row] = fit
        name = f"threshold_depth_{diameter:g}mm".replace(".", "_")
        values[name] = quantity(fit.threshold, "mm", fit.u)
        points.append((diameter, fit.threshold, fit.u, fit.interval))
        if fit.beyond > 0.05:
            warnings.append(
                f"The threshold at {diameter:g} mm is so near the end of the depths that its "
                "uncertainty is too small."
            )
        if fit.misfit is not None and fit.misfit < 0.01:
            warnings.append(f"At {diameter:g} mm the choices do not follow the fitted curve.")
    points.sort()
    label = ("Diameter", "mm", "Threshold depth", "mm")
    if points:
        curves.append(
            Curve("Contrast-detail curve", tuple(p[0] for p in points),
                  tuple(p[1] for p in points), *label, tuple(p[2] for p in points))
        )  # fmt: skip
    for which, name in ((0, "lower"), (1, "upper")):
        closed = [(p[0], end) for p in points if (end := p[3][which]) is not None]
        if closed:
            x, y = zip(*closed, strict=True)
            curves.append(Curve(f"Contrast-detail curve: {name} limit (95 %)", x, y, *label))
    return fits


def figure_spread(right: Bools, fits: dict[int, psychometric.Fit], plan: Layout) -> float:
    """Return the scatter of IQF_inv of one image, drawn from the fitted rates of each square."""
    rate = right.mean(axis=0)
    for row, fit in fits.items():
        rate[row] = fit.rate(plan.depths_mm)
    random = np.random.default_rng(psychometric.SEED)
    drawn = random.random((_DRAWS, *rate.shape)) < rate
    figures = [_scoring.quality_figure(_scoring.corrected(d), plan)[1] for d in drawn]
    return float(np.std(figures, ddof=1))
