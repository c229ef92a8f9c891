"""Examples of the measurements of fields, focal spots and lengths."""

from __future__ import annotations

import math

import numpy as np

from kerma.core import Image
from kerma.simulate import focal, geometry, planar, wedge
from kerma.simulate.examples import Example, example

PIXEL_MM = 0.15
SHAPE = (2048, 2048)
FDD_MM = 1000.0


def field_image(
    edges_mm: tuple[float, float, float, float], *, turn_deg: float = 0.8, seed: int = 1
) -> Image:
    """Return a field with a penumbra of 1 mm (sd) and a heel of 1 % per cm."""
    cover = geometry.rectangle(SHAPE, pixel_mm=PIXEL_MM, edges_mm=edges_mm, sigma_mm=1.0,
                               turn_deg=turn_deg)  # fmt: skip
    clean = geometry.exposed(cover, inside=2000.0, outside=60.0, heel_percent_per_cm=1.0,
                             pixel_mm=PIXEL_MM)  # fmt: skip
    facts = {"DistanceSourceToDetector": FDD_MM}
    return planar.as_image(geometry.noisy(clean, seed=seed), PIXEL_MM, facts=facts)


@example("field-size")
def field_size() -> Example:
    """Return a field of 181.3 mm by 221.6 mm, turned by 0.8 degrees."""
    image = field_image((-90.0, -110.0, 91.3, 111.6))
    truth = {"width": 181.3, "height": 221.6, "tilt": 0.8, "width_difference": 1.3}
    return Example((image,), {"nominal_mm": [180.0, 220.0]}, truth)


@example("field-centring")
def field_centring() -> Example:
    """Return a field whose middle lies 3 mm to the right of the detector's and 2 mm above it."""
    image = field_image((-87.0, -112.0, 93.0, 108.0), turn_deg=0.0)
    return Example((image,), truth={"offset_x": 3.0, "offset_y": -2.0, "offset_x_percent": 0.3})


@example("field-alignment")
def field_alignment() -> Example:
    """Return four L corners whose middle lines show the light field, 1 mm to 2 mm off.

    The markers lie 900 mm from the focus, 100 mm above the detector.
    """
    light = (-91.0, -108.0, 92.0, 108.0)  # as imaged, in the field's own axes
    edges = (-90.0, -110.0, 90.0, 109.5)
    cover = geometry.rectangle(SHAPE, pixel_mm=PIXEL_MM, edges_mm=edges, sigma_mm=1.0,
                               turn_deg=0.8)  # fmt: skip
    left, top, right, bottom = light
    for x, y, towards in ((left, top, (1, 1)), (right, top, (-1, 1)),
                          (left, bottom, (1, -1)), (right, bottom, (-1, -1))):  # fmt: skip
        lead = geometry.l_corner(SHAPE, pixel_mm=PIXEL_MM, corner_mm=(x, y), towards=towards,
                                 arm_mm=25.0, width_mm=6.0, turn_deg=0.8)  # fmt: skip
        cover = cover * (1.0 - 0.97 * lead)
    clean = geometry.exposed(cover, inside=2000.0, outside=60.0)
    facts = {"DistanceSourceToDetector": FDD_MM}
    image = planar.as_image(geometry.noisy(clean, seed=1), PIXEL_MM, facts=facts)
    truth = {"deviation_left": -1.0, "deviation_top": 2.0, "deviation_right": -2.0,
             "deviation_bottom": 1.5, "sum_x": 3.0, "sum_y": 3.5, "sum_x_plane": 2.7,
             "deviation_right_percent": -0.2, "tilt": 0.8}  # fmt: skip
    return Example((image,), {"plane_mm": 900.0, "marker_mm": 5.4}, truth)


@example("field-image-centre")
def field_image_centre() -> Example:
    """Return two zooms of an image intensifier, the X-ray field 3 mm and 1.5 mm off centre."""
    shape, images = (1024, 1024), []
    facts = {"DistanceSourceToDetector": FDD_MM}
    for zoom, (pixel_mm, shift) in enumerate(((0.3, 3.0), (0.2, -1.5)), start=1):
        radius = 480 * pixel_mm
        shown = geometry.disc(shape, pixel_mm=pixel_mm, centre_mm=(0.0, 0.0), radius_mm=radius,
                              sigma_mm=0.01) > 0.5  # fmt: skip
        beam = geometry.disc(shape, pixel_mm=pixel_mm, centre_mm=(shift, 1.0),
                             radius_mm=radius - 12.0, sigma_mm=0.9)  # fmt: skip
        clean = geometry.exposed(beam, inside=900.0, outside=40.0)
        seen = np.where(shown, geometry.noisy(clean, seed=zoom), 0.0)
        images.append(planar.as_image(seen, pixel_mm, modality="RF", facts=facts))
    truth = {"image_diameter_1": 288.0, "diameter_1": 264.0, "offset_x_1": 3.0, "offset_y_1": 1.0,
             "offset_x_2": -1.5, "margin_right_1": 9.0, "margin_left_2": 10.5}  # fmt: skip
    return Example(tuple(images), truth=truth)


@example("focal-spot-star")
def focal_spot_star() -> Example:
    """Return a 1 degree star of 45 mm magnified twice by a uniform spot of 0.6 mm by 0.8 mm."""
    shape = (680, 680)
    clean = focal.star(shape, pixel_mm=PIXEL_MM, spoke_deg=1.0, diameter_mm=45.0,
                       magnification=2.0, spot_mm=(0.6, 0.8), detector_mm=0.1,
                       centre_mm=(2.3, -1.7))  # fmt: skip
    image = planar.as_image(geometry.noisy(2000.0 * clean, seed=1), PIXEL_MM)
    return Example((image,), {"star_diameter_mm": 45.0, "tube_axis": "y"},
                   {"focal_spot_x": 0.6, "focal_spot_y": 0.8, "focal_spot_length": 0.8,
                    "magnification": 2.0})  # fmt: skip


@example("focal-spot-pinhole")
def focal_spot_pinhole() -> Example:
    """Return the image of a uniform spot of 1.0 mm by 1.4 mm, enlarged 4 times."""
    clean = focal.pinhole((600, 640), pixel_mm=0.1, spot_mm=(1.0, 1.4), enlargement=4.0,
                          centre_mm=(3.0, -2.0))  # fmt: skip
    image = planar.as_image(geometry.noisy(50.0 + 2000.0 * clean, seed=1), 0.1)
    return Example((image,), {"enlargement": 4.0, "tube_axis": "y"},
                   {"focal_spot_x_fwhm": 1.0, "focal_spot_y_fwhm": 1.4})  # fmt: skip


@example("beam-perpendicularity")
def beam_perpendicularity() -> Example:
    """Return a two-ball tool in a beam that leans by 1 degree to the right and 0.5 upwards."""
    shape, height = (1200, 1200), 152.4
    lean = [math.tan(math.radians(a)) for a in (1.0, -0.5)]
    lower = (4.0, -3.0)
    focus = (lower[0] - FDD_MM * lean[0], lower[1] - FDD_MM * lean[1])
    upper = geometry.projected((*lower, height), focus, FDD_MM)
    m = FDD_MM / (FDD_MM - height)
    placed = [(lower, 0.8, 1.5), (upper, 0.8 * m, 1.5 / m)]
    shadow = geometry.balls(shape, pixel_mm=PIXEL_MM, placed=placed)
    cover = geometry.rectangle(shape, pixel_mm=PIXEL_MM, edges_mm=(-70.0, -60.0, 72.0, 61.0),
                               sigma_mm=0.8)  # fmt: skip
    clean = geometry.exposed(cover * shadow, inside=2000.0, outside=60.0)
    facts = {"DistanceSourceToDetector": FDD_MM}
    image = planar.as_image(geometry.noisy(clean, seed=1), PIXEL_MM, facts=facts)
    truth = {"angle_x": 1.0, "angle_y": -0.5}
    return Example((image,), {"separation_mm": height}, truth)


@example("detector-geometry")
def detector_geometry() -> Example:
    """Return a 10 mm mesh whose true pixels are 1 % wider than stated across, 0.5 % less down."""
    cover = geometry.mesh((1024, 1024), pixel_mm=(0.1515, 0.14925), pitch_mm=10.0, turn_deg=3.0)
    image = planar.as_image(geometry.noisy(2000.0 * (1 - 0.8 * cover), seed=1), PIXEL_MM)
    pixels = {"x": 0.1515, "y": 0.14925}
    truth = {f"pixel_{a}": p for a, p in pixels.items()}
    truth |= {f"spacing_error_{a}": 100.0 * (PIXEL_MM / p - 1.0) for a, p in pixels.items()}
    return Example((image,), {"pitch_mm": 10.0}, truth)


@example("step-wedge")
def step_wedge() -> Example:
    """Return a wedge of 11 steps of 1.5 mm in a coefficient of 0.08 per mm, turned by 2 degrees."""
    clean = wedge.step_wedge((900, 1000), pixel_mm=PIXEL_MM, steps=11, step_mm=1.5, length_mm=9.0,
                             width_mm=25.0, per_mm=0.08, turn_deg=2.0)  # fmt: skip
    image = planar.as_image(geometry.noisy(2000.0 * clean, seed=1), PIXEL_MM)
    truth = {"steps": 11.0, "resolved_steps": 11.0, "slope": -0.08, "range": 1.2}
    return Example((image,), {"step_mm": 1.5, "steps": 11}, truth)


@example("ramp-wedge")
def ramp_wedge() -> Example:
    """Return a ramp of 100 mm that rises to 20 mm, in a coefficient of 0.06 per mm."""
    clean = wedge.ramp((900, 1000), pixel_mm=PIXEL_MM, length_mm=100.0, width_mm=40.0,
                       thickest_mm=20.0, per_mm=0.06, turn_deg=3.0)  # fmt: skip
    image = planar.as_image(geometry.noisy(2000.0 * clean, seed=1), PIXEL_MM)
    return Example((image,), {"rise": 0.2}, {"slope": -0.012, "slope_thickness": -0.06})
