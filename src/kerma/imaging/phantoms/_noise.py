"""Noise power spectrum of the homogeneous module."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Curve, quantity
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._spec import PhantomSpec
from kerma.imaging.phantoms._spectrum import spectrum
from kerma.imaging.phantoms._uniformity import usable_slices

Array = npt.NDArray[np.float64]

# Side of the noise spectrum's square regions: 32 mm gives 0.031 mm⁻¹ and fits 9 half-overlapping
# squares into the module (design choice).
_SIDE_MM = 32.0
# Half-overlapping regions share data: that many are worth about one in this (4 / 9 for 3 x 3).
_OVERLAP = 2.25
_MOST_SLICES = 6


def noise_power(volume: Volume, pose: Pose, spec: PhantomSpec) -> Part:
    """Return the noise power spectrum of the homogeneous module and its summary.

    Noise is the root of the spectrum's integral (trend removed); peak and mean frequency are of
    the radial spectrum, mean = ∫ f NPS(f) df / ∫ NPS(f) df (AAPM TG-233 form, recalled).

    Raises
    ------
    AnalysisError
        Stage ``noise power``: the integral of the spectrum is not the variance (never expected).
    """
    part, u = Part(), spec.uniformity
    slices = _spread(usable_slices(volume, pose, u))
    n = max(16, round(_SIDE_MM / volume.pixel_mm) // 2 * 2)
    blocks, corners = _squares(volume, pose, slices, n, u.body_radius_mm)
    if not blocks:
        part.warnings.append("Noise power not measured: the module is too small for its regions.")
        return part
    found = spectrum(np.array(blocks), volume.spacing_mm)
    if found.variance <= 0:
        part.warnings.append("Noise power not measured: the images hold no noise.")
        return part
    if not math.isclose(found.integral, found.variance, rel_tol=1e-6):
        raise AnalysisError(
            f"The noise power spectrum integrates to {found.integral:.4g} HU² but the variance is "
            f"{found.variance:.4g} HU².",
            stage="noise power",
        )
    independent = max(1.0, found.count / _OVERLAP * _apart(volume, slices))
    f, mean, u_mean = found.radial(independent)
    peak = int(np.argmax(mean))
    average = float(np.sum(f * mean) / np.sum(mean))
    u_average = math.sqrt(float(np.sum(((f - average) * u_mean) ** 2))) / float(np.sum(mean))
    sd = math.sqrt(found.variance)
    part.values["nps_noise"] = quantity(sd, "HU", found.scatter / (2 * sd * math.sqrt(independent)))
    part.values["nps_peak_frequency"] = quantity(
        float(f[peak]), "1/mm", max(found.step_mm) / math.sqrt(12)
    )
    part.values["nps_mean_frequency"] = quantity(average, "1/mm", u_average)
    part.values["nps_integral_over_variance"] = quantity(found.integral / found.variance, "1", 0.0)
    part.curves.append(
        Curve("Noise power spectrum", tuple(f.tolist()), tuple(mean.tolist()), "Spatial frequency",
              "1/mm", "Noise power", "HU^2.mm^2", tuple(u_mean.tolist()))
    )  # fmt: skip
    for a, b in corners:
        part.regions.append(shape(volume, slices[0], "rectangle", "noise power", [a, b]))
    part.facts["nps_regions"] = found.count
    part.facts["nps_2d"] = {
        "step_mm": list(found.step_mm),
        "hu2_mm2": np.round(_middle(np.fft.fftshift(found.two_d)), 4).tolist(),
    }
    return part


def _apart(volume: Volume, slices: list[int]) -> float:
    """Return what a slice is worth beside the others: less than one when slices overlap."""
    if volume.thickness_mm is None or len(slices) < 2:
        return 1.0
    step = float(np.ptp(volume.s_mm[slices])) / (len(slices) - 1)
    return min(1.0, step / volume.thickness_mm)


def _spread(slices: list[int]) -> list[int]:
    """Return at most six of the slices, spread over all of them, the first one kept."""
    rest = sorted(slices[1:])
    most = _MOST_SLICES - 1
    if len(rest) > most:
        rest = [rest[k] for k in np.linspace(0, len(rest) - 1, most).round().astype(int)]
    return [slices[0], *rest]


def _middle(spectrum_2d: Array) -> Array:
    """Return the lowest frequencies, at most 64 x 64 of them, for the picture."""
    cut = max(0, (spectrum_2d.shape[0] - 64) // 2)
    return spectrum_2d[cut : spectrum_2d.shape[0] - cut, cut : spectrum_2d.shape[1] - cut]


def _squares(
    volume: Volume, pose: Pose, slices: list[int], n: int, radius_mm: float
) -> tuple[list[Array], list[tuple[tuple[float, float], tuple[float, float]]]]:
    """Return half-overlapping n x n squares inside the module, and their corners in one slice."""
    blocks: list[Array] = []
    corners: list[tuple[tuple[float, float], tuple[float, float]]] = []
    side = n * volume.pixel_mm
    reach = max(int((radius_mm - side / math.sqrt(2)) / (side / 2)), 0)
    for k, index in enumerate(slices):
        cx, cy = pose.centre(float(volume.s_mm[index]))
        for i in range(-reach, reach + 1):
            for j in range(-reach, reach + 1):
                if math.hypot(i, j) * side / 2 + side / math.sqrt(2) > radius_mm:
                    continue
                column, row = volume.to_pixel(cx + i * side / 2, cy + j * side / 2, index)
                c, r = round(float(column) - (n - 1) / 2), round(float(row) - (n - 1) / 2)
                block = volume.images[index].pixels[max(r, 0) : r + n, max(c, 0) : c + n]
                if r < 0 or c < 0 or block.shape != (n, n):
                    continue
                blocks.append(block.astype(np.float64))
                if k == 0:
                    low = volume.to_mm(c, r, index)
                    high = volume.to_mm(c + n - 1, r + n - 1, index)
                    corners.append((low, high))
    return blocks, corners
