"""What SpekPy gives: the spectrum of a bare tube and the attenuation of materials on its energies.

SpekPy 2.5 (MIT licence; Poludniowski, Omar, Bujila and Andreo, Med. Phys. 2021;48:3630-3637).
It takes more than a second to import and as long to make a spectrum, so it is imported when first
needed and what it made is kept on disk.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from kerma.core import InputError
from kerma.physics._cache import Array, Arrays, cached

STEP_KEV = 0.5
# Physics model -> the attenuation data SpekPy takes with it (PENELOPE, NIST).
MODELS: Mapping[str, str] = {
    "casim": "pene", "kqp": "pene", "uni": "pene", "diff": "pene",
    "spekpy-v1": "nist", "spekcalc": "nist",
}  # fmt: skip
# Our names and SpekPy's. A closed table: a misspelt filter must not be guessed at.
MATERIALS: Mapping[str, str] = {
    **{name: name for name in (
        "Be", "C", "Al", "Ti", "Fe", "Cu", "Zn", "Nb", "Mo", "Rh", "Pd", "Ag", "Sn", "Gd", "Ta",
        "W", "Au", "Pb",
    )},
    "air": "Air Dry (Near Sea Level)",
    "water": "Water, Liquid",
    "PMMA": "Polymethyl Methacrylate (Lucite Perspex or Plexiglas)",
}  # fmt: skip
_CM_PER_MM, _CM2_PER_MM2 = 0.1, 0.01


def spekpy_version() -> str:
    """Return the version installed, without importing it."""
    return metadata.version("spekpy")


@cache
def _spekpy() -> Any:
    return importlib.import_module("spekpy")


@lru_cache(maxsize=128)
def bare(kv: float, anode: str, angle_deg: float, model: str) -> Arrays:
    """Return the spectrum of a tube without any filter, on the central ray, 1 m, no air.

    ``energy`` (keV, middle of steps of 0.5 keV), ``fluence`` (photons per mm², keV and mAs) and
    ``mu_en_air`` (mass energy-absorption coefficient of air, cm²/g), each (steps,).
    """

    def make() -> Arrays:
        tube = _spekpy().Spek(
            kvp=kv, th=angle_deg, dk=STEP_KEV, physics=model, targ=anode,
            mu_data_source=MODELS[model],
        )  # fmt: skip
        energy, fluence = tube.get_spectrum(edges=False)
        return {
            "energy": energy,
            "fluence": fluence * _CM2_PER_MM2,
            "mu_en_air": tube.muen_air_data.get_muen_over_rho_air(energy),
        }

    key = {"what": "bare", "kv": kv, "anode": anode, "angle_deg": angle_deg, "model": model}
    return _fixed(cached({**_versioned(), **key}, make))


@lru_cache(maxsize=512)
def attenuation(material: str, source: str, first_kev: float, steps: int) -> Array:
    """Return the linear attenuation coefficient (1/mm) at steps of 0.5 keV.

    Raises
    ------
    InputError
        Code ``unknown-material``.
    """
    if material not in MATERIALS:
        raise InputError(
            f"There are no attenuation data for “{material}”. Kerma knows {', '.join(MATERIALS)}.",
            code="unknown-material",
            detail={"material": material},
        )

    def make() -> Arrays:
        data = importlib.import_module("spekpy.SpekTools").load_mu_data(source)[0]
        # By its whole path: SpekPy would take a file of that name in the working folder first.
        file = Path(_spekpy().__file__).parent / "data" / "matl_def" / f"{MATERIALS[material]}.comp"
        energy = first_kev + STEP_KEV * np.arange(steps)
        return {"mu": data.get_mu_composition(str(file), energy) * _CM_PER_MM}

    key = {"what": "attenuation", "material": MATERIALS[material], "source": source,
           "first_kev": first_kev, "steps": steps}  # fmt: skip
    return _fixed(cached({**_versioned(), **key}, make))["mu"]


def _versioned() -> dict[str, Any]:
    return {"spekpy": spekpy_version(), "step_kev": STEP_KEV}


def _fixed(arrays: Arrays) -> Arrays:
    for values in arrays.values():
        values.flags.writeable = False
    return arrays
