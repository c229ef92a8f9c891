"""What a skin dose calculation gives: the map, its peak, where it is, and what was not in it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from kerma.core import Provenance, Quantity
from kerma.core.codec import decode, encode

Array = npt.NDArray[np.float64]
OutcomeStatus = Literal["placed", "no radiation", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOutcome:
    """What became of one event.

    Attributes
    ----------
    index
        Place in the events given, from 0.
    codes, reason
        Why it was refused: stable codes, and a sentence that names everything it lacks.
    kerma_mgy
        Reference kerma used: displayed × calibration factor; of a refused event as displayed.
    kap_gy_m2
        As displayed.
    field_from, kap_ratio
        See `kerma.physics.skin.field`.
    transmission
        Of table and pad for a perpendicular ray.
    beams
        Number of parts a sweep was split into.
    """

    index: int
    status: OutcomeStatus
    uid: str = ""
    plane: str = ""
    kind: str = ""
    started: str | None = None
    codes: tuple[str, ...] = ()
    reason: str = ""
    kerma_mgy: float | None = None
    kap_gy_m2: float | None = None
    field_from: str = ""
    kap_ratio: float | None = None
    reference_mm: float | None = None
    hvl_mm: float | None = None
    transmission: float | None = None
    beams: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one event gives at the peak, and its factors there (means over the square)."""

    index: int
    dose_mgy: float
    fraction: float
    inverse_square: float
    backscatter: float
    water_air: float
    transmission: float
    side_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where the peak is, on the patient.

    Attributes
    ----------
    part, side
        ``trunk``, ``head`` or ``plane``; and in words: ``back``, ``left side of the back``, ...
    left_mm, posterior_mm, cranial_mm
        From the middle of the phantom's cross-section and from its top (downwards negative).
    """

    part: str
    side: str
    left_mm: float
    posterior_mm: float
    cranial_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Peak skin dose over an ensemble of what is not known exactly.

    Attributes
    ----------
    low_mgy, high_mgy
        Limits between which 95.45 % of the ensemble lies (the k = 2 interval of a normal one).
    mean_mgy, u_mgy
        Mean and standard deviation of the ensemble.
    contributions
        Standard deviation (mGy) with one input varied alone.
    inputs
        Standard uncertainties used.
    """

    runs: int
    seed: int
    low_mgy: float
    high_mgy: float
    mean_mgy: float
    u_mgy: float
    contributions: Mapping[str, float] = field(default_factory=dict)
    inputs: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Cells of the skin in the patient's coordinates (x left, y posterior, z cranial, mm).

    Arrays of one length n, but `vertices` (m, 3) and `quads` (n, 4): corners of each cell, for a
    picture. `dose_mgy` is that at the middle of the cell; `hits` counts events.
    """

    points_mm: Array
    normals: Array
    area_mm2: Array
    dose_mgy: Array
    hits: npt.NDArray[np.int64]
    vertices: Array
    quads: npt.NDArray[np.int64]

    def mesh(self) -> dict[str, Any]:
        """Return a triangle mesh for a 3-D view: vertices, triangles, dose and hits of each.

        Lists of plain numbers; two triangles a cell, wound so that they face outwards.
        """
        a, b, c, d = self.quads.T
        triangles = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], 1).reshape(-1, 3)
        return {
            "vertices_mm": np.round(self.vertices, 2).tolist(),
            "triangles": triangles.tolist(),
            "dose_mgy": np.repeat(self.dose_mgy, 2).tolist(),
            "hits": np.repeat(self.hits, 2).tolist(),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class SkinDoseMap:
    """A skin dose map and everything that must stand beside its peak.

    Attributes
    ----------
    status, reason
        ``validated`` or ``indicative`` as the room profile is; ``refused`` when no event could be
        placed, with the reason.
    complete
        Whether every event that gave radiation is in the map.
    psd
        Peak skin dose: largest mean over a square of 10 mm × 10 mm anywhere on the skin (mGy to
        water); ``None`` when refused. Its `u` is that of the ensemble, where one was run.
    psd_tile, psd_point
        Largest mean over the fixed tiles of 1 cm², and largest single value of the fine grid.
    box
        Smallest and largest PSD over a box of patient positions, where asked for.
    kerma_placed_mgy, kerma_refused_mgy
        Sums of reference kerma in the map and left out of it.
    rests_on
        Reference rows the result rests on.
    """

    status: Literal["validated", "indicative", "refused"]
    reason: str = ""
    complete: bool = False
    psd: Quantity | None = None
    psd_tile: Quantity | None = None
    psd_point: Quantity | None = None
    spread: Spread | None = None
    box: Mapping[str, Any] | None = None
    where: Location | None = None
    events: tuple[EventOutcome, ...] = ()
    shares: tuple[Share, ...] = ()
    kerma_placed_mgy: float = 0.0
    kerma_refused_mgy: float = 0.0
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    cells: Cells | None = None
    fine: Mapping[str, Array] = field(default_factory=dict)
    provenance: Provenance | None = None

    @property
    def refused(self) -> tuple[EventOutcome, ...]:
        """The events that are not in the map."""
        return tuple(e for e in self.events if e.status == "refused")

    def as_dict(self, cells: bool = True) -> dict[str, Any]:
        """Return plain data for JSON; `from_dict` gives the map back unchanged.

        Parameters
        ----------
        cells
            False leaves the arrays out.
        """
        found: dict[str, Any] = encode(replace(self, cells=None, fine={}, provenance=None))
        found["provenance"] = self.provenance.as_dict() if self.provenance else None
        del found["cells"], found["fine"]
        if cells and self.cells is not None:
            found["cells"] = {n: _packed(getattr(self.cells, n)) for n in Cells.__slots__}
            found["fine"] = {name: _packed(a) for name, a in self.fine.items()}
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SkinDoseMap:
        """Rebuild a map from `as_dict`.

        Raises
        ------
        InputError
            Code ``stored-data``.
        """
        plain = {n: v for n, v in data.items() if n not in ("cells", "fine")}
        found = decode(cls, plain)
        packed = data.get("cells")
        if not packed:
            return found
        arrays: dict[str, Any] = {name: _unpacked(one) for name, one in packed.items()}
        return replace(
            found,
            cells=Cells(**arrays),
            fine={name: _unpacked(one) for name, one in data["fine"].items()},
        )


def _packed(array: npt.NDArray[Any]) -> dict[str, Any]:
    """Return an array as little-endian bytes in base64, with its kind and shape."""
    kind = "<i8" if array.dtype.kind == "i" else "<f8"
    raw = np.ascontiguousarray(array, dtype=kind).tobytes()
    return {
        "kind": kind, "shape": list(array.shape), "bytes": base64.b64encode(raw).decode("ascii"),
    }  # fmt: skip


def _unpacked(packed: Mapping[str, Any]) -> npt.NDArray[Any]:
    raw = base64.b64decode(packed["bytes"], validate=True)
    kind = {"<i8": np.int64, "<f8": np.float64}[packed["kind"]]
    return np.frombuffer(raw, dtype=packed["kind"]).astype(kind).reshape(packed["shape"])
