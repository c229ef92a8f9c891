"""From right and wrong choices in a CDRAD-like phantom to corrected squares and the figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.objects._cells import Layout

Array = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]

SCHEME = "nearest neighbours, version 1"


def corrected(right: Bools) -> Bools:
    """Apply the correction scheme to one reading; always from the original answers.

    A square answered right stays right with two right neighbours of its four; one answered wrong
    becomes right with three. At the rim, a square in a corner of the grid has two neighbours: it
    stays right with one, and becomes right with both. (Recalled from the manuals of CDRAD and
    CDMAM; that neighbours' original answers count was seen.)
    """
    padded = np.pad(right.astype(int), 1)
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    there = np.pad(np.ones(right.shape, dtype=int), 1)
    count = there[:-2, 1:-1] + there[2:, 1:-1] + there[1:-1, :-2] + there[1:-1, 2:]
    keep = np.where(count == 2, 1, 2)
    gain = np.where(count == 2, 2, 3)
    return np.asarray(np.where(right, around >= keep, around >= gain))


def smallest_seen(seen: Bools, plan: Layout) -> tuple[Array, int]:
    """Return the smallest diameter seen in each column (depth), and how many columns show none."""
    diameters = np.asarray(plan.diameters_mm)
    smallest = np.full(seen.shape[1], plan.none_seen_mm)
    none = 0
    for column in range(seen.shape[1]):
        rows = np.flatnonzero(seen[:, column])
        if len(rows):
            smallest[column] = diameters[rows[-1]]
        else:
            none += 1
    return smallest, none


def quality_figure(seen: Bools, plan: Layout) -> tuple[float, float, int]:
    """Return IQF (mm²), 100 / IQF, and how many columns show no hole.

    IQF is the sum over depths of depth times smallest diameter seen. IQF_inv is the inverse of the
    sum of the products of diameter and threshold depth (definition seen in J. Appl. Clin. Med.
    Phys. 2019, doi 10.1002/acm2.12649), times 100 (recalled).
    """
    smallest, none = smallest_seen(seen, plan)
    figure = float((np.asarray(plan.depths_mm) * smallest).sum())
    return figure, 100.0 / figure, none
