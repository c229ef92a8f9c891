"""Threshold contrast from images of a CDMAM contrast-detail phantom, versions 3.4 and 4.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, AnalysisError, Image, InputError, quantity
from kerma.imaging import identity
from kerma.imaging.mammography import _cdmam_curve, _cdmam_result, _cdmam_score, _cdmam_show
from kerma.imaging.mammography._cdmam_discs import Filters
from kerma.imaging.mammography._cdmam_parameters import Parameters
from kerma.imaging.mammography._cdmam_place import Placed, place, searched
from kerma.imaging.mammography._cdmam_show import FEW
from kerma.imaging.mammography._cdmam_spec import CdmamSpec, load_spec
from kerma.imaging.record import choose, provenance
from kerma.imaging.registry import Recognise, Run, measurement
from kerma.imaging.tools.flat_fields import require_distinct

Array = npt.NDArray[np.floating[Any]]
Whole = npt.NDArray[np.intp]

VERSION = "1"
EDITION = (
    "Four-alternative choice, psychometric curve at 62.5 %, curve with non-negative terms: EUREF "
    "CDMAM readout page; human factors of the data file"
)
MODALITIES = ("MG",)
_FEWEST = 2
# Corners found from fewer images would be guesses near the threshold. Design choice.
_CORNERS_FROM = 8


def analyse(key: str, images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the threshold contrast of one version of the phantom.

    Values ``gold_0p1mm`` ... (predicted human threshold thickness of gold on the smooth curve, um
    Au), ``auto_gold_0p1mm`` ... (automatic threshold of each diameter), ``cell_pitch`` (mm at the
    detector), ``tilt`` (deg), ``magnification`` (when the pitch is known), ``right_choices`` (%).

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``missing-parameter``, ``unknown-beam``, ``beam-quality``,
        ``missing-corners``, ``missing-thickness``, ``wrong-corners``, ``too-few-images``,
        ``same-frame``, ``mixed-images``.
    AnalysisError
        Code ``wrong-phantom``.
    """
    chosen = choose(Parameters, parameters)
    warnings = list(_usable(images))
    spec = load_spec(key).of_phantom(chosen.thickness_um, chosen.corners, chosen.pitch_mm)
    filters = Filters()
    first = _placed(images[:1], spec, chosen, filters)
    # Proven to be this phantom before anything is asked for, so that the wrong one says so.
    _require_known(spec, chosen, len(images))
    gold = _cdmam_result.gold(chosen.mu_per_um, chosen.beam, images)
    factors, factor_facts = _cdmam_result.factor_table(spec.factors, chosen.factors)
    placed = _one_offset(_placed(images, spec, chosen, filters, first))
    seen = np.stack(
        [searched(*p, filters, chosen.search_mm) for p in zip(images, placed, strict=True)]
    )
    whole = np.isfinite(seen.sum(axis=(0, 1)))
    if not whole.all():
        warnings.append(f"{int((~whole).sum())} cells reach out of an image and are left out.")
        seen = np.where(whole, seen, 0.0)
    corners = _corners(spec, chosen, seen, placed[0])
    warnings += _cdmam_score.repeating(seen, corners)
    right = _cdmam_score.choices(seen, corners)
    if chosen.nearest_neighbour:
        right = _cdmam_score.corrected(right, placed[0].setting.matrix)
        warnings.append("The choices were corrected by their nearest neighbours, as asked for.")
    used = right if chosen.discs == "both" else right[1:]
    counts = _counts(spec, placed[0], used, whole)
    found = _cdmam_curve.steps(
        counts, mu_per_um=gold.mu_per_um, slope=chosen.slope, shared=chosen.shared_slope,
        factors=factors, draws=chosen.draws, seed=chosen.seed,
    )  # fmt: skip
    curve = _cdmam_curve.smooth(found, gold.mu_per_um, len(images))
    made = _cdmam_result.report(found, curve, gold.mu_per_um)
    warnings += _cdmam_show.remarks(spec, chosen, images, placed) + made.warnings
    values = {**made.values, **_cdmam_show.geometry(spec, placed, images[0])}
    values["right_choices"] = quantity(100.0 * float(used[:, :, whole].mean()), "%")
    measured = any(name.startswith("auto_gold") for name in values)
    share = right.mean(axis=1)
    return Analysis(
        name=key,
        status="measured" if measured else "not measurable",
        reason="" if measured else "No diameter has a threshold within its thicknesses.",
        provenance=provenance(
            key, VERSION, EDITION, images, chosen, phantom=spec.key, phantom_sha256=spec.sha256
        ),
        values=values if measured else {},
        regions=_cdmam_show.regions(spec, placed[0], share, _one_map(corners, seen)),
        curves=(*made.curves, *_cdmam_result.contrasts(found, gold.mu_per_um)),
        warnings=tuple(warnings),
        facts={
            **made.facts,
            **_cdmam_show.described(spec, placed, gold.facts, factor_facts),
            **_cdmam_show.maps(spec, placed[0], right[1], _one_map(corners, seen)),
        },
    )


def _usable(images: Sequence[Image]) -> tuple[str, ...]:
    """Refuse what cannot be read; whether it is the phantom is decided later."""
    identity.check(images, modalities=MODALITIES)
    warnings = identity.require_raw(images)
    identity.require_same_geometry(images)
    require_distinct(images)
    return warnings


def _placed(
    images: Sequence[Image], spec: CdmamSpec, chosen: Parameters, filters: Filters,
    done: Sequence[Placed] = (),
) -> list[Placed]:  # fmt: skip
    """Place the phantom in every image that is not `done`."""
    found = list(done)
    for number, image in enumerate(images[len(found) :], len(found) + 1):
        try:
            found.append(
                place(
                    image, spec, filters, magnification=chosen.magnification,
                    blur_mm=chosen.blur_mm, by_hand=chosen.grid_px,
                    like=found[-1] if found else None,
                )
            )  # fmt: skip
        except AnalysisError as error:
            if len(images) > 1:
                error.message = f"Image {number} of {len(images)}: {error.message}"
                error.args = (error.message,)
            raise
    return found


def _one_offset(found: list[Placed]) -> list[Placed]:
    """Refuse a mixture; give all images one distance of the corners, which is the phantom's."""
    first = found[0]
    for number, other in enumerate(found, 1):
        if other.setting.matrix is not first.setting.matrix or other.mirrored != first.mirrored:
            raise AnalysisError(
                f"Image {number} shows the phantom mirrored, or another phantom, against image 1. "
                "Pool images of one phantom and one export.",
                stage="identify phantom",
                code="mixed-images",
            )
    offset = float(np.median([p.setting.offset for p in found]))
    return [p.with_offset(offset) for p in found]


def _require_known(spec: CdmamSpec, chosen: Parameters, images: int) -> None:
    if images < _FEWEST:
        raise InputError(
            f"A threshold needs several images, {FEW} or more; {images} given.",
            code="too-few-images",
        )
    if not spec.complete:
        raise InputError(
            f"The gold thicknesses of a {spec.title} are its own. Give them from the certificate "
            f"as thickness_um: {spec.shape[0]} rows (largest diameter first) of {spec.shape[1]} "
            "numbers in µm.",
            code="missing-thickness",
        )
    if spec.corners is None and not chosen.corners_from_images:
        raise InputError(
            "Which corner of each cell holds the second disc is not published for this phantom. "
            f"Give the map as corners ({spec.shape[0]} rows of {spec.shape[1]} signs), or set "
            f"corners_from_images to find it in {_CORNERS_FROM} or more images.",
            code="missing-corners",
        )
    if spec.corners is None and images < _CORNERS_FROM:
        raise InputError(
            f"The corners can be found from {_CORNERS_FROM} images or more; {images} given. Add "
            "images, or give the map of corners.",
            code="too-few-images",
        )


def _corners(spec: CdmamSpec, chosen: Parameters, seen: Array, placed: Placed) -> Whole:
    """Return the corner of each cell, shape (cells,), or for each image (images, cells)."""
    if spec.corners is None:
        return _cdmam_score.pooled(seen, without_each=True)
    matrix = placed.setting.matrix
    given = spec.corners[matrix.row, matrix.column]
    if (given == 0).any():
        raise InputError(
            f"The map of corners leaves out {int((given == 0).sum())} cells that have discs.",
            code="bad-parameter",
            detail={"parameter": "corners"},
        )
    _cdmam_score.require_corners_fit(seen, given)
    return np.asarray(given)


def _one_map(corners: Whole, seen: Array) -> Whole:
    return corners if corners.ndim == 1 else _cdmam_score.pooled(seen, without_each=False)


def _counts(
    spec: CdmamSpec, placed: Placed, right: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_]
) -> list[_cdmam_curve.Counts]:
    matrix = placed.setting.matrix
    by_image = right.sum(axis=0).astype(float)
    # Middle and corner disc are judged against the same empty corners: correlation up to 0.2.
    spread = 1.2 if len(right) == 2 else 1.0
    trials = right.shape[0] * right.shape[1]
    found = []
    for row, diameter in enumerate(spec.diameters_mm):
        cells = np.flatnonzero((matrix.row == row) & whole)
        if not len(cells):
            continue
        cells = cells[np.argsort(matrix.column[cells])]
        part = by_image[:, cells]
        found.append(
            _cdmam_curve.Counts(
                float(diameter), spec.thickness_um[row, matrix.column[cells]], part.sum(axis=0),
                np.full(len(cells), float(trials)), part, spread,
            )
        )  # fmt: skip
    return found


def _register(key: str, title: str) -> None:
    spec_key = key

    def run(images: Sequence[Image], **parameters: Any) -> Analysis:
        return analyse(spec_key, images, **parameters)

    def recognise(images: Sequence[Image]) -> str:
        _usable(images)
        spec = load_spec(spec_key)
        placed = place(images[0], spec, Filters())
        return (
            f"{100 * placed.agreement:.0f} % of {len(placed.setting.matrix)} cells as in a "
            f"{spec.title}, discs in order"
        )

    run.__doc__ = f"Measure a {title}; see `analyse`."
    recognise.__doc__ = f"Say what shows that the first image is of a {title}."
    registered: Run = run
    shown: Recognise = recognise
    measurement(
        key, version=VERSION, title=f"{title} threshold contrast", edition=EDITION,
        modalities=MODALITIES, recognise=shown,
    )(registered)  # fmt: skip


for _key in ("cdmam34", "cdmam40"):
    _register(_key, load_spec(_key).title)
