"""Examples of the dental projections."""

from __future__ import annotations

from kerma.simulate.dental import IntraoralShot, PanoramicShot, intraoral_image, panoramic_image
from kerma.simulate.examples import Example, example


@example("dental-intraoral")
def intraoral() -> Example:
    """Return the template object on a sensor of 0.03 mm pixels, turned by 2 degrees."""
    shot = IntraoralShot(noise=25.0, turn_deg=2.0, offset_mm=(0.3, -0.2))
    # Modulation relative to 2 mm⁻¹ of a Gaussian of 0.03 mm in the plane of the sensor.
    truth = {
        "magnification": 1.02, "turn": 2.0, "noise": 25.0, "cnr_deepest_1_5mm": 6.0,
        "steps_apart": 7.0, "rmtf20": 9.906,
    }  # fmt: skip
    return Example((intraoral_image(shot),), truth=truth)


@example("dental-panoramic")
def panoramic() -> Example:
    """Return the template arch, 2 % out of the layer at the molars."""
    shot = PanoramicShot(noise=30.0)
    truth = {
        "mh_incisor": 1.25, "mv_incisor": 1.25, "mh_left_molar": 1.30, "mv_left_molar": 1.27,
        "ratio_right_molar": 1.30 / 1.27, "layer_offset_incisor": 0.0,
    }  # fmt: skip
    told = {"rotation_radius_mm": {"incisor": 40.0}}
    return Example((panoramic_image(shot),), told, truth)
