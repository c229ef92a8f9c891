"""Examples of the CatPhan analyses, drawn from the phantoms' own descriptions."""

from __future__ import annotations

from kerma.imaging.phantoms._describe import load_specs
from kerma.simulate.catphan import catphan_series, whole_scan
from kerma.simulate.examples import Example, Make, example


def _maker(key: str) -> Make:
    def make() -> Example:
        scan = whole_scan(key, roll_deg=1.5, noise_hu=5.0)
        truth = {"roll": 1.5, "slice_thickness": 2.5, "noise": 5.0, "hu_acrylic": 115.0}
        return Example(tuple(catphan_series(scan)), truth=truth)

    return make


for _key in load_specs():
    example(f"ct-{_key}")(_maker(_key))
