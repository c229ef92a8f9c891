"""Backscatter, water-to-air and half-value layer of a beam, from the rows of ``bsf``.

The rows (Benmakhlouf et al, as transcribed in the reference library) give, for a flat water phantom
and a square field at its surface, the backscatter factor and the ratio of mass energy-absorption
coefficients water to air, by tube voltage, filtration, half-value layer and side of the field. Both
are interpolated; beyond the ends of the table the end is used and said to be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.interpolate

from kerma.core import InputError
from kerma.reference import rows

Array = npt.NDArray[np.float64]
HvlSource = Literal["table", "beams"] | Callable[[float, float, float], float]

_interpolate: Any = scipy.interpolate
_BEYOND = "{} beyond the backscatter table: the table's end was used"
_BASE_AL_MM = 3.1  # the filtration at which the table has every thickness of copper


@dataclass(frozen=True)
class Table:
    """The rows as arrays: voltages (k,), qualities in order of HVL (k, q), sides (s,)."""

    kv: Array
    sides_cm: Array
    aluminium: Array
    copper: Array
    hvl: Array
    backscatter: Array
    water_air: Array
    ids: tuple[tuple[tuple[str, ...], ...], ...]


@cache
def table() -> Table:
    """Return the rows of ``bsf`` as arrays."""
    columns = (
        "kV", "field_side_cm", "hvl_mmAl", "filtration_mmAl", "added_mmCu", "backscatter_factor",
        "mu_en_rho_ratio_water_air",
    )  # fmt: skip
    found = sorted((tuple(r.number(c) for c in columns), r.id) for r in rows("bsf"))
    data = np.array([numbers for numbers, _ in found])
    kv, sides = np.unique(data[:, 0]), np.unique(data[:, 1])
    cube = data.reshape(kv.size, sides.size, -1, data.shape[1])
    ids = np.array([i for _, i in found]).reshape(cube.shape[:3]).transpose(0, 2, 1)
    return Table(
        kv=kv,
        sides_cm=sides,
        hvl=cube[:, 0, :, 2],
        aluminium=cube[:, 0, :, 3],
        copper=cube[:, 0, :, 4],
        backscatter=cube[:, :, :, 5].transpose(0, 2, 1),
        water_air=cube[:, :, :, 6].transpose(0, 2, 1),
        ids=tuple(tuple(tuple(sides) for sides in qualities) for qualities in ids.tolist()),
    )


@dataclass(frozen=True, slots=True)
class BeamFactors:
    """Backscatter and water-to-air of one beam at the tabulated sides of the field.

    `notes` says where an end of the table was used, `rows` which rows were interpolated.
    """

    hvl_mm: float
    backscatter: tuple[float, ...]
    water_air: tuple[float, ...]
    notes: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    def at(self, side_cm: float) -> tuple[float, float]:
        """Return (backscatter, water-to-air) for a field of this side at the skin."""
        sides = table().sides_cm
        inside = float(np.clip(side_cm, sides[0], sides[-1]))
        both = np.array([self.backscatter, np.multiply(self.backscatter, self.water_air)])
        alone, product = _interpolate.CubicSpline(sides, both, axis=1)(inside).tolist()
        return alone, product / alone


def beam_factors(
    kv: float, aluminium_mm: float, copper_mm: float, hvl: HvlSource = "table"
) -> BeamFactors:
    """Return the factors of a beam.

    Parameters
    ----------
    kv
        Tube voltage.
    aluminium_mm, copper_mm
        Whole filtration, that of the tube included.
    hvl
        Where the half-value layer comes from: the rows' own column (``table``), computed spectra
        (``beams``, `kerma.physics.beams`), or a function of the three figures above giving mm Al.

    Raises
    ------
    InputError
        Code ``bad-beam``.
    """
    if not (kv > 0 and aluminium_mm >= 0 and copper_mm >= 0):
        raise InputError(
            "A beam has a tube voltage above 0 kV and filters of 0 mm or more.", code="bad-beam"
        )
    if callable(hvl):
        return _looked_up(kv, _checked(hvl(kv, aluminium_mm, copper_mm)), ())
    return _cached(round(kv, 3), round(aluminium_mm, 4), round(copper_mm, 4), hvl)


@lru_cache(maxsize=8192)
def _cached(kv: float, aluminium_mm: float, copper_mm: float, hvl: str) -> BeamFactors:
    if hvl == "beams":
        from kerma.physics.beams import Beam

        beam = Beam(kv, filters=(("Al", aluminium_mm), ("Cu", copper_mm)))
        return _looked_up(kv, _checked(beam.hvl()), ())
    if hvl != "table":
        raise InputError("The half-value layer is from “table” or “beams”.", code="bad-beam")
    layer, notes = table_hvl(kv, aluminium_mm, copper_mm)
    return _looked_up(kv, layer, notes)


def _checked(layer: float) -> float:
    if not 0 < layer < 100:
        raise InputError(f"A half-value layer of {layer:g} mm Al is not possible.", code="bad-beam")
    return layer


def table_hvl(kv: float, aluminium_mm: float, copper_mm: float) -> tuple[float, tuple[str, ...]]:
    """Return the half-value layer (mm Al) by the rows' own column, and where it was clamped.

    Copper is interpolated (monotone cubic) where the rows have every thickness, at 3.1 mm Al; what
    more or less aluminium changes is taken from the rows without copper, and lessened as the pairs
    of rows with copper show. Between voltages linear. Design choice; it meets every row.
    """
    t, notes = table(), list[str]()
    kv = _clamped(kv, t.kv, "tube voltage", notes)
    aluminium_mm = _clamped(aluminium_mm, t.aluminium, "aluminium filtration", notes)
    copper_mm = _clamped(copper_mm, t.copper, "copper filtration", notes)
    i, share = _cell(t.kv, kv)
    low, high = (_hvl_at(j, aluminium_mm, copper_mm) for j in (i, i + 1))
    return low + share * (high - low), tuple(notes)


@cache
def _hvl_parts(i: int) -> tuple[Any, Array, Array, Array, Array]:
    """Return, at one voltage: HVL over copper, over aluminium alone, how copper lessens that."""
    t = table()
    found = {
        (round(float(a), 3), round(float(c), 3)): float(h)
        for a, c, h in zip(t.aluminium[i], t.copper[i], t.hvl[i], strict=True)
    }
    coppers = sorted(c for a, c in found if a == _BASE_AL_MM)
    curve = _interpolate.PchipInterpolator(coppers, [found[_BASE_AL_MM, c] for c in coppers])
    bare = sorted(a for a, c in found if c == 0)
    lessened = {0.0: 1.0}
    for (a, c), h in found.items():
        if c > 0 and a != _BASE_AL_MM:
            alone = found[a, 0.0] - found[_BASE_AL_MM, 0.0]
            lessened[c] = (h - found[_BASE_AL_MM, c]) / alone
    at = sorted(lessened)
    return (
        curve, np.array(bare), np.array([found[a, 0.0] for a in bare]), np.array(at),
        np.array([lessened[c] for c in at]),
    )  # fmt: skip


def _hvl_at(i: int, aluminium_mm: float, copper_mm: float) -> float:
    curve, bare, layers, coppers, lessened = _hvl_parts(i)
    more = np.interp(aluminium_mm, bare, layers) - np.interp(_BASE_AL_MM, bare, layers)
    return float(curve(copper_mm) + more * np.interp(copper_mm, coppers, lessened))


def _looked_up(kv: float, layer: float, given: Sequence[str]) -> BeamFactors:
    t, notes = table(), list(given)
    kv = _clamped(kv, t.kv, "tube voltage", notes)
    i, share = _cell(t.kv, kv)
    # The range of HVL moves with the voltage; so the same place in the range is looked up at both
    # neighbouring voltages, and no row is left behind or gone beyond.
    ends = t.hvl[i : i + 2, [0, -1]]
    low, high = (1 - share) * ends[0] + share * ends[1]
    place = (layer - low) / (high - low)
    if not -1e-9 <= place <= 1 + 1e-9:
        notes.append(_BEYOND.format("half-value layer"))
    place = float(np.clip(place, 0.0, 1.0))
    layers = ends[:, 0] + place * (ends[:, 1] - ends[:, 0])
    both = []
    for values in (t.backscatter, t.water_air):
        at = [
            [np.interp(layers[n], t.hvl[i + n], values[i + n, :, s])
             for s in range(t.sides_cm.size)]
            for n in (0, 1)
        ]  # fmt: skip
        both.append((1 - share) * np.array(at[0]) + share * np.array(at[1]))
    beside = ((n, _cell(t.hvl[i + n], layers[n])[0]) for n in (0, 1))
    return BeamFactors(
        hvl_mm=float(layer),
        backscatter=tuple(both[0].tolist()),
        water_air=tuple(both[1].tolist()),
        notes=tuple(dict.fromkeys(notes)),
        rows=tuple(row for n, j in beside for q in (j, j + 1) for row in t.ids[i + n][q]),
    )


def _clamped(value: float, among: Array, what: str, notes: list[str]) -> float:
    low, high = float(among.min()), float(among.max())
    if not low <= value <= high:
        notes.append(_BEYOND.format(what))
    return min(max(value, low), high)


def _cell(at: Array, value: float) -> tuple[int, float]:
    """Return the interval of a grid a value lies in, and how far along."""
    i = int(np.clip(np.searchsorted(at, value, side="right") - 1, 0, at.size - 2))
    return i, float((value - at[i]) / (at[i + 1] - at[i]))


def splines(factors: Sequence[BeamFactors | None]) -> Array:
    """Return backscatter × water-to-air over the side of the field, as piecewise cubics.

    Shape (beams, sides − 1, 4), coefficients from the constant up, of (side − its interval's low
    end) in cm: the cubic spline through the tabulated sides. ``None`` gives a factor of 1.
    """
    sides = table().sides_cm
    out = np.zeros((len(factors), sides.size - 1, 4))
    out[:, :, 0] = 1.0
    known = [i for i, f in enumerate(factors) if f is not None]
    if known:
        product = np.array(
            [np.multiply(f.backscatter, f.water_air) for f in factors if f is not None]
        )
        out[known] = _interpolate.CubicSpline(sides, product, axis=1).c.transpose(2, 1, 0)[
            ..., ::-1
        ]
    return out
