"""Place a proven phantom: roll and middle by its inserts, its place along the axis by its ramps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerma.core import AnalysisError, InputError
from kerma.imaging.phantoms._centroids import fit_inserts, insert_centroid
from kerma.imaging.phantoms._grid import disc_grid
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._ramps import Origin, fit_origin
from kerma.imaging.phantoms._rings import Match
from kerma.imaging.phantoms._spec import PhantomSpec
from kerma.imaging.phantoms._survey import Overrides, Survey

__all__ = ["Overrides", "Place", "disc_grid", "insert_centroid", "locate"]

_MOST_SLICES = 4
# Without ramps the middle of the run of slices that show the inserts stands in. It lies within a
# millimetre of the ramps' middle on the public series; the inserts end where the module does.
_U_RUN_MM = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the phantom is, what the ramps said of it, and which modules the scan holds."""

    pose: Pose
    origin: Origin | None
    warnings: tuple[str, ...]
    scanned: frozenset[str]
    missing: tuple[str, ...]

    def holds(self, module: str) -> bool:
        """Return whether a module was scanned."""
        return module in self.scanned


def locate(seen: Survey, match: Match, spec: PhantomSpec) -> Place:
    """Return the pose of a proven phantom.

    With the origin slice set by hand the ramps are not asked.

    Raises
    ------
    InputError
        Code ``reversed-order``: the ramps move the wrong way from slice to slice;
        ``truncated-series``: the scan ends in the module with the inserts.
    """
    pose = _with_inserts(seen, match, spec)
    warnings: list[str] = []
    origin = None
    if seen.manual.slice_index is None:
        try:
            origin = fit_origin(seen.volume, pose, spec.sensitometry)
            pose = pose.moved(origin_mm=origin.origin_mm, u_origin_mm=origin.u_mm)
        except AnalysisError:
            u = float(np.hypot(_U_RUN_MM, seen.volume.increment_mm / np.sqrt(12)))
            pose = pose.moved(u_origin_mm=u)
            warnings.append(
                "The wire ramps do not stand out from the noise; the middle of the insert module "
                "is that of the slices which show the inserts. Give the slice with parameter "
                "origin_slice if it is known better."
            )
    _require_whole_module(seen, pose, spec)
    missing = tuple(name for name, z in spec.offsets_mm.items() if not seen.scanned(pose, z))
    if missing:
        warnings.append(
            f"Not in the scan, so not measured: {', '.join(missing)}. Scan the whole phantom to "
            "have all values."
        )
    if not seen.axis.whole:
        warnings.append(
            "The field of view cuts off the phantom's outline: its axis is known less well."
        )
    scanned = frozenset(spec.offsets_mm) - frozenset(missing)
    return Place(pose, origin, tuple(warnings), scanned, missing)


def _require_whole_module(seen: Survey, pose: Pose, spec: PhantomSpec) -> None:
    sens = spec.sensitometry
    ends = (-sens.half_range_mm, sens.half_range_mm)
    if seen.manual.slice_index is None and not all(seen.scanned(pose, z) for z in ends):
        raise InputError(
            f"The series is truncated: it ends in the {sens.module} part of the {spec.title}, "
            "which is needed whole. Scan the whole phantom.",
            code="truncated-series",
            detail={"missing": [sens.module]},
        )


def _with_inserts(seen: Survey, match: Match, spec: PhantomSpec) -> Pose:
    """Refine roll and middle on the centroids of the inserts with contrast over 100 HU."""
    pose, sens, manual = seen.pose(match), spec.sensitometry, seen.manual
    slices = match.slices[:: -(-len(match.slices) // _MOST_SLICES)]
    fit = fit_inserts(seen.volume, pose, slices, sens.inserts, sens.insert_radius_mm)
    if fit is not None:
        if manual.roll_deg is None:
            pose = pose.moved(roll_deg=fit.roll_deg, u_roll_deg=fit.u_roll_deg)
        pose = pose.moved(shift_mm=fit.shift_mm, u_shift_mm=fit.u_shift_mm)
    if manual.centre_mm is not None:
        at = pose.axis.at(pose.origin_mm)
        shift = tuple(np.subtract(manual.centre_mm, at).tolist())
        pose = pose.moved(shift_mm=shift, u_shift_mm=None)
    return pose
