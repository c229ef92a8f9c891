"""Homogeneity, noise and noise power spectrum of the homogeneous module."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Curve, quantity
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import disc, shape, shown_disc
from kerma.imaging.phantoms._spec import PhantomSpec, Uniformity, polar
from kerma.imaging.phantoms._volume import Volume

Array = npt.NDArray[np.float64]

_PLACES = {"centre": None, "right": 0.0, "bottom": 90.0, "left": 180.0, "top": 270.0}
# Side of the noise spectrum's square regions: 32 mm gives 0.031 mm⁻¹ and fits 9 half-overlapping
# squares into the module (design choice).
_SIDE_MM = 32.0


def uniformity(volume: Volume, pose: Pose, spec: PhantomSpec) -> Part:
    """Return centre and edge CT numbers, their largest difference, non-uniformity and noise.

    One slice (the nearest to the module's middle), five discs. Uniformity is the largest absolute
    edge less centre; integral non-uniformity is (max - min) / (max + min) of the five means on
    the scale HU + 1000, where air is 0; noise is the pixel standard deviation of the centre disc.
    """
    part, u = Part(), spec.uniformity
    index = usable_slices(volume, pose, u)[0]
    found = {}
    for name, angle in _PLACES.items():
        xy = (0.0, 0.0) if angle is None else polar(u.edge_radius_mm, angle - pose.roll_deg)
        if pose.turned and angle is not None:
            # Keep "left" the left of the picture whichever end the phantom is seen from.
            xy = polar(u.edge_radius_mm, 180 - angle + pose.roll_deg)
        stats = disc(volume, pose, [index], xy, u.roi_radius_mm)
        found[name] = stats
        part.values[f"uniformity_{name}"] = quantity(stats.mean, "HU", stats.u)
        part.regions.append(
            shown_disc(
                volume,
                pose,
                index,
                xy,
                u.roi_radius_mm,
                name=f"uniformity, {name}",
                values=stats.values(),
            )
        )
    centre = found["centre"]
    edges = [v for k, v in found.items() if k != "centre"]
    worst = max(edges, key=lambda v: abs(v.mean - centre.mean))
    part.values["uniformity_max_difference"] = quantity(
        abs(worst.mean - centre.mean), "HU", math.hypot(worst.u, centre.u)
    )
    high, low = (f(v.mean for v in found.values()) + 1000 for f in (max, min))
    part.values["integral_nonuniformity"] = quantity((high - low) / (high + low), "1")
    count = math.pi * u.roi_radius_mm**2 / (volume.spacing_mm[0] * volume.spacing_mm[1])
    part.values["noise"] = quantity(centre.sd, "HU", centre.sd / math.sqrt(2 * (count - 1)))
    part.facts["uniformity_slice"] = volume.order[index]
    return part


def usable_slices(volume: Volume, pose: Pose, u: Uniformity) -> list[int]:
    """Return the homogeneous module's slices, the nearest to its middle first."""
    inside = volume.within(pose.s_mm(u.range_mm[0]), pose.s_mm(u.range_mm[1]))
    low, high = pose.axis.span_mm
    kept = [i for i in inside if low <= volume.s_mm[i] <= high]
    middle = pose.s_mm(u.offset_mm)
    return sorted(kept or inside, key=lambda i: abs(float(volume.s_mm[i]) - middle))


@dataclass(frozen=True, slots=True)
class Spectrum:
    """A noise power spectrum.

    Attributes
    ----------
    two_d
        Shape (n, n), HU² mm², frequency zero at [0, 0].
    step_mm
        Frequency step along (rows, columns), mm⁻¹.
    variance
        Mean variance of the detrended regions, HU².
    count
        Number of regions.
    """

    two_d: Array
    step_mm: tuple[float, float]
    variance: float
    count: int

    @property
    def integral(self) -> float:
        """Integral of the spectrum over all frequencies, HU²."""
        return float(self.two_d.sum()) * self.step_mm[0] * self.step_mm[1]

    def radial(self) -> tuple[Array, Array, Array]:
        """Return frequency (mm⁻¹), mean and standard uncertainty in rings one step wide.

        Rings end at the lower of the two Nyquist frequencies; the corners are left out.
        """
        n = self.two_d.shape[0]
        fy = np.fft.fftfreq(n) * n * self.step_mm[0]
        fx = np.fft.fftfreq(n) * n * self.step_mm[1]
        f = np.hypot(fy[:, None], fx[None, :])
        step = max(self.step_mm)
        ring = np.rint(f / step).astype(int)
        last = int(n / 2 * min(self.step_mm) / step)
        use = (ring > 0) & (ring <= last)
        count = np.bincount(ring[use], minlength=last + 1)[1:]
        mean = np.bincount(ring[use], self.two_d[use], minlength=last + 1)[1:] / count
        where = np.bincount(ring[use], f[use], minlength=last + 1)[1:] / count
        # Each |FFT|² is exponentially distributed; half of the ring mirrors the other half.
        u = mean / np.sqrt(count / 2 * self.count)
        return where, mean, u


def spectrum(regions: Array, spacing_mm: tuple[float, float]) -> Spectrum:
    """Return the noise power spectrum of square regions, second-order trend removed from each.

    NPS = Δx Δy / (Nx Ny) <|FFT|²> (ICRU Report 87 form, HU² mm²).

    Parameters
    ----------
    regions
        Shape (m, n, n), HU.
    spacing_mm
        (row, column) pixel spacing.
    """
    m, n, _ = regions.shape
    line = np.linspace(-1, 1, n)
    x, y = (v.ravel() for v in np.meshgrid(line, line))
    base, _ = np.linalg.qr(np.column_stack([np.ones(n * n), x, y, x * x, x * y, y * y]))
    flat = regions.reshape(m, -1)
    flat = flat - (flat @ base) @ base.T
    # The fit takes 6 of n² degrees of freedom.
    rest = (flat * math.sqrt(n * n / (n * n - 6))).reshape(m, n, n)
    power = np.mean(np.abs(np.fft.fft2(rest)) ** 2, axis=0)
    two_d = power * spacing_mm[0] * spacing_mm[1] / (n * n)
    step = (1 / (n * spacing_mm[0]), 1 / (n * spacing_mm[1]))
    return Spectrum(two_d, step, float(np.mean(rest**2)), m)


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
    slices = usable_slices(volume, pose, u)
    n = max(16, round(_SIDE_MM / volume.pixel_mm) // 2 * 2)
    blocks, corners = _squares(volume, pose, slices, n, u.body_radius_mm)
    if not blocks:
        part.warnings.append("Noise power not measured: the module is too small for its regions.")
        return part
    found = spectrum(np.array(blocks), volume.spacing_mm)
    if not math.isclose(found.integral, found.variance, rel_tol=1e-6):
        raise AnalysisError(
            f"The noise power spectrum integrates to {found.integral:.4g} HU² but the variance is "
            f"{found.variance:.4g} HU².",
            stage="noise power",
        )
    f, mean, u_mean = found.radial()
    peak = int(np.argmax(mean))
    average = float(np.sum(f * mean) / np.sum(mean)) if mean.sum() else 0.0
    sd = math.sqrt(found.variance)
    part.values["nps_noise"] = quantity(sd, "HU", sd / math.sqrt(2 * found.count * n))
    part.values["nps_peak_frequency"] = quantity(
        float(f[peak]), "1/mm", max(found.step_mm) / math.sqrt(12)
    )
    part.values["nps_mean_frequency"] = quantity(average, "1/mm")
    part.values["nps_integral_over_variance"] = quantity(found.integral / found.variance, "1")
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
    reach = int((radius_mm - side / math.sqrt(2)) / (side / 2))
    for k, index in enumerate(slices):
        cx, cy = pose.centre(float(volume.s_mm[index]))
        for i in range(-max(reach, 0), max(reach, 0) + 1):
            for j in range(-max(reach, 0), max(reach, 0) + 1):
                if math.hypot(i, j) * side / 2 + side / math.sqrt(2) > radius_mm:
                    continue
                column, row = volume.to_pixel(cx + i * side / 2, cy + j * side / 2)
                c, r = round(column - (n - 1) / 2), round(row - (n - 1) / 2)
                block = volume.images[index].pixels[r : r + n, c : c + n]
                if r < 0 or c < 0 or block.shape != (n, n):
                    continue
                blocks.append(block.astype(np.float64))
                if k == 0:
                    low, high = volume.to_mm(c, r), volume.to_mm(c + n - 1, r + n - 1)
                    corners.append((low, high))
    return blocks, corners
