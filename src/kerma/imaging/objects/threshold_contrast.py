"""Leeds TO20 and TO10: which details an observer with a fixed rule sees, and threshold contrast."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from kerma.core import Analysis, AnalysisError, Curve, Image, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.objects import _discs, _human, _spec
from kerma.imaging.objects._find import MODALITIES, ByHand, Found, find
from kerma.imaging.objects._grain import Grain
from kerma.imaging.objects._human import Point, detection_curves, name_of
from kerma.imaging.objects._report import facts_of, geometry, outline
from kerma.imaging.objects._spec import ObjectSpec
from kerma.imaging.planar.region import linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import Run, measurement
from kerma.imaging.tools import psychometric

VERSION = "1"
EDITION = "Rules of docs/methods/leeds-threshold-contrast.md (rose-1); H_T(A) = 1/(C_T sqrt(A))"
KEYS = ("leeds-to20", "leeds-to10")
# Slope of "seen" against ln contrast for rule rose-1: d' scatters by 1.1 about a value in
# proportion to contrast, so at d' = 5 the rate rises by 0.399 x 5 / 1.1 per unit of ln contrast,
# which is f / 4.
SLOPE = 7.2


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    contrasts
        Contrast (fraction) of each detail in the beam used, by diameter ("11.1", ...), strongest
        first. Without it only detectability and numbers seen are given.
    human_seen
        Numbers of details seen by people, by diameter; one number, or one for each observer. Gives
        a curve of its own.
    rose
        Signal-to-noise ratio from which a detail counts as seen (rule rose-1).
    slope
        Slope of the psychometric curve (per unit of ln contrast); the default belongs to rose-1.
    stp
        Signal transfer property, for images whose pixel values do not follow air kerma linearly.
    layout
        Description of the service's own object, instead of the one that comes with Kerma.
    centre_px, angle_deg, pixels_per_mm, mirrored
        Set the place by hand instead of finding it.
    allow_processed
        Measure an image processed for display, with a warning.
    """

    contrasts: Mapping[str, Any] | None = None
    human_seen: Mapping[str, Any] | None = None
    rose: float = _discs.ROSE
    slope: float = SLOPE
    stp: Mapping[str, Any] | None = None
    layout: Mapping[str, Any] | None = None
    centre_px: tuple[float, float] | None = None
    angle_deg: float | None = None
    pixels_per_mm: float | None = None
    mirrored: bool | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(1.0 <= self.rose <= 20.0, "rose", "Choose a ratio from 1 to 20.")
        require(0.3 <= self.slope <= 30.0, "slope", "Choose a slope from 0.3 to 30.")

    def by_hand(self) -> ByHand:
        """Return what was set by hand."""
        return ByHand(self.centre_px, self.angle_deg, self.pixels_per_mm, self.mirrored)


def analyse(key: str, images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure one or several images of one exposure setting of a threshold contrast object.

    Values: ``rotation``, ``pixels_per_mm``, ``magnification`` (first image); for each diameter
    ``seen_<d>mm`` (mean over the images) and, with `contrasts`, ``threshold_<d>mm`` (%) and
    ``detection_index_<d>mm`` (1/mm); the same with ``human_`` before it from `human_seen`.

    Raises
    ------
    InputError
        Those of `kerma.imaging.identity`; ``wrong-phantom``, ``bad-parameter``.
    AnalysisError
        Stage ``find object``, code ``object-cut-off``; stage ``measure noise``, code ``no-noise``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=MODALITIES, at_most=64)
    warnings = [*identity.require_raw(images, allow_processed=chosen.allow_processed)]
    spec = _spec.load(key) if chosen.layout is None else _spec.given(chosen.layout)
    table = contrast_table(spec, chosen.contrasts)
    people = _human.readings(spec, chosen.human_seen)
    hand = chosen.by_hand()
    found = [find(image, spec, hand) for image in images]
    read = [_read(i, f, chosen, warnings) for i, f in zip(images, found, strict=True)]
    values = geometry(images[0], found[0])
    curves: list[Curve] = []
    facts: dict[str, Any] = facts_of(found[0])
    regions = [outline(found[0]), *_drawn(read[0], chosen.rose)]
    _numbers(read, spec, chosen, values, curves, facts)
    if table:
        _thresholds(read, table, chosen, values, curves, warnings, facts)
    else:
        warnings.append(
            "The details' contrasts in this beam were not given, so there is no threshold "
            "contrast: only detectability and the numbers seen. Give them as contrasts."
        )
    if people:
        _human.add(people, table, spec, values=values, curves=curves, warnings=warnings)
    if chosen.layout is not None:
        warnings.append("The layout of the object was given by hand.")
    if spec.unchecked():
        warnings.append(
            "Figures of this object's description that nobody has checked are listed in the facts; "
            "compare them with the manual of the object."
        )
    return Analysis(
        name=key,
        status="measured",
        provenance=provenance(
            key, VERSION, EDITION, images, chosen,
            rule=_discs.ROSE_RULE, layout_sha256=spec.sha256, seed=psychometric.SEED,
            **hand.as_derived(),
        ),
        values=values,
        regions=tuple(regions),
        curves=tuple(curves),
        warnings=(*dict.fromkeys((*warnings, *hand.warnings())),),
        facts=facts,
    )  # fmt: skip


Discs = dict[str, list[_discs.Disc]]


def _read(image: Image, found: Found, chosen: Parameters, warnings: list[str]) -> Discs:
    pixels, _ = linearised(image, chosen.stp)
    read = found if chosen.stp is None else found.with_sign(-1)
    grain = Grain.of(pixels, read)
    if grain.white:
        warnings.append(_discs.WHITE)
    if grain.sd(min(d.size_mm for d in found.spec.details)) <= 0:
        raise AnalysisError(
            "The image holds no noise at all, so what can be seen in it is not limited. Use an "
            "image as exposed.",
            stage="measure noise",
            code="no-noise",
        )
    measured: Discs = {}
    for group in _discs.sizes(found.spec):
        discs = _discs.measure(pixels, read, found.spec.group(group), grain)
        if len(discs) < len(found.spec.group(group)):
            warnings.append(
                f"Some details of {group} mm have nothing free beside them and were left out."
            )
        if discs:
            measured[group] = discs
    return measured


def contrast_table(spec: ObjectSpec, given: Mapping[str, Any] | None) -> dict[str, list[float]]:
    """Return the contrasts given for each series, checked.

    Raises
    ------
    InputError
        Code ``bad-parameter``.
    """
    table: dict[str, list[float]] = {}
    series = {f"{float(name):g}": name for name in _discs.sizes(spec)}
    for key, values in (given or {}).items():
        name = series.get(f"{float(key):g}") if _human.is_number(key) else None
        require(name is not None, "contrasts", f"There are no details of {key} mm in this object.")
        assert name is not None
        count = len(spec.group(name))
        good = isinstance(values, Sequence) and len(values) == count and all(
            isinstance(v, int | float) and 0 < v < 1 for v in values
        )  # fmt: skip
        require(
            good and all(a > b for a, b in pairwise(values)), "contrasts",
            f"The details of {key} mm need {count} contrasts between 0 and 1, strongest first.",
        )  # fmt: skip
        table[name] = [float(v) for v in values]
    return table


def _numbers(
    read: Sequence[Discs],
    spec: ObjectSpec,
    chosen: Parameters,
    values: dict[str, Quantity],
    curves: list[Curve],
    facts: dict[str, Any],
) -> None:
    """Give, for each diameter, d' of every detail (mean over the images) and the number seen."""
    facts["details_measured"] = {}
    for group in _discs.sizes(spec):
        series = [r[group] for r in read if group in r]
        if not series:
            continue
        seen = [_discs.number_seen(s, chosen.rose) for s in series]
        u = float(np.std(seen, ddof=1)) / math.sqrt(len(seen)) if len(seen) > 1 else None
        values[f"seen_{name_of(group)}"] = quantity(float(np.mean(seen)), "1", u)
        d_prime = np.mean([[d.d_prime for d in s] for s in series], axis=0)
        spread = np.sqrt(np.mean([[d.u_d_prime**2 for d in s] for s in series], axis=0))
        index = [float(d.detail.index) for d in series[0]]
        curves.append(
            Curve(f"d' of the {group} mm details", tuple(index), tuple(map(float, d_prime)),
                  "Detail", "1", "d'", "1",
                  tuple(float(v) / math.sqrt(len(series)) for v in spread))
        )  # fmt: skip
        facts["details_measured"][group] = [
            {"detail": int(i), "d_prime": float(d), "seen": float(np.mean(
                [s[k].d_prime >= chosen.rose for s in series]))}
            for k, (i, d) in enumerate(zip(index, d_prime, strict=True))
        ]  # fmt: skip


def _thresholds(
    read: Sequence[Discs],
    table: Mapping[str, Sequence[float]],
    chosen: Parameters,
    values: dict[str, Quantity],
    curves: list[Curve],
    warnings: list[str],
    facts: dict[str, Any],
) -> None:
    """Fit the threshold contrast of each diameter and give the curves with their limits."""
    counted: list[Point] = []
    facts["thresholds"] = {}
    for group, contrasts in table.items():
        series = [r[group] for r in read if group in r]
        if not series:
            continue
        at = [contrasts[d.detail.index - 1] for d in series[0]]
        right = [sum(s[k].d_prime >= chosen.rose for s in series) for k in range(len(at))]
        fit = psychometric.fit(at, right, [len(series)] * len(at), slope=chosen.slope, floor=0.0)
        facts["thresholds"][group] = {
            "reason": fit.reason, "misfit": fit.misfit, "interval": list(fit.interval),
            "profile": list(fit.profile), "draws_outside": fit.beyond,
        }  # fmt: skip
        _by_slope(series, at, chosen.rose, group, values)
        if fit.threshold is None or fit.u_log is None:
            warnings.append(f"No threshold contrast at {group} mm. {fit.reason}")
            continue
        if fit.misfit is not None and fit.misfit < 0.01:
            warnings.append(f"At {group} mm what is seen does not follow the given contrasts.")
        if fit.beyond > 0.05:
            warnings.append(
                f"The threshold at {group} mm is so near the end of the contrasts that its "
                "uncertainty is too small."
            )
        root = math.sqrt(math.pi) * float(group) / 2
        index = 1.0 / (fit.threshold * root)
        name = name_of(group)
        values[f"threshold_{name}"] = quantity(
            100 * fit.threshold, "%", 100 * fit.threshold * fit.u_log
        )
        values[f"detection_index_{name}"] = quantity(index, "1/mm", index * fit.u_log)
        low, high = fit.interval
        counted.append(
            Point(root, index, index * fit.u_log,
                  None if high is None else 1 / (high * root),
                  None if low is None else 1 / (low * root))
        )  # fmt: skip
    curves += detection_curves("Automatic", counted)


def _by_slope(
    series: Sequence[Sequence[_discs.Disc]],
    contrasts: Sequence[float],
    rose: float,
    group: str,
    values: dict[str, Quantity],
) -> None:
    """Give the contrast at which d', in proportion to contrast, reaches the rule's ratio.

    A line through nothing is fitted by weighted least squares; details far beyond the rule say
    little about it and count less. Left out where it lies outside the contrasts there are.
    """
    c = np.asarray(contrasts)
    d = np.mean([[disc.d_prime for disc in s] for s in series], axis=0)
    u = np.sqrt(np.mean([[disc.u_d_prime**2 for disc in s] for s in series], axis=0))
    weight = 1.0 / u**2
    slope = float((weight * c * d).sum() / (weight * c * c).sum())
    if slope <= 0 or not c[-1] <= rose / slope <= c[0]:
        return
    common = float(np.median([s[0].u_d_prime for s in series])) / max(float(d[0]), rose)
    relative = math.hypot(
        1.0 / math.sqrt(float((weight * c * c).sum()) * len(series)) / slope, common
    )
    at = rose / slope
    values[f"threshold_from_d_prime_{name_of(group)}"] = quantity(
        100 * at, "%", 100 * at * relative
    )


def _drawn(read: Discs, rose: float) -> list[Region]:
    found = []
    for group, discs in read.items():
        for d in discs:
            name = f"{group} mm, {d.detail.index}" + ("" if d.d_prime >= rose else " (not seen)")
            values = {"d_prime": quantity(d.d_prime, "1", d.u_d_prime)}
            points = ((d.x, d.y), (d.x + d.radius, d.y))
            found.append(Region(name, "circle", points, values=values))
    return found


def recognise(key: str, images: Sequence[Image]) -> str:
    """Return what shows the object in the images, or refuse."""
    identity.check(images, modalities=MODALITIES, at_most=64)
    return find(images[0], _spec.load(key)).evidence()


def _register(key: str) -> None:
    def run(images: Sequence[Image], **parameters: Any) -> Analysis:
        return analyse(key, images, **parameters)

    def see(images: Sequence[Image]) -> str:
        return recognise(key, images)

    title = _spec.load(key).title
    run.__doc__ = f"Measure a {title}; see `analyse`."
    registered: Run = run
    measurement(
        key, version=VERSION, title=f"{title}: threshold contrast", edition=EDITION,
        modalities=MODALITIES, recognise=see,
    )(registered)  # fmt: skip


for _key in KEYS:
    _register(_key)
