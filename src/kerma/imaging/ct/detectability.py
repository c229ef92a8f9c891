"""Detectability index of a task in CT slices, NPW and NPWE observers (AAPM TG-233)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, AnalysisError, Curve, Image, InputError, Quantity, quantity
from kerma.imaging.ct import _squares, nps, series, ttf
from kerma.imaging.ct._object import require_test_object
from kerma.imaging.ct._rods import RodEdge
from kerma.imaging.ct._squares import LAYOUTS
from kerma.imaging.ct.nps import Noise
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import radial_edge, square_noise
from kerma.imaging.tools.detectability import Eye, detectability, disc_task, gaussian_task
from kerma.imaging.tools.mtf import Mtf
from kerma.imaging.tools.rods import find_rods

NAME, VERSION = "ct-detectability", "1"
CURVES_NAME = "ct-detectability-curves"
EDITION = "Non-prewhitening matched filter without and with eye filter, after AAPM TG-233 (2019)"
TASKS = ("disc", "gaussian")
_POINTS = 1001  # odd, for Simpson's rule
# A TTF measured on a rod of much higher contrast than the task's need not hold for it: iterative
# and deep-learning reconstruction resolve strong edges better. Design choice.
_OTHER_CONTRAST = 2.0

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The task and the observer: part of both measurements' parameters.

    Attributes
    ----------
    contrast_hu, diameter_mm
        Contrast of the task; diameter of the disc, or width at half maximum of the Gaussian.
    task
        ``disc`` or ``gaussian``.
    eye_power, eye_peak_per_deg
        Eye filter rho^n exp(-c rho²): n, and the visual frequency of its maximum in cycles per
        degree, which gives c = n/(2 peak²). 1.3 and 4 [recalled].
    viewing_distance_mm, zoom
        Viewing distance, and size on the display over size in the patient.
    """

    contrast_hu: float
    diameter_mm: float
    task: str = "disc"
    eye_power: float = 1.3
    eye_peak_per_deg: float = 4.0
    viewing_distance_mm: float = 500.0
    zoom: float = 1.0

    def __post_init__(self) -> None:
        require(self.contrast_hu != 0, "contrast_hu", "The contrast of the task is not zero.")
        require(self.diameter_mm > 0, "diameter_mm", "The task's diameter is above zero.")
        require(self.task in TASKS, "task", f"The task is one of {', '.join(TASKS)}.")
        require(self.eye_power > 0, "eye_power", "The power is above zero.")
        require(self.eye_peak_per_deg > 0, "eye_peak_per_deg", "The peak is above zero.")
        require(self.viewing_distance_mm > 0, "viewing_distance_mm", "A distance is above zero.")
        require(self.zoom > 0, "zoom", "The zoom is above zero.")

    @property
    def eye(self) -> Eye:
        """Return the eye filter."""
        return Eye(self.eye_power, self.eye_peak_per_deg, self.viewing_distance_mm, self.zoom)

    def spectrum(self, frequency_per_mm: Array) -> Array:
        """Return the transform of the task, HU mm²."""
        shape = disc_task if self.task == "disc" else gaussian_task
        return shape(frequency_per_mm, self.contrast_hu, self.diameter_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters(Task):
    """What may be chosen, with what `Task` holds.

    Attributes
    ----------
    rod_centre
        (column, row) of the rod to use; of the rods found, the one nearest the task in contrast
        that stands far enough out of the noise when absent.
    rod_slices, noise_slices
        Indices of the images with rods and of the uniform ones, as given; decided by whether a
        rod is found in them when absent.
    noise_regions
        Left, top, right, bottom in pixels of squares for the noise, in the noise slices.
    side_mm, layout, annulus_mm, radius_mm, detrend, difference
        As for ct-nps.
    least_total_cnr, reach_mm
        As for ct-ttf.
    several_series
        Take repeated scans of one setting together.
    """

    rod_centre: tuple[float, float] | None = None
    rod_slices: tuple[int, ...] | None = None
    noise_slices: tuple[int, ...] | None = None
    noise_regions: tuple[tuple[int, int, int, int], ...] | None = None
    side_mm: float = 25.0
    layout: str = "annulus"
    annulus_mm: float | None = None
    radius_mm: float | None = None
    detrend: int = 2
    difference: bool = False
    least_total_cnr: float = 15.0
    reach_mm: float | None = None
    several_series: bool = False

    def __post_init__(self) -> None:
        Task.__post_init__(self)
        require(self.side_mm > 0, "side_mm", "The side of the squares is above zero.")
        require(self.layout in LAYOUTS, "layout", f"The layout is one of {', '.join(LAYOUTS)}.")
        require(self.detrend in (0, 1, 2), "detrend", "The degree of the trend is 0, 1 or 2.")
        require(self.least_total_cnr > 0, "least_total_cnr", "The limit is above zero.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveParameters(Task):
    """Columns of a table, with what `Task` holds.

    Attributes
    ----------
    frequency_per_mm, ttf, nps_hu2_mm2
        Frequencies from 0 upwards, TTF and noise power spectrum there.
    """

    frequency_per_mm: tuple[float, ...]
    ttf: tuple[float, ...]
    nps_hu2_mm2: tuple[float, ...]

    def __post_init__(self) -> None:
        Task.__post_init__(self)
        f = self.frequency_per_mm
        n = len(f)
        require(
            n >= 8 and f[0] == 0 and all(b > a for a, b in pairwise(f)),
            "frequency_per_mm",
            "Give 8 frequencies or more, from 0 upwards.",
        )
        require(len(self.ttf) == n, "ttf", "Give one value of the TTF for each frequency.")
        require(
            len(self.nps_hu2_mm2) == n and all(v >= 0 for v in self.nps_hu2_mm2),
            "nps_hu2_mm2",
            "Give one noise power, zero or more, for each frequency.",
        )
        require(any(self.nps_hu2_mm2), "nps_hu2_mm2", "There is no noise at all.")


@measurement(
    NAME,
    version=VERSION,
    title="Detectability of a task, NPW and NPWE",
    edition=EDITION,
    modalities=("CT",),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure d' of a task from slices with rods and uniform slices of one setting.

    Values: ``d_npw``, ``d_npwe`` (1), ``ttf50`` (1/mm), ``rod_contrast``, ``noise`` (HU),
    ``nps_average_frequency`` (1/mm). The uncertainty of d' is from the bootstraps of both curves
    and from what the noise power below its first ring matters.

    Raises
    ------
    InputError, AnalysisError
        The codes of ct-ttf and ct-nps; ``no-uniform-slices``; ``rod-in-noise``.
    """
    chosen = choose(Parameters, parameters)
    order, notes = series.slices(images, repeats=chosen.several_series)
    pixel_mm = series.square_pixel_mm(images[order[0]])
    require_test_object(images[order[len(order) // 2]], pixel_mm)
    rods, uniform, warnings = _sorted(images, order, pixel_mm, chosen)
    rod, said = _rod(images, rods, pixel_mm, chosen)
    noise = _noise(images, uniform, pixel_mm, chosen)
    frequency = np.linspace(0.0, 0.5 / pixel_mm, _POINTS)
    transfer = radial_edge.transfer(rod.edge, frequency)
    values = _values(chosen, frequency, transfer, noise)
    values["rod_contrast"] = quantity(rod.edge.contrast_hu, "HU", rod.edge.u_contrast_hu)
    at = transfer.crossing(0.5)
    if at is not None:
        values["ttf50"] = at
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            seeds=[radial_edge.SEED, square_noise.SEED], replicates=square_noise.REPLICATES,
            rod_slices_used=list(rod.used), noise_slices_used=list(uniform),
        ),
        values=values,
        regions=(*ttf.regions(rod, pixel_mm), *nps.drawn(noise)),
        curves=(ttf.ttf_curve(rod.name, transfer), nps.curve(noise.spectrum),
                *_curves(chosen, frequency)),
        warnings=(*notes, *warnings, *said, *rod.notes, *noise.notes),
        facts={
            "task": _task_facts(chosen),
            "rod_slices": list(rod.used),
            "noise_slices": list(uniform),
            "rod": {"column": rod.rod.x, "row": rod.rod.y, "radius_mm": rod.edge.radius_mm},
        },
    )  # fmt: skip


@measurement(
    CURVES_NAME,
    version=VERSION,
    title="Detectability of a task from TTF and noise power given",
    edition=EDITION,
    modalities=(),
)
def from_curves(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Calculate d' of a task from a table of TTF and noise power spectrum.

    Values ``d_npw`` and ``d_npwe`` (1), without uncertainty: the table carries none.

    Raises
    ------
    InputError
        Codes ``bad-parameter``, ``missing-parameter``.
    """
    chosen = choose(CurveParameters, parameters)
    f = np.asarray(chosen.frequency_per_mm)
    grid = np.linspace(0.0, float(f[-1]), 2 * _POINTS - 1)
    transfer, power = np.interp(grid, f, chosen.ttf), np.interp(grid, f, chosen.nps_hu2_mm2)
    task = chosen.spectrum(grid)
    plain = float(detectability(grid, task, transfer, power))
    eye = float(detectability(grid, task, transfer, power, chosen.eye(grid)))
    if not math.isfinite(plain) or not math.isfinite(eye):
        raise InputError(
            "There is no noise where the task has signal, so its detectability is not defined.",
            code="no-noise",
        )
    return Analysis(
        name=CURVES_NAME,
        status="measured",
        provenance=provenance(CURVES_NAME, VERSION, EDITION, images, chosen),
        values={"d_npw": quantity(plain, "1"), "d_npwe": quantity(eye, "1")},
        curves=_curves(chosen, grid),
        facts={"task": _task_facts(chosen)},
    )


def _sorted(
    images: Sequence[Image], order: Sequence[int], pixel_mm: float, chosen: Parameters
) -> tuple[list[int], list[int], list[str]]:
    """Return the slices with rods and the uniform ones, and what was set by hand."""
    for name, given in (("rod_slices", chosen.rod_slices), ("noise_slices", chosen.noise_slices)):
        require(
            given is None or (len(given) > 0 and set(given) <= set(order)),
            name,
            f"The slices are counted from 0 and lie among the {len(order)} usable ones.",
        )
    warnings = []
    with_rods: set[int] = set()
    if chosen.rod_slices is None or chosen.noise_slices is None:
        with_rods = {i for i in order if find_rods(images[i].pixels, pixel_mm)}
    rods = [i for i in order if i in (chosen.rod_slices or with_rods)]
    if chosen.rod_slices is not None:
        warnings.append("The slices with rods were set by hand.")
    if chosen.noise_slices is not None:
        uniform = [i for i in order if i in chosen.noise_slices]
        warnings.append("The slices for the noise were set by hand.")
    else:
        uniform = [i for i in order if i not in with_rods and i not in rods]
    if not uniform:
        raise AnalysisError(
            "No slice without rods was found for the noise. Give uniform slices too, or name "
            "noise_slices and noise_regions.",
            stage="sort slices",
            code="no-uniform-slices",
        )
    if not rods:
        raise AnalysisError(
            "No rod was found in any slice. Give slices through rods too, or the rod's centre.",
            stage="sort slices",
            code="no-rods",
        )
    return rods, uniform, warnings


def _rod(
    images: Sequence[Image], slices: Sequence[int], pixel_mm: float, chosen: Parameters
) -> tuple[RodEdge, list[str]]:
    """Return the rod whose TTF is used, and what is to be said of the choice."""
    centres = None if chosen.rod_centre is None else (chosen.rod_centre,)
    found, warnings = ttf.edges(images, slices, pixel_mm, centres, None, reach_mm=chosen.reach_mm)
    strong = [r for r in found if r.edge.total_cnr >= chosen.least_total_cnr]
    if not strong:
        raise AnalysisError(
            "No rod stands far enough out of the noise (total contrast-to-noise ratio "
            f"{chosen.least_total_cnr:g}). Give more slices, or repeated scans.",
            stage="choose rod",
            code="rod-in-noise",
        )

    def unlike(rod: RodEdge) -> float:
        return abs(math.log(abs(rod.edge.contrast_hu / chosen.contrast_hu)))

    best = min(strong, key=unlike)
    if unlike(best) > math.log(_OTHER_CONTRAST):
        warnings.append(
            f"The TTF is of a rod of {best.edge.contrast_hu:.0f} HU, the task has "
            f"{chosen.contrast_hu:g} HU: with iterative or deep-learning reconstruction the "
            "resolution depends on the contrast."
        )
    return best, [w for w in warnings if "left out" not in w]


def _noise(
    images: Sequence[Image], slices: Sequence[int], pixel_mm: float, chosen: Parameters
) -> Noise:
    image = images[slices[len(slices) // 2]]
    if chosen.noise_regions is not None:
        shape = (image.pixels.shape[0], image.pixels.shape[1])
        squares = _squares.given(chosen.noise_regions, shape)
    else:
        squares = _squares.placed(
            nps.field_of(image, pixel_mm, chosen.radius_mm),
            nps.side_px(chosen.side_mm, pixel_mm),
            chosen.layout,
            None if chosen.annulus_mm is None else chosen.annulus_mm / pixel_mm,
        )
    return nps.spectrum_of(
        images, slices, squares, pixel_mm, detrend=chosen.detrend, difference=chosen.difference
    )


def _values(chosen: Task, frequency: Array, transfer: Mtf, noise: Noise) -> dict[str, Quantity]:
    spectrum = noise.spectrum
    task, eye = chosen.spectrum(frequency), chosen.eye(frequency)
    # Where the TTF is lost in its own uncertainty its square is not signal.
    lost = np.flatnonzero(transfer.value < 2.0 * transfer.u)
    seen = np.ones_like(frequency)
    if len(lost):
        seen[lost[0] :] = 0.0
    power = spectrum.on(frequency)[0]
    drawn = min(len(transfer.replicates), square_noise.REPLICATES)
    powers = np.maximum(spectrum.on(frequency, spectrum.replicates()[:drawn]), 0.0)
    level = spectrum.on(frequency, level=True)[0]
    signal, signals = transfer.value * seen, transfer.replicates[:drawn] * seen
    values = {}
    for name, filtered in (("d_npw", None), ("d_npwe", eye)):
        value = float(detectability(frequency, task, signal, power, filtered))
        others = detectability(frequency, task, signals, powers, filtered)
        # Below the first ring the noise power is not measured: what its continuation matters.
        other = float(detectability(frequency, task, signal, level, filtered))
        u = math.hypot(
            float(others.std(ddof=1)),
            (value - other) / math.sqrt(3.0),
            0.5 * square_noise.METHOD_RING * value,
        )
        values[name] = quantity(value, "1", u)
    about, _ = nps.summary(noise)
    values["noise"] = about["noise"]
    values["nps_average_frequency"] = about["nps_average_frequency"]
    return values


def _curves(chosen: Task, frequency: Array) -> tuple[Curve, ...]:
    shown = slice(None, None, max(1, len(frequency) // 200))
    f = tuple(map(float, frequency[shown]))
    task, eye = chosen.spectrum(frequency)[shown], chosen.eye(frequency)[shown]
    return (
        Curve("Task", f, tuple(map(float, task)), "Spatial frequency", "1/mm",
              "Task spectrum", "HU.mm^2"),
        Curve("Eye filter", f, tuple(map(float, eye)), "Spatial frequency", "1/mm",
              "Eye filter", "1"),
    )  # fmt: skip


def _task_facts(chosen: Task) -> dict[str, Any]:
    return {f.name: getattr(chosen, f.name) for f in dataclasses.fields(Task)}
