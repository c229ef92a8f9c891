"""The example of the ACR CT phantom."""

from __future__ import annotations

from kerma.simulate.acr464 import acr_series
from kerma.simulate.cylinder import Scan
from kerma.simulate.examples import Example, example


@example("ct-acr464")
def acr464() -> Example:
    """Return a scan from ball to ball in 2.5 mm slices, rolled by 2 degrees, on a table."""
    scan = Scan(
        roll_deg=2.0, noise_hu=5.0, first_mm=-20.0, last_mm=140.0, offset_mm=(2.0, -3.0),
        table_hu=-600.0,
    )  # fmt: skip
    truth = {
        "roll": 2.0, "slice_thickness": 2.5, "hu_bone": 955.0, "hu_air": -1000.0, "cnr": 1.2,
        "bead_distance": 100.0, "bead_plane_distance": 120.0, "phantom_diameter": 200.0,
        "noise": 5.0,
    }  # fmt: skip
    return Example(tuple(acr_series(scan)), truth=truth)
