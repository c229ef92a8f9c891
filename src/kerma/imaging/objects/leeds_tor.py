"""Leeds TOR 18FG and TOR CDR: discs, grey squares or steps, and bars, read automatically."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, Curve, Image, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.objects import _bars, _discs, _spec
from kerma.imaging.objects._find import MODALITIES, ByHand, Found, find
from kerma.imaging.objects._grain import Grain
from kerma.imaging.objects._report import facts_of, geometry, outline
from kerma.imaging.planar.region import linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import Run, measurement

Array = npt.NDArray[np.floating[Any]]

VERSION = "1"
EDITION = "Rules of docs/methods/leeds-tor.md (rose-1); after the maker's manuals"
KEYS = ("leeds-tor-18fg", "leeds-tor-cdr")
_LEVELS = (0.5, 0.1)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    rose
        Signal-to-noise ratio from which a disc counts as seen (rule rose-1).
    least_modulation
        Modulation from which a group of bars counts as resolved; design choice.
    contrasts
        Contrast of each detail in the beam used, by series, strongest first; with them the
        threshold contrast is given.
    stp
        Signal transfer property: contrasts are then of air kerma.
    layout
        Description of the service's own object, instead of the one that comes with Kerma.
    centre_px, angle_deg, pixels_per_mm, mirrored
        Set the place by hand instead of finding it.
    allow_processed
        Measure an image processed for display, with a warning.
    """

    rose: float = _discs.ROSE
    least_modulation: float = 0.1
    contrasts: Mapping[str, Any] | None = None
    stp: Mapping[str, Any] | None = None
    layout: Mapping[str, Any] | None = None
    centre_px: tuple[float, float] | None = None
    angle_deg: float | None = None
    pixels_per_mm: float | None = None
    mirrored: bool | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(1.0 <= self.rose <= 20.0, "rose", "Choose a ratio from 1 to 20.")
        require(
            0.01 <= self.least_modulation <= 0.5, "least_modulation", "Choose from 0.01 to 0.5."
        )
        require(
            self.pixels_per_mm is None or self.pixels_per_mm > 0,
            "pixels_per_mm",
            "The scale is above zero.",
        )

    def by_hand(self) -> ByHand:
        """Return what was set by hand."""
        return ByHand(self.centre_px, self.angle_deg, self.pixels_per_mm, self.mirrored)


def analyse(key: str, images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure one image of a TOR test object.

    Values: ``rotation`` (deg), ``pixels_per_mm``, ``magnification`` where the image states its
    pixel spacing; for each series of discs ``<series>_seen`` and ``<series>_cnr_<n>``;
    ``bars_limit``, ``bars_modulation_50`` and ``_10`` (1/mm).

    Raises
    ------
    InputError
        Those of `kerma.imaging.identity`; ``wrong-phantom``.
    AnalysisError
        Stage ``find object``, code ``object-cut-off``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=MODALITIES, at_most=1)
    warnings = identity.require_raw(images, allow_processed=chosen.allow_processed)
    spec = _spec.load(key) if chosen.layout is None else _spec.given(chosen.layout)
    hand = chosen.by_hand()
    found = find(images[0], spec, hand)
    pixels, unit = linearised(images[0], chosen.stp)
    # Air kerma falls where attenuation rises, however the pixel values go.
    read = found if chosen.stp is None else found.with_sign(-1)
    part = _Part([*warnings, *hand.warnings()])
    part.values.update(geometry(images[0], found))
    grain = Grain.of(pixels, read)
    if grain.white:
        part.warnings.append(_discs.WHITE)
    for group in _discs.sizes(spec):
        discs = _discs.measure(pixels, read, spec.group(group), grain)
        size = spec.group(group)[0].size_mm
        _discs_part(part, discs, unit, read, group, chosen, noise=grain.sd(size))
    _squares_part(part, read, unit)
    _bars_part(part, pixels, read, chosen)
    part.regions.insert(0, outline(found))
    if chosen.layout is not None:
        part.warnings.append("The layout of the object was given by hand.")
    if spec.unchecked():
        part.warnings.append(
            "Figures of this object's description that nobody has checked are listed in the facts; "
            "compare them with the manual of the object."
        )
    return Analysis(
        name=key,
        status="measured",
        provenance=provenance(
            key, VERSION, EDITION, images, chosen,
            rule=_discs.ROSE_RULE, layout_sha256=spec.sha256, **hand.as_derived(),
        ),
        values=part.values,
        regions=tuple(part.regions),
        curves=tuple(part.curves),
        warnings=tuple(part.warnings),
        facts={**facts_of(found), **part.facts},
    )  # fmt: skip


class _Part:
    """What the parts of the measurement add to."""

    def __init__(self, warnings: list[str]) -> None:
        self.values: dict[str, Quantity] = {}
        self.regions: list[Region] = []
        self.curves: list[Curve] = []
        self.warnings = warnings
        self.facts: dict[str, Any] = {}


def _discs_part(
    part: _Part,
    discs: Sequence[_discs.Disc],
    unit: str,
    found: Found,
    group: str,
    chosen: Parameters,
    *,
    noise: float,
) -> None:
    spec = found.spec
    if not discs:
        part.warnings.append(f"The {group} details could not be measured: nothing is free beside.")
        return
    seen = _discs.number_seen(discs, chosen.rose)
    if noise > 0:
        part.values[f"{group}_seen"] = quantity(seen, "1")
    else:
        part.warnings.append(f"There is no noise at all, so nothing is said of {group} seen.")
    reference = max(s.contrast for s in found.seen)
    table = []
    for disc in discs:
        index = disc.detail.index
        if disc.cnr is not None:
            part.values[f"{group}_cnr_{index}"] = quantity(disc.cnr, "1", disc.u_cnr)
        values = {"contrast": quantity(disc.contrast, unit, disc.u_contrast)}
        part.regions.append(
            Region(disc.detail.key, "circle",
                   ((disc.x, disc.y), (disc.x + disc.radius, disc.y)), values=values)
        )  # fmt: skip
        row: dict[str, Any] = {
            "detail": index, "contrast": disc.contrast, "u_contrast": disc.u_contrast,
            "unit": unit, "background": disc.background, "noise": disc.noise, "cnr": disc.cnr,
            "d_prime": disc.d_prime, "u_d_prime": disc.u_d_prime,
            "seen": disc.d_prime >= chosen.rose,
        }  # fmt: skip
        if chosen.stp is None:
            row["contrast_to_strongest"] = disc.contrast / reference
        else:
            row["contrast_percent"] = (
                100.0 * disc.contrast / disc.background if disc.background > 0 else None
            )
        table.append(row)
    part.facts[group] = table
    if any(d.cnr is None for d in discs):
        part.warnings.append(f"There is no noise beside a {group} detail, so it has no CNR.")
    x = tuple(float(d.detail.index) for d in discs)
    part.curves.append(
        Curve(f"{group}: detectability", x, tuple(d.d_prime for d in discs), "Detail", "1",
              "d'", "1", tuple(d.u_d_prime for d in discs))
    )  # fmt: skip
    part.curves.append(
        Curve(f"{group}: contrast", x, tuple(d.contrast for d in discs), "Detail", "1",
              "Contrast", unit, tuple(d.u_contrast for d in discs))
    )  # fmt: skip
    _threshold(part, group, len(spec.group(group)), seen, chosen)


def _threshold(part: _Part, group: str, count: int, seen: int, chosen: Parameters) -> None:
    """Give the contrast of the last detail seen, where the contrasts in this beam are given."""
    given = (chosen.contrasts or {}).get(group)
    if given is None:
        return
    require(
        isinstance(given, Sequence) and len(given) == count, "contrasts",
        f"The series {group} has {count} details; give one contrast for each.",
    )  # fmt: skip
    if seen:
        part.values[f"{group}_threshold_contrast"] = quantity(100.0 * float(given[seen - 1]), "%")
    if seen == count:
        part.warnings.append(
            f"Every {group} detail is seen: the threshold contrast is that of the last or below."
        )
    if not seen:
        part.warnings.append(f"No {group} detail is seen, so there is no threshold contrast.")


def _squares_part(part: _Part, found: Found, unit: str) -> None:
    """List the grey squares: their contrast with what is around them."""
    squares = [s for s in found.seen if s.detail.square]
    if not squares or unit != "PV":
        return
    part.facts["squares"] = [
        {"square": s.detail.index, "contrast": s.contrast, "u_contrast": s.u, "unit": unit}
        for s in sorted(squares, key=lambda s: s.detail.index)
    ]
    for s in squares:
        part.values[f"square_contrast_{s.detail.index}"] = quantity(s.contrast, unit, s.u)


def _bars_part(part: _Part, pixels: Array, found: Found, chosen: Parameters) -> None:
    spec = found.spec
    bars = _bars.measure(pixels, found.pose, spec.block, spec.bars)
    if not bars:
        if spec.bars:
            part.warnings.append("The bars were not measured: the coarsest group does not show.")
        return
    last = _bars.limit(bars, chosen.least_modulation)
    if last is None:
        part.warnings.append("No group of bars is resolved.")
    else:
        part.values["bars_limit"] = quantity(last.group.lp_per_mm, "1/mm")
        part.values["bars_groups_seen"] = quantity(bars.index(last) + 1, "1")
    if last is bars[-1] and len(bars) < len(spec.bars):
        part.warnings.append(
            f"Bars finer than {bars[-1].group.lp_per_mm:g} per mm are beyond the Nyquist limit of "
            "the pixels and were left out; the system resolves at least this group."
        )
    for level in _LEVELS:
        at = _bars.crossing(bars, level)
        if at is not None:
            part.values[f"bars_modulation_{100 * level:.0f}"] = quantity(at[0], "1/mm", at[1])
    part.curves.append(
        Curve("Modulation of the bars", tuple(b.group.lp_per_mm for b in bars),
              tuple(b.modulation for b in bars), "Line pairs", "1/mm", "Modulation", "1",
              tuple(b.u for b in bars))
    )  # fmt: skip
    part.facts["bars"] = [
        {"lp_per_mm": b.group.lp_per_mm, "modulation": b.modulation, "u_modulation": b.u,
         "resolved": b.significant and b.modulation >= chosen.least_modulation}
        for b in bars
    ]  # fmt: skip
    for b in bars:
        part.regions.append(Region(f"{b.group.lp_per_mm:g} lp/mm", "polygon", b.corners))


def recognise(key: str, images: Sequence[Image]) -> str:
    """Return what shows the object in an image, or refuse."""
    identity.check(images, modalities=MODALITIES, at_most=1)
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
        key, version=VERSION, title=f"{title} test object", edition=EDITION, modalities=MODALITIES,
        recognise=see,
    )(registered)  # fmt: skip


for _key in KEYS:
    _register(_key)
