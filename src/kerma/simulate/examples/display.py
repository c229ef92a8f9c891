"""Examples of the measurements on displays."""

from __future__ import annotations

from kerma.simulate import tables
from kerma.simulate.examples import Example, example


@example("display-gsdf")
def gsdf() -> Example:
    """Return 18 readings of a display that follows the display function exactly."""
    driven = tables.levels()
    read = tables.display(driven, jnd_low=60.0, jnd_high=660.0, ambient_cd_m2=0.3)
    parameters = {"level": driven, "luminance_cd_m2": read, "ambient_cd_m2": 0.3, "u_percent": 1.0}
    truth = {"kappa_max": 0.0, "jnd_deviation_max": 0.0, "jnd_total": 600.0,
             "luminance_max": tables.gsdf_luminance(660.0)}  # fmt: skip
    return Example((), parameters, truth)


@example("display-uniformity")
def uniformity() -> Example:
    """Return five readings of a display 10 % darker in one corner."""
    parameters = {"place": ["centre", "top left", "top right", "bottom left", "bottom right"],
                  "luminance_cd_m2": [200.0, 195.0, 190.0, 180.0, 198.0]}  # fmt: skip
    truth = {"nonuniformity": 200.0 * 20.0 / 380.0, "max_deviation_centre": 10.0}
    return Example((), parameters, truth)
