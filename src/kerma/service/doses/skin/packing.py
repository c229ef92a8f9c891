"""A skin dose map as it is kept in the database: plain data and arrays, compressed, lossless."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kerma.core import IntegrityError
from kerma.core.codec import decode, encode
from kerma.physics.skin import SkinDoseMap
from kerma.physics.skin.events import Orientation
from kerma.physics.skin.result import Cells
from kerma.service.doses.models import SkinDose

_WHOLE, _REAL = "<i8", "<f8"


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a person set for a study because no report states it, or states it wrongly.

    Attributes
    ----------
    orientation
        How the patient lay; ``None`` as reported.
    offset_mm
        Patient moved across (to the left of a patient on the back, head first), down and along
        (to the head end) from where they are taken to lie.
    reason
        How it is known.
    """

    orientation: Orientation | None = None
    offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    reason: str = ""

    def __bool__(self) -> bool:
        return self.orientation is not None or any(self.offset_mm)


def packed(found: SkinDoseMap, by_hand: ByHand) -> bytes:
    """Return a map with its arrays.

    Columns of an array lie together, and whole numbers as differences: both compress best.
    """
    arrays = _arrays(found)
    head: dict[str, Any] = {
        "map": found.as_dict(cells=False),
        "by_hand": encode(by_hand),
        "arrays": [[name, _kind(a), list(a.shape)] for name, a in arrays],
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    parts = [_columns(a).tobytes() for _, a in arrays]
    return zlib.compress(b"".join([struct.pack("<I", len(text)), text, *parts]), 6)


def by_hand_of(row: SkinDose) -> ByHand:
    """Return what was set by hand for a map, without its arrays."""
    head, _ = _head(row)
    return decode(ByHand, head["by_hand"])


def unpacked(row: SkinDose) -> SkinDoseMap:
    """Return a stored map.

    Raises
    ------
    IntegrityError
        Code ``map-damaged``: the row does not hold a map.
    """
    head, rest = _head(row)
    arrays, at = {}, 0
    for name, kind, shape in head["arrays"]:
        size = 8 * int(np.prod(shape))
        column = np.frombuffer(rest[at : at + size], kind).reshape(shape[::-1])
        whole = np.cumsum(column, axis=-1) if kind == _WHOLE else column
        arrays[name] = np.ascontiguousarray(whole.T)
        at += size
    found = SkinDoseMap.from_dict(head["map"])
    cells = {name: a for name, a in arrays.items() if not name.startswith("fine.")}
    fine = {n.removeprefix("fine."): a for n, a in arrays.items() if n.startswith("fine.")}
    return replace(found, cells=Cells(**cells) if cells else None, fine=fine)


def _arrays(found: SkinDoseMap) -> list[tuple[str, Any]]:
    cells = [(n, getattr(found.cells, n)) for n in Cells.__slots__] if found.cells else []
    return [*cells, *((f"fine.{name}", a) for name, a in found.fine.items())]


def _columns(array: Any) -> Any:
    columns = np.asarray(array, _kind(array)).T
    return np.diff(columns, axis=-1, prepend=0) if _kind(array) == _WHOLE else columns


def _kind(array: Any) -> str:
    return _WHOLE if array.dtype.kind == "i" else _REAL


def _head(row: SkinDose) -> tuple[dict[str, Any], bytes]:
    try:
        raw = zlib.decompress(bytes(row.record))
        (length,) = struct.unpack_from("<I", raw)
        head: dict[str, Any] = json.loads(raw[4 : 4 + length])
    except (zlib.error, struct.error, ValueError):
        raise IntegrityError(
            f"The stored skin dose map {row.pk} is damaged. Work it out again.", code="map-damaged"
        ) from None
    return head, raw[4 + length :]
