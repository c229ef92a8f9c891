"""What is worked out from a drawing: its faults, its assessment, the map of a storey."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import InputError
from kerma.physics.shielding import plan as shielding
from kerma.physics.shielding.plan.document import FARTHEST_M
from kerma.service.protection.shielding.drawing import Sheet

# Points of a map of the page; finer ones are asked for by the paper. Design choices.
MAP_POINTS = 200
_LEAST_STEP_M = 0.02
# A large plan takes seconds and a gigabyte: this many are worked out at one time, others wait.
_AT_ONCE = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Worked:
    """Faults of a drawing, and its assessment where nothing keeps it from one."""

    faults: tuple[shielding.Fault, ...]
    assessment: Mapping[str, Any] | None

    @property
    def blocking(self) -> list[shielding.Fault]:
        """The faults that keep it from being assessed."""
        return [f for f in self.faults if f.blocking]


def worked(sheet: Sheet) -> Worked:
    """Check a drawing and assess it."""
    faults = (*unscaled(sheet), *shielding.faults(sheet.plan))
    if any(f.blocking for f in faults):
        return Worked(faults, None)
    with _AT_ONCE:
        found = shielding.assess(sheet.plan, material_for=dict(sheet.add))
    return Worked(faults, found.as_dict())


def unscaled(sheet: Sheet) -> tuple[shielding.Fault, ...]:
    """Return a fault for each storey drawn over a picture whose scale nobody has set.

    What was drawn over it would have whatever size the picture happened to be shown at.
    """
    bare = {laid.storey for laid in sheet.underlays if laid.metres_per_pixel is None}
    return tuple(
        shielding.Fault(
            "no-scale", storey.key,
            f"The picture under {storey.name} has no scale: click the two ends of a length you "
            "know (Scale), or take the picture away.",
        )
        for storey in sheet.plan.storeys if storey.key in bare
    )  # fmt: skip


def mapped(sheet: Sheet, storey: str, box: tuple[float, float, float, float],
           height_m: float) -> dict[str, Any]:  # fmt: skip
    """Return the kerma over a part of a storey, as the page draws it.

    Parameters
    ----------
    sheet, storey
        The drawing, and which storey of it.
    box
        x and y of two corners, m.
    height_m
        Above the storey's floor.

    Raises
    ------
    InputError
        ``bad-box``; those of the library.
    """
    # However far somebody zooms out, nothing is drawn farther than this.
    x0, y0, x1, y1 = (min(max(v, -FARTHEST_M), FARTHEST_M) for v in box)
    if not (np.isfinite(box).all() and x1 - x0 > _LEAST_STEP_M and y1 - y0 > _LEAST_STEP_M):
        raise InputError("The part of the plan to map has no size.", code="bad-box")
    step = max((x1 - x0) / MAP_POINTS, (y1 - y0) / MAP_POINTS, _LEAST_STEP_M)
    x, y = np.arange(x0, x1, step) + step / 2, np.arange(y0, y1, step) + step / 2
    found = shielding.grid(sheet.plan, storey, x, y, height_m)
    values = np.asarray(found.total, dtype="<f4")
    return {
        "x": x0, "y": y0, "step": step, "columns": len(x), "rows": len(y),
        "unit": "mGy", "period": sheet.plan.period,
        "kerma": base64.b64encode(values.tobytes()).decode("ascii"),
    }  # fmt: skip
