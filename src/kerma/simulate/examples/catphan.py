"""Examples of the CatPhan analyses, drawn from the phantoms' own descriptions."""

from __future__ import annotations

from kerma.imaging.phantoms._spec import load_specs
from kerma.simulate.catphan import CatphanScan, catphan_series
from kerma.simulate.examples import Example, Make, example


def _maker(key: str) -> Make:
    def make() -> Example:
        scan = CatphanScan(model=key, roll_deg=1.5, noise_hu=5.0)
        return Example(tuple(catphan_series(scan)), truth={"roll": 1.5, "slice_thickness": 2.5})

    return make


for _key in load_specs():
    example(f"ct-{_key}")(_maker(_key))
