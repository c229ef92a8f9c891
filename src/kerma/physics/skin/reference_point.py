"""Where the displayed air kerma is stated: the reference point's distance from the focus."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from kerma.core import InputError
from kerma.physics.skin.events import ExposureEvent

Array = npt.NDArray[np.float64]
# Design choice: no reference point of a C-arm lies nearer, nor beyond the image receptor, whose
# distance is this where it is not stated. A slanted beam may meet a plane above the table anywhere.
_NEAREST_MM, _FURTHEST_MM = 200.0, 2000.0


@cache
def rules() -> dict[str, dict[str, Any]]:
    """Return the rules by name, with the codes and texts that mean them."""
    found: dict[str, dict[str, Any]] = _data()["rules"]
    return found


@cache
def _data() -> dict[str, Any]:
    file = resources.files("kerma.physics.skin") / "data" / "reference_points.yaml"
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def rule_of(event: ExposureEvent) -> str | None:
    """Return the rule an event's definition means; ``None`` for a definition Kerma does not know.

    The code decides; a text without a known code is compared without regard to case and spaces.
    """
    words = " ".join((event.reference_point or "").casefold().split())
    for name, rule in rules().items():
        if event.reference_point_code and event.reference_point_code in rule["codes"]:
            return name
    return next((name for name, rule in rules().items() if words in rule["texts"]), None)


def missing(event: ExposureEvent, rule: str | None) -> str | None:
    """Return what an event lacks for its reference point to be found, or ``None``."""
    if rule is None:
        if event.source_reference_mm and not event.reference_point:
            return None
        told = f"“{event.reference_point}”" if event.reference_point else "not stated"
        return f"the definition of the reference point ({told}) is not one Kerma knows"
    if rule not in rules():
        raise InputError(
            f"“{rule}” is not a reference point. There are: {', '.join(rules())}.",
            code="bad-profile",
        )
    if rule == "isocentre-150" and event.source_isocentre_mm is None:
        return "the distance from focus to isocentre is not stated"
    if rule == "detector-300" and event.source_detector_mm is None:
        return "the distance from focus to image receptor is not stated"
    return None


def distance(event: ExposureEvent, rule: str | None, focus: Array, axis: Array) -> Array | str:
    """Return the distance (mm) from focus to reference point of each beam, or what is wrong.

    Parameters
    ----------
    event, rule
        As `missing` found in order.
    focus, axis
        (n, 3) in the table's coordinates: focus, and unit vector towards the detector.
    """
    if rule is None:
        assert event.source_reference_mm is not None
        found = np.full(len(focus), event.source_reference_mm)
    elif rule == "isocentre-150":
        assert event.source_isocentre_mm is not None
        found = np.full(len(focus), event.source_isocentre_mm - 150.0)
    elif rule == "detector-300":
        assert event.source_detector_mm is not None
        found = np.full(len(focus), event.source_detector_mm - 300.0)
    else:
        above = float(rule.removeprefix("tabletop-"))
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (-above - focus[:, 1]) / axis[:, 1]
    furthest = event.source_detector_mm or _FURTHEST_MM
    if not ((found >= _NEAREST_MM) & (found <= furthest)).all():
        return "the beam does not pass through its reference point"
    stated = event.source_reference_mm
    if rule is not None and stated and np.abs(found - stated).max() > _data()["agreement_mm"]:
        return (
            f"the reference point is stated at {stated:g} mm from the focus, but its definition "
            f"puts it at {found.mean():g} mm"
        )
    return found
