"""Defective pixels, clusters and lines of a planar detector from flat fields."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Image, InputError, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import outliers
from kerma.imaging.tools.flat import require_flat
from kerma.imaging.tools.flat_fields import as_float, field_of, require_distinct
from kerma.imaging.tools.outliers import Array, Group, Mask
from kerma.imaging.tools.regions import Rectangle
from kerma.imaging.tools.untyped import special

NAME, VERSION = "planar-defects", "1"
EDITION = "Deviation from the local median; 8-connected clusters; limits of the service's own"
KINDS = ("dead", "low", "high", "hot", "noisy")
_DEAD_BELOW, _HOT_ABOVE = 0.5, 1.5
# More than this share of deviating pixels is a structure or an object, not a list of defects.
_MOST_DEFECTIVE = 0.01
_MOST_LISTED, _MOST_DRAWN = 20_000, 500
# Chance, per pixel, that a healthy one repeats its value in every frame, or scatters so much.
_CHANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen; the defaults are design choices.

    Attributes
    ----------
    sigmas, percent
        A pixel is defective when it differs from the local median by more than `sigmas` local
        standard deviations and by more than `percent` of that median.
    noisy_factor
        With several frames: a pixel is noisy when its standard deviation over the frames exceeds
        the local one this many times (more when the frames are few).
    line_px
        Shortest run of defective pixels along a row or column that is a line.
    margin_mm
        Border of the exposed field that is left out.
    roi
        Left, top, right, bottom in pixels, instead of the exposed field.
    known
        The detector's own defect map, as (column, row) pairs, to compare with.
    """

    sigmas: float = 6.0
    percent: float = 5.0
    noisy_factor: float = 3.0
    line_px: int = 16
    margin_mm: float = 0.0
    roi: tuple[int, int, int, int] | None = None
    known: tuple[tuple[int, int], ...] | None = None

    def __post_init__(self) -> None:
        require(self.sigmas >= 5, "sigmas", "Under 5 sigmas healthy pixels are listed; give more.")
        require(0 <= self.percent < 100, "percent", "The percentage lies from 0 to below 100.")
        require(self.noisy_factor >= 2, "noisy_factor", "The factor for noise is at least 2.")
        require(self.line_px >= 4, "line_px", "A line is at least 4 pixels long.")
        require(self.margin_mm >= 0, "margin_mm", "The margin cannot be below zero.")


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Masks over the field by kind, and the deviation of each pixel as a share of its median."""

    kinds: Mapping[str, Mask]
    deviation: Array

    @property
    def all(self) -> Mask:
        return np.asarray(np.logical_or.reduce(list(self.kinds.values())))


@measurement(
    NAME,
    version=VERSION,
    title="Defective pixels",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Find defective pixels in one flat field, or in several of the same exposure (their mean).

    Values ``defective_pixels`` and, by kind, ``dead_pixels`` (under half the local median, or
    without any change over the frames), ``low_pixels``, ``high_pixels``, ``hot_pixels`` (over 1.5
    times), ``noisy_pixels``; ``defective_share`` (%); ``isolated_pixels``, ``clusters`` of two or
    more, ``largest_cluster``, ``lines``; with `known` also ``new_defects``. The standard
    uncertainty of a count is the number of chance findings expected, root. ``facts`` list every
    pixel as (column, row, kind, deviation in %), every cluster and every line.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``mixed-images``, ``same-frame``, ``not-flat``,
        ``too-many-defects``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR)
    identity.require_same_geometry(images)
    warnings = list(identity.require_raw(images))
    require_distinct(images)
    for image in images:
        identity.require_not_clinical(image)
    field = field_of(images[0], chosen.margin_mm, chosen.roi)
    frames = np.stack([field.cut(as_float(image)) for image in images])
    found, notes = _search(frames, images[0].saturated_at, chosen)
    down, along, of_lines = outliers.lines(found.all, chosen.line_px)
    joined = outliers.clusters(found.all & ~of_lines)
    facts = _facts(found, field, down, along, joined)
    values = _values(found, joined, len(down) + len(along), chosen.sigmas)
    if chosen.known is not None:
        facts |= _compared(found.all, field, chosen.known)
        values["new_defects"] = quantity(facts["new_defects_count"], "pixel", 0.0)
    regions = (field.region("Field searched"), *_regions(field, down, along, joined))
    if len(regions) > _MOST_DRAWN:
        notes.append(f"Only the first {_MOST_DRAWN} regions are drawn; the facts hold the lists.")
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, block_px=outliers.BLOCK_PX),
        values=values,
        regions=regions[:_MOST_DRAWN],
        warnings=(*warnings, *notes),
        facts=facts,
    )


def _search(
    frames: Array, saturated_at: float | None, chosen: Parameters
) -> tuple[_Found, list[str]]:
    image = frames.mean(axis=0)
    middle, sd = outliers.local_median_and_sd(image)
    away = image - middle
    size = np.abs(middle)
    bad = np.abs(away) > np.maximum(chosen.sigmas * sd, chosen.percent / 100.0 * size)
    if saturated_at is not None:
        bad |= (image >= saturated_at) & (middle < saturated_at)
    dead = bad & (away < -_DEAD_BELOW * size)
    hot = bad & (away > (_HOT_ABOVE - 1.0) * size)
    noisy = np.zeros_like(bad)
    notes: list[str] = []
    if len(frames) > 1:
        stuck, noisy, notes = _over_time(frames, chosen.noisy_factor)
        dead |= stuck
    low, high = bad & ~dead & ~hot & (away < 0), bad & ~dead & ~hot & (away > 0)
    kinds = {"dead": dead, "low": low, "high": high, "hot": hot & ~dead,
             "noisy": noisy & ~bad & ~dead}  # fmt: skip
    found = _Found(kinds, away / np.where(size > 0, size, 1.0))
    _require_flat_field(image, middle, found.all)
    return found, notes


def _require_flat_field(image: Array, middle: Array, bad: Mask) -> None:
    """Refuse an object, judged without the defects; and a field that is defective all over."""
    require_flat(np.where(bad, middle, image))
    share = float(bad.mean())
    if share > _MOST_DEFECTIVE:
        raise InputError(
            f"{share * 100:.1f} % of the pixels differ from their surroundings. That is no list of "
            "defects: there is an object or a structure in the field, or the image is not raw.",
            code="too-many-defects",
            detail={"share": share},
        )


def _over_time(frames: Array, factor: float) -> tuple[Mask, Mask, list[str]]:
    """Return the pixels that never change, and those that change too much, from frame to frame."""
    freedom = len(frames) - 1
    level = np.median(frames, axis=(1, 2))
    # Exposures differ a little; scaled to one level unless the level is an offset around zero.
    scale = level.mean() / level if (level > 0).all() else np.ones(len(level))
    variance = (frames * scale[:, None, None]).var(axis=0, ddof=1)
    usual = outliers.local_median(variance) * freedom / float(special.chdtri(freedom, 0.5))
    least = math.sqrt(float(special.chdtri(freedom, _CHANCE)) / freedom)
    noisy = variance > max(factor, least) ** 2 * np.maximum(usual, 0.0)
    noisy &= usual > 0
    same = [a == b for a, b in zip(frames[1:], frames[:-1], strict=True)]
    always = np.logical_and.reduce(same)
    # Stuck pixels are no measure of chance, unless two frames are all there is.
    others = ~always if freedom > 1 else np.ones_like(always)
    chance = float(np.mean([s[others].mean() for s in same])) ** freedom
    if chance > _CHANCE:
        note = (
            "Pixels that never change were not looked for: whole numbers repeat by chance in so "
            "few frames. Give more frames."
        )
        return np.zeros_like(noisy), noisy, [note]
    return always, noisy, []


def _values(
    found: _Found, joined: Sequence[Group], lines: int, sigmas: float
) -> dict[str, Quantity]:
    total, pixels = int(found.all.sum()), found.all.size
    u = math.sqrt(pixels * float(special.erfc(sigmas / math.sqrt(2.0))))
    several = [g.pixels for g in joined if g.pixels > 1]
    values = {
        "defective_pixels": quantity(total, "pixel", u),
        "defective_share": quantity(100.0 * total / pixels, "%", 100.0 * u / pixels),
        "isolated_pixels": quantity(len(joined) - len(several), "pixel", u),
        "clusters": quantity(len(several), "1", 0.0),
        "largest_cluster": quantity(max(several, default=0), "pixel", 0.0),
        "lines": quantity(lines, "1", 0.0),
    }
    for kind, mask in found.kinds.items():
        values[f"{kind}_pixels"] = quantity(int(mask.sum()), "pixel", 0.0)
    return values


def _facts(
    found: _Found,
    field: Rectangle,
    down: Sequence[Group],
    along: Sequence[Group],
    joined: Sequence[Group],
) -> dict[str, Any]:
    listed: list[list[Any]] = []
    for kind in KINDS:
        rows, columns = np.nonzero(found.kinds[kind])
        for y, x in zip(rows, columns, strict=True):
            away = round(100.0 * float(found.deviation[y, x]), 2)
            listed.append([int(x) + field.x0, int(y) + field.y0, kind, away])
    listed.sort(key=lambda item: (item[1], item[0]))

    def plain(group: Group) -> dict[str, int]:
        box = _placed(group.box, field)
        return {"left": box.x0, "top": box.y0, "right": box.x1 - 1, "bottom": box.y1 - 1,
                "pixels": group.pixels}  # fmt: skip

    return {
        "pixels": listed[:_MOST_LISTED],
        "pixels_complete": len(listed) <= _MOST_LISTED,
        "clusters": [plain(g) for g in joined if g.pixels > 1],
        "lines": [{"direction": "down", **plain(g)} for g in down]
        + [{"direction": "along", **plain(g)} for g in along],
    }


def _compared(found: Mask, field: Rectangle, known: Sequence[tuple[int, int]]) -> dict[str, Any]:
    rows, columns = np.nonzero(found)
    here = {(int(x) + field.x0, int(y) + field.y0) for y, x in zip(rows, columns, strict=True)}
    listed = {(x, y) for x, y in known if field.x0 <= x < field.x1 and field.y0 <= y < field.y1}
    new, gone = sorted(here - listed), sorted(listed - here)
    return {
        "new_defects_count": len(new),
        "new_defects": [list(at) for at in new[:_MOST_LISTED]],
        "known_not_seen": [list(at) for at in gone[:_MOST_LISTED]],
    }


def _placed(box: Rectangle, field: Rectangle) -> Rectangle:
    return Rectangle(box.x0 + field.x0, box.y0 + field.y0, box.x1 + field.x0, box.y1 + field.y0)


def _regions(
    field: Rectangle, down: Sequence[Group], along: Sequence[Group], joined: Sequence[Group]
) -> list[Region]:
    """Draw lines first, then clusters from the largest, then single pixels."""
    drawn = [_placed(g.box, field).region(f"Line, {w}", values=_count(g))
             for w, groups in (("down", down), ("along", along)) for g in groups]  # fmt: skip
    for group in sorted(joined, key=lambda g: -g.pixels):
        box = _placed(group.box, field)
        if group.pixels > 1:
            drawn.append(box.region(f"Cluster of {group.pixels}", values=_count(group)))
        else:
            drawn.append(Region("Pixel", "point", ((float(box.x0), float(box.y0)),)))
    return drawn


def _count(group: Group) -> dict[str, Quantity]:
    return {"pixels": quantity(group.pixels, "pixel", 0.0)}
