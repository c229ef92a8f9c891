"""The highest kerma in each area, where it is and through what, against what is allowed there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.core import Quantity, quantity
from kerma.core.codec import encode
from kerma.physics.calculation import Calculation
from kerma.physics.shielding.plan._record import record_of
from kerma.physics.shielding.plan.goals import goal
from kerma.physics.shielding.plan.ground import Ground
from kerma.physics.shielding.plan.rays import Passing, Scene

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SourceShare:
    """What one source gives at a point.

    Attributes
    ----------
    kerma_mgy
        In the method's period.
    barriers
        Keys of what its rays cross, from the source on.
    transmission
        Kerma over kerma without any barrier; ``None`` where the source gives nothing anyway.
    distance_m
        From the source to the point.
    """

    source: str
    name: str
    kerma_mgy: float
    barriers: tuple[str, ...]
    transmission: float | None
    distance_m: float


@dataclass(frozen=True, slots=True)
class AreaFinding:
    """What was found of one area.

    Attributes
    ----------
    point
        Of the highest kerma, m on the plan; ``None`` where nobody can stand.
    kerma
        There, in the method's period, without credit for barriers that do not close their storey.
    direct
        There, with all barriers as drawn; it says nothing of scatter over a screen.
    allowed
        Goal over occupancy.
    ratio
        Kerma over what is allowed.
    adequate
        ``None`` where it cannot be said.
    why
        In words.
    by_source
        The sources at that point, the largest kerma first.
    calculation
        The kerma at that point, worked out in full.
    """

    key: str
    name: str
    point: tuple[float, float] | None
    kerma: Quantity | None
    direct: Quantity | None
    goal: Quantity
    occupancy: float
    allowed: Quantity
    ratio: float | None
    adequate: bool | None
    why: str
    by_source: tuple[SourceShare, ...] = ()
    calculation: Calculation | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        data: dict[str, Any] = encode(replace(self, calculation=None))
        data["calculation"] = self.calculation.as_dict() if self.calculation else None
        return data


def shares(ground: Ground, xy: Sequence[float], losses: Passing) -> tuple[SourceShare, ...]:
    """Return what each source gives at a point of an area, the largest first."""
    found = []
    for source, seen in zip(ground.scene.sources, ground.spot(xy), strict=True):
        ways = ground.ways(xy, source, seen, losses)
        kerma = math.fsum(w.kerma for w in ways)
        bare = math.fsum(w.free for w in ways)
        largest = max(ways, key=lambda w: w.kerma)
        crossed = dict.fromkeys(n for w in sorted(ways, key=lambda w: -w.kerma) for n in w.crossed)
        found.append(
            SourceShare(
                source.key, source.name, kerma,
                tuple(ground.scene.structure.keys[n] for n in crossed),
                kerma / bare if bare > 0.0 else None, largest.distance_m,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda s: (-s.kerma_mgy, s.source)))


def protect(scene: Scene, grounds: Sequence[Ground] | None = None) -> tuple[AreaFinding, ...]:
    """Return what is found of every area of a plan, in its order.

    Parameters
    ----------
    scene
        Of a plan without blocking faults.
    grounds
        Its areas made ready, where they are already.
    """
    ready = grounds if grounds is not None else [Ground(scene, a) for a in scene.plan.areas]
    return tuple(_finding(ground) for ground in ready)


def _finding(ground: Ground) -> AreaFinding:
    scene, area = ground.scene, ground.area
    aim, name = goal(scene.plan.method, area)
    allowed = quantity(aim.value / area.occupancy, "mGy", None if aim.u is None else
                       aim.u / area.occupancy)  # fmt: skip
    held = ground.worst(scene.judged)
    common: dict[str, Any] = {
        "key": area.key, "name": area.name, "goal": aim, "occupancy": area.occupancy,
        "allowed": allowed,
    }  # fmt: skip
    if held is None:
        why = f"Nobody can stand in {area.name} far enough from its walls to be judged."
        return AreaFinding(point=None, kerma=None, direct=None, ratio=None, adequate=None, why=why,
                           **common)  # fmt: skip
    point, kerma, known = held.point, held.kerma, held.known
    if not np.isfinite(kerma):
        why = f"No point of {area.name} lies among the measured points of the isodoses."
        return AreaFinding(point=point, kerma=None, direct=None, ratio=None, adequate=None,
                           why=why, **common)  # fmt: skip
    by_source = shares(ground, point, scene.judged)
    made = record_of(ground, point, scene.judged, aim, name)
    direct = sum(s.kerma_mgy for s in shares(ground, point, scene.losses))
    ratio = kerma / allowed.value
    adequate, why = _judged(ground, ratio, known, direct, allowed.value)
    return AreaFinding(
        point=point, kerma=made.value, direct=quantity(direct, "mGy"), ratio=ratio,
        adequate=adequate, why=why, by_source=by_source, calculation=made, **common,
    )  # fmt: skip


def _judged(
    ground: Ground, ratio: float, known: bool, direct: float, allowed: float
) -> tuple[bool | None, str]:
    """Return whether an area is adequate, and why, in words."""
    per = ground.scene.plan.period
    kept = ratio <= 1.0 + 1e-9
    words = (
        f"The highest kerma is {ratio * allowed:.3g} mGy per {per}, {100 * ratio:.3g} % of the "
        f"{allowed:.3g} mGy that are allowed."
    )
    adequate: bool | None = kept
    if not known and kept:
        adequate = None
        words += " Part of the area lies outside the measured points of the isodoses."
    screens = _screens(ground)
    if screens:
        words += (
            f" {' and '.join(screens)}: not from floor to slab, so not credited. Direct radiation "
            f"through it would be {direct:.3g} mGy at that point; what is scattered over it is not "
            "known."
        )
    return adequate, words


def _screens(ground: Ground) -> list[str]:
    """Return the barriers of partial height that stand between an area's points and a source."""
    built, partial = ground.scene.structure, ground.scene.structure.partial
    crossed = np.zeros(len(partial), bool)
    for seen in ground.first[1]:
        crossed |= seen.rows.any(axis=0)
    return [built.names[n] for n in np.flatnonzero(crossed & partial)]


def ratios(found: Sequence[AreaFinding]) -> Mapping[str, float | None]:
    """Return kerma over allowed by area."""
    return {f.key: f.ratio for f in found}
