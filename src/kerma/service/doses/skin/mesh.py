"""A skin dose map as the page's 3-D view takes it; `static/doses/skin.js` describes its use."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from kerma.charts.skin import UNDOSED, Scale, grids, scale_for
from kerma.physics.skin import SkinDoseMap
from kerma.physics.skin.result import Cells

_PER_MM = 10  # corners go as tenths of a millimetre


def mesh(found: SkinDoseMap) -> dict[str, Any]:
    """Return corners, cells, the step of each cell and the scale.

    Numbers are little-endian bytes in base64: ``corners`` int16 (x, y, z each) in tenths of a
    millimetre, ``dose`` float32 in the scale's unit, ``step`` int8 (−1 where there is no beam),
    ``hits`` uint16. Cells are given by their grids, so that their corners need not be sent.
    """
    cells = found.cells
    assert cells is not None
    scale = scale_for(float(cells.dose_mgy.max()))
    at = found.where
    return {
        "unit": scale.unit,
        "undosed": UNDOSED,
        "steps": [
            {"low": scale.text(s.low), "high": scale.text(s.high), "colour": s.colour}
            for s in scale.steps
        ],
        "grids": [
            {"cell": g.first_cell, "corner": g.first_corner, "nu": g.nu, "nv": g.nv,
             "closed": g.closed}
            for g in grids(cells)
        ],
        "corners": _packed(np.round(cells.vertices * _PER_MM), "<i2"),
        "dose": _packed(cells.dose_mgy * scale.per_mgy, "<f4"),
        "step": _packed(_steps(cells, scale), "<i1"),
        "hits": _packed(np.minimum(cells.hits, 0xFFFF), "<u2"),
        "peak": [at.left_mm, at.posterior_mm, at.cranial_mm] if at else None,
    }  # fmt: skip


def _steps(cells: Cells, scale: Scale) -> np.ndarray[Any, Any]:
    return scale.index(cells.dose_mgy)


def _packed(values: Any, kind: str) -> str:
    """Return numbers as bytes; what does not fit is a fault of the map, not to be cut off."""
    held = np.asarray(values)
    limits = np.iinfo(kind) if np.dtype(kind).kind in "iu" else None
    if (
        limits is not None
        and held.size
        and not limits.min <= held.min() <= held.max() <= limits.max
    ):
        raise OverflowError(f"{held.min()} to {held.max()} does not fit {kind}")
    return base64.b64encode(np.ascontiguousarray(held, dtype=kind).tobytes()).decode("ascii")
