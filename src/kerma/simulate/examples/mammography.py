"""Examples of the mammography measurements."""

from __future__ import annotations

from kerma.simulate.cdmam import CdmamScan, cdmam_images, score_table
from kerma.simulate.examples import Example, example
from kerma.simulate.mammography import PmmaScan
from kerma.simulate.tomosynthesis import DbtScan, matrix


@example("cdmam34")
def cdmam34() -> Example:
    """Return eight images of a CDMAM 3.4 turned by half a degree."""
    scan = CdmamScan()
    parameters = {
        "beam": "mo-mo-28-euref",
        "corners": scan.corner_rows,
        "magnification": scan.magnification,
    }
    truth = {"cell_pitch": scan.pitch_mm, "tilt": 0.5}
    return Example(tuple(cdmam_images(scan, 8)), parameters, truth)


@example("cdmam40")
def cdmam40() -> Example:
    """Return eight images of a CDMAM 4.0 turned by half a degree."""
    scan = CdmamScan(model="cdmam40", shape=(2100, 1500), turn_deg=0.5, noise=30.0)
    parameters = {
        "mu_per_um": scan.mu_per_um,
        "corners": scan.corner_rows,
        "thickness_um": [[float(t) for t in row] for row in scan.thickness_um],
        "magnification": scan.magnification,
    }
    truth = {"cell_pitch": scan.pitch_mm, "tilt": 0.5}
    return Example(tuple(cdmam_images(scan, 8)), parameters, truth)


@example("cdmam-scores")
def cdmam_scores() -> Example:
    """Return the scores of 16 images whose right choices follow known curves."""
    steps = [0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.13, 0.16, 0.20, 0.25, 0.36, 0.5, 0.71, 1.0, 1.42]
    thresholds = {0.1: 0.75, 0.16: 0.42, 0.25: 0.24, 0.4: 0.13, 0.5: 0.1, 0.8: 0.06, 1.0: 0.05}
    table = score_table(thresholds, steps, choices=32)
    more = {"phantom": "cdmam34", "reader": "simulated", "beam": "mo-mo-28-euref"}
    return Example((), {**table, **more}, {"auto_gold_0p25mm": 0.24, "auto_gold_0p5mm": 0.1})


@example("mammo-sdnr")
def mammo_sdnr() -> Example:
    """Return aluminium on 20, 45, 50 and 70 mm of PMMA, contrast falling with thickness."""
    contrasts = {20.0: 0.15, 45.0: 0.125, 50.0: 0.12, 70.0: 0.10}
    scans = {t: PmmaScan(contrast=c, seed=round(t)) for t, c in contrasts.items()}
    truth = {
        f"sdnr_background_noise_{t:g}mm": scan.sdnr_background_noise for t, scan in scans.items()
    }
    return Example(
        tuple(scan.image(BodyPartThickness=t) for t, scan in scans.items()),
        {"pmma_mm": list(contrasts), "threshold_gold_um": 1.2, "target_gold_um": 1.68,
         "mu_per_um": 0.157},
        truth,
    )  # fmt: skip


@example("mammo-uniformity")
def mammo_uniformity() -> Example:
    """Return one flat field with a slope along its rows."""
    scan = PmmaScan(contrast=0.0, heel=0.06, shape=(1800, 1400))
    return Example((scan.image(),), {"offset": scan.offset})


@example("mammo-aec")
def mammo_aec() -> Example:
    """Return exposures of 20 to 70 mm of PMMA, 45 mm three times."""
    thicknesses = [20.0, 30.0, 45.0, 45.0, 45.0, 60.0, 70.0]
    images = [
        PmmaScan(contrast=0.0, heel=0.0, mean=400.0 + 5.0 * k, seed=k + 1).image(
            ExposureInuAs=40_000.0 + 9000.0 * k, OrganDose=0.008 + 0.002 * k,
            AnodeTargetMaterial="TUNGSTEN", FilterMaterial="RHODIUM",
        )
        for k in range(len(thicknesses))
    ]  # fmt: skip
    truth = {"signal_20mm": 400.0, "mas_20mm": 40.0, "organ_dose_20mm": 0.8, "snr_20mm": 40.0}
    return Example(tuple(images), {"pmma_mm": thicknesses, "offset": 50.0}, truth)


@example("dbt-asf")
def dbt_asf() -> Example:
    """Return planes of four spheres that spread by 8 mm in depth."""
    scan = DbtScan(spheres=matrix(2, 2, spacing_mm=32.0), shape=(400, 400))
    return Example(tuple(scan.images()), truth={"fwhm_z": 8.0, "fwhm_z_gauss": 8.0})


@example("dbt-geometry")
def dbt_geometry() -> Example:
    """Return planes of nine spheres on a matrix turned, tilted and stretched a little."""
    spheres = matrix(3, 3, turn_deg=1.5, tilt_deg=(0.4, -0.2), scale=(1.004, 1.004))
    truth = {"spacing_x": 50.2, "spacing_y": 50.2, "turn": 1.5, "height": 20.0}
    return Example(tuple(DbtScan(spheres).images()), {"nominal_z_mm": 20.0}, truth)
