"""Find an object in an image and prove that it is that object, or refuse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Image, InputError
from kerma.imaging import identity
from kerma.imaging.objects import _circle, _match
from kerma.imaging.objects._places import inside
from kerma.imaging.objects._pose import Pose, Seen, look, refine
from kerma.imaging.objects._spec import ObjectSpec

Array = npt.NDArray[np.floating[Any]]

# Diagnostic projections, and the kV and MV imagers of linear accelerators.
MODALITIES = (*identity.PLANAR, "RTIMAGE")
STAGE = "find object"

# Design choices, held by tests from both sides: the objects in noise, turned, mirrored, blurred and
# tilted must pass, everything else must fail.
_LIKE = 0.33
_NEAR = 0.7  # of the likeliest: another way to lie is not worth looking at
_STRONG = 0.8  # weight of details that have to show
_FOUND = 0.85
_FOUND_BY_HAND = 0.6
_ORDER = 0.6
_SIZE = (0.82, 1.2)
_STRETCH = 1.06
_FEWEST = 5


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a person set instead of leaving it to be found."""

    centre_px: tuple[float, float] | None = None
    angle_deg: float | None = None
    pixels_per_mm: float | None = None
    mirrored: bool | None = None

    @property
    def any(self) -> bool:
        """Whether anything was set."""
        return any(v is not None for v in (self.centre_px, self.angle_deg, self.pixels_per_mm,
                                           self.mirrored))  # fmt: skip

    def poses(self) -> list[Pose]:
        """Return the poses there are when middle, angle and scale are all set; else none."""
        if self.centre_px is None or self.angle_deg is None or self.pixels_per_mm is None:
            return []
        return [
            Pose.made(self.centre_px, self.pixels_per_mm, self.angle_deg, mirrored, sign)
            for mirrored in ((False, True) if self.mirrored is None else (self.mirrored,))
            for sign in (1, -1)
        ]

    def applied(self, pose: Pose) -> Pose:
        """Return a pose with what was set put in place of what was found."""
        if not self.any:
            return pose
        return Pose.made(
            self.centre_px or pose.middle,
            self.pixels_per_mm or pose.scale,
            pose.turn_deg if self.angle_deg is None else self.angle_deg,
            pose.mirrored if self.mirrored is None else self.mirrored,
            pose.sign,
        )

    def as_derived(self) -> dict[str, bool]:
        """Return what the provenance says of it."""
        return {"set_by_hand": True} if self.any else {}

    def warnings(self) -> tuple[str, ...]:
        """Return one sentence for each thing set."""
        said = (
            ("The object's middle", self.centre_px),
            ("The object's rotation in degrees", self.angle_deg),
            ("The object's scale in pixels per mm", self.pixels_per_mm),
            ("Whether the object is mirrored", self.mirrored),
        )
        return tuple(
            f"{what} was set by hand: {value}." for what, value in said if value is not None
        )


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """An object found: where, how well, and what of it was clear."""

    pose: Pose
    score: float
    order: float
    seen: tuple[Seen, ...]
    residual_mm: float
    spec: ObjectSpec

    @property
    def clear(self) -> tuple[Seen, ...]:
        """Return the details that stand far above the noise."""
        return tuple(s for s in self.seen if s.clear)

    def with_sign(self, sign: int) -> Found:
        """Return the same with the sense of attenuation of other pixels (air kerma)."""
        return replace(self, pose=replace(self.pose, sign=sign))

    def evidence(self) -> str:
        """Return what shows the object, in a few words."""
        return (
            f"{len(self.clear)} of {len(self.spec.details)} details of the {self.spec.title} stand "
            f"where they belong, to {self.residual_mm:.2f} mm"
        )


def find(image: Image, spec: ObjectSpec, by_hand: ByHand | None = None) -> Found:
    """Find the object.

    Raises
    ------
    InputError
        Code ``wrong-phantom``: the image shows something else.
    AnalysisError
        Stage ``find object``, code ``object-cut-off``: part is outside the image or the field.
    """
    hand = by_hand or ByHand()
    work = _circle.decimate(image.pixels)
    grey = _match.smooth(work.pixels)
    if hand.centre_px is not None:
        x, y = ((v + 0.5) / work.factor - 0.5 for v in hand.centre_px)
        middles = [(x, y)]
    else:
        middles = _circle.centres(work.pixels)
    best: Found | None = None
    likeliest = 0.0
    for start in hand.poses():
        tried = _tried(image.pixels, start, spec, 1.0, hand)
        if tried and (best is None or _worth(tried) > _worth(best)):
            best = tried
    for x, y in middles if best is None else []:
        likes = _match.likenesses(grey, (x, y), spec)
        likeliest = max(likeliest, likes[0].score if likes else 0.0)
        middle = hand.centre_px or (work.to_full(x), work.to_full(y))
        for like in likes:
            if like.score < max(_LIKE, _NEAR * likeliest):
                continue
            start = Pose.made(
                middle,
                hand.pixels_per_mm or like.scale * work.factor,
                like.turn_deg if hand.angle_deg is None else hand.angle_deg,
                like.mirrored if hand.mirrored is None else hand.mirrored,
                like.sign,
            )
            tried = _tried(image.pixels, start, spec, like.score, hand)
            if tried and (best is None or _worth(tried) > _worth(best)):
                best = tried
        if best is not None and best.order >= _ORDER and _share_found(best)[0] >= _FOUND:
            break
    if best is None:
        raise wrong(spec, f"no pattern like it was found (likeness {likeliest:.2f} of 1)")
    _prove(image, best, by_hand=hand.any)
    return best


def _tried(
    pixels: Array, start: Pose, spec: ObjectSpec, score: float, hand: ByHand
) -> Found | None:
    pose, seen = (start, []) if hand.poses() else refine(pixels, start, spec)
    if hand.any:
        pose = hand.applied(pose)
        seen = look(pixels, pose, spec.details)
    clear = [s for s in seen if s.clear and 0.75 < s.size_ratio < 1.3]
    if len(clear) < min(3, len(spec.details)):
        return None
    x, y = pose.place([s.detail.x_mm for s in clear], [s.detail.y_mm for s in clear])
    off = np.hypot(np.array([s.x for s in clear]) - x, np.array([s.y for s in clear]) - y)
    return Found(
        pose,
        score,
        order_kept(seen),
        tuple(seen),
        float(np.sqrt(np.mean(np.minimum(off, 10 * float(np.median(off)) + 1) ** 2))) / pose.scale,
        spec,
    )


def _worth(found: Found) -> float:
    return found.score + found.order - 1.0 + _share_found(found)[0] - 1.0


def order_kept(seen: Sequence[Seen]) -> float:
    """Return how well contrast falls along each series: 1 always, 0 at random, -1 never.

    Pairs of one series are counted when one of the two is clear and they differ by more than four
    uncertainties (Kendall's tau over such pairs).
    """
    kept = total = 0
    for group in {s.detail.group for s in seen}:
        some = [s for s in seen if s.detail.group == group]
        for i, a in enumerate(some):
            for b in some[i + 1 :]:
                first, second = (a, b) if a.detail.index < b.detail.index else (b, a)
                if a.detail.size_mm != b.detail.size_mm or not (a.clear or b.clear):
                    continue
                difference = first.contrast - second.contrast
                if abs(difference) > 4.0 * math.hypot(first.u, second.u):
                    total += 1
                    kept += 1 if difference > 0 else -1
    return kept / total if total else 0.0


def _share_found(found: Found) -> tuple[float, int]:
    """Return which share of the strong details shows in its right size, and their number."""
    strong = [
        s
        for s in found.seen
        if s.detail.weight >= _STRONG and s.detail.size_mm * found.pose.scale / 2 >= 2.5
    ]
    good = [s for s in strong if s.clear and _SIZE[0] <= s.size_ratio <= _SIZE[1]]
    return (len(good) / len(strong) if strong else 0.0), len(strong)


def _prove(image: Image, found: Found, *, by_hand: bool) -> None:
    spec = found.spec
    share, strong = _share_found(found)
    if strong < _FEWEST or (share >= 0.5 and found.order >= _ORDER):
        _require_whole(image, found)
    if strong < _FEWEST:
        raise wrong(spec, "too few of its details can be seen")
    if share < (_FOUND_BY_HAND if by_hand else _FOUND):
        raise wrong(spec, f"only {share * 100:.0f} % of its strong details are where they belong")
    if found.order < _ORDER:
        raise wrong(spec, "the contrast of its details does not fall along their series")
    if found.pose.stretch > _STRETCH:
        raise wrong(spec, "it would have to be stretched by more than 6 %")


def _require_whole(image: Image, found: Found) -> None:
    """Refuse an object of which a detail lies outside the image or the field."""
    pose, details = found.pose, found.spec.details
    x, y = pose.place([d.x_mm for d in details], [d.y_mm for d in details])
    half = np.array([d.size_mm for d in details]) / 2 * pose.scale
    radii = np.maximum(1.5 * half, half + 3.0)
    whole = inside(image.pixels.shape, x, y, radii)
    missing = [d.key for d, ok in zip(details, whole, strict=True) if not ok]
    if not missing:
        level = np.array(
            [_level(image.pixels, a, b, r) for a, b, r in zip(x, y, radii, strict=True)]
        )
        dark = _apart(level, least=0.25 * max(s.contrast for s in found.seen))
        missing = [d.key for d, out in zip(details, dark, strict=True) if out]
    if missing:
        raise AnalysisError(
            f"Part of the {found.spec.title} is outside the image or the field: "
            f"{', '.join(missing[:4])}{' and more' if len(missing) > 4 else ''}. Expose it again "
            "with all of it in the field.",
            stage=STAGE,
            code="object-cut-off",
            detail={"missing": missing},
        )


def _apart(level: Array, *, least: float) -> npt.NDArray[np.bool_]:
    """Return which surroundings lie apart from most: beyond a gap wider than all the rest.

    Heel and shading spread the levels evenly; the edge of the field parts them in two.
    """
    order = np.sort(level)
    gaps = np.diff(order)
    i = int(np.argmax(gaps))
    rest = float(order[-1] - order[0] - gaps[i])
    if gaps[i] <= max(1.2 * rest, least):
        return np.zeros(len(level), dtype=bool)
    upper: npt.NDArray[np.bool_] = np.asarray(level > order[i])
    return upper if upper.sum() < len(level) / 2 else np.logical_not(upper)


def _level(pixels: Array, x: float, y: float, reach: float) -> float:
    """Return the median just around a detail."""
    t = np.arange(24) * (math.pi / 12)
    columns = np.rint(x + reach * np.cos(t)).astype(int)
    rows = np.rint(y + reach * np.sin(t)).astype(int)
    return float(np.median(pixels[rows, columns]))


def wrong(spec: ObjectSpec, why: str) -> InputError:
    """Return the refusal of an image of something else."""
    return InputError(
        f"This image does not show a {spec.title} as described: {why}. Choose the measurement of "
        "the object that was exposed; if it is this one, expose it whole and with more dose, or "
        "give the layout of your own object.",
        code="wrong-phantom",
        detail={"expected": spec.key, "why": why},
    )
