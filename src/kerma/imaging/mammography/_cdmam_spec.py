"""Descriptions of the CDMAM phantoms, read from the data files beside this module.

A place in the matrix is (x, y) in cells from its corner: x along the columns (rising thickness), y
down the rows (falling diameter). Corners of a cell are numbered 1 to 4: thinner and larger, thicker
and larger, thicker and smaller, thinner and smaller neighbours; so they do not depend on how the
phantom lies or whether the image is mirrored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from kerma.core import InputError, content_hash

Array = npt.NDArray[np.floating[Any]]
Whole = npt.NDArray[np.intp]

# Corner k + 1 lies at these signs of (x, y) from the middle of its cell.
CORNERS = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
_GAP_CELLS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """The cells of one arrangement of a phantom, in one order.

    Attributes
    ----------
    row, column
        Of each cell.
    x, y
        Middle of each cell, in cells.
    size
        (columns, rows and gaps) of the whole matrix, in cells.
    label
        What tells this arrangement from the phantom's others.
    """

    row: Whole
    column: Whole
    x: Array
    y: Array
    size: tuple[float, float]
    label: str

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True, eq=False)
class CdmamSpec:
    """What is known of one phantom.

    Attributes
    ----------
    diameters_mm
        Of the rows.
    thickness_um
        Shape (rows, columns); NaN where it is not known.
    complete
        Whether every thickness is known.
    matrices
        The arrangements its cells may have.
    pitch_mm
        Side of a cell, ``None`` when not known.
    corner_offset
        Of the second disc along both sides, in cells.
    corners
        Shape (rows, columns), 1 to 4, 0 where there is no cell; ``None`` when not known.
    provisional
        Why what it gives is provisional; empty when it is not.
    """

    key: str
    title: str
    diameters_mm: Array
    thickness_um: Array
    complete: bool
    matrices: tuple[Matrix, ...]
    pitch_mm: float | None
    corner_offset: float
    corners: Whole | None
    factors: str
    provisional: str
    confidence: Mapping[str, str]
    sources: Mapping[str, str]
    sha256: str

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return self.thickness_um.shape[0], self.thickness_um.shape[1]

    @property
    def cells(self) -> int:
        """Number of cells with discs."""
        return len(self.matrices[0])

    def of_phantom(
        self,
        thickness_um: Sequence[Sequence[float]] | Sequence[float] | None,
        corners: Sequence[str] | None,
        pitch_mm: float | None,
    ) -> CdmamSpec:
        """Return the description with the figures of one phantom in place of the general ones.

        Raises
        ------
        InputError
            Code ``bad-parameter``.
        """
        found = self
        if thickness_um is not None:
            found = replace(found, thickness_um=self._thicknesses(thickness_um), complete=True)
        if corners is not None:
            found = replace(found, corners=self._corners(corners))
        return found if pitch_mm is None else replace(found, pitch_mm=pitch_mm)

    def _thicknesses(self, given: Sequence[Any]) -> Array:
        rows, columns = self.shape
        lengths = {len(r) if isinstance(r, Sequence) else -1 for r in given}
        wanted = (len(given), lengths) in ((columns, {-1}), (rows, {columns}))
        table = np.asarray(given, dtype=float) if wanted else np.zeros(0)
        if not table.size or not (np.isfinite(table).all() and (table > 0).all()):
            raise _bad(
                "thickness_um",
                f"The gold thicknesses are {columns} numbers above zero, in µm, or {rows} rows of "
                f"{columns}, rows from the largest diameter to the smallest.",
            )
        found = np.broadcast_to(table, self.shape).copy()
        if (np.diff(found, axis=1) <= 0).any():
            raise _bad("thickness_um", "The gold thicknesses must rise along each row.")
        return found

    def _corners(self, given: Sequence[str]) -> Whole:
        rows, columns = self.shape
        text = [row.replace(" ", "") for row in given]
        if len(text) != rows or any(len(r) != columns or set(r) - set("1234.") for r in text):
            raise _bad(
                "corners",
                f"The corners are {rows} rows of {columns} signs: 1 to 4, or a point where there "
                "is no cell; rows from the largest diameter to the smallest, columns from thin to "
                "thick.",
            )
        return np.array([[0 if sign == "." else int(sign) for sign in row] for row in text])


def _bad(parameter: str, message: str) -> InputError:
    return InputError(message, code="bad-parameter", detail={"parameter": parameter})


@cache
def load_spec(key: str) -> CdmamSpec:
    """Return the description of one phantom, ``cdmam34`` or ``cdmam40``."""
    text = (resources.files(__package__) / "data" / f"{key}.yaml").read_text(encoding="utf-8")
    return parse_spec(yaml.safe_load(text))


@cache
def reading() -> Mapping[str, Any]:
    """Return factors, beams and limits as the data file has them."""
    path = resources.files(__package__) / "data" / "cdmam_reading.yaml"
    data: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return data


def parse_spec(data: Mapping[str, Any]) -> CdmamSpec:
    """Build a description from the plain data of its file."""
    diameters = np.array(data["diameters_mm"], dtype=float)
    general = data["thickness_um"]
    columns = int(data.get("columns") or len(general))
    thickness = np.full((len(diameters), columns), np.nan)
    if general:
        thickness[:] = np.array(general, dtype=float)
    for row, values in enumerate(data.get("thick_columns_um") or ()):
        thickness[row, columns - len(values) :] = values
    return CdmamSpec(
        key=data["phantom"],
        title=data["title"],
        diameters_mm=diameters,
        thickness_um=thickness,
        complete=bool(general),
        matrices=tuple(
            _matrix(blocks, cuts, columns)
            for blocks in data["blocks"]
            for cuts in data["cut_corners"]
        ),
        pitch_mm=data["pitch_mm"],
        corner_offset=float(data["corner_offset"]),
        corners=data["corners"],
        factors=data["factors"],
        provisional=str(data.get("provisional", "")),
        confidence=dict(data["confidence"]),
        sources=dict(data["sources"]),
        sha256=content_hash(dict(data)),
    )


def _matrix(blocks: Sequence[int], cuts: Sequence[int], columns: int) -> Matrix:
    rows = sum(blocks)
    block = np.repeat(np.arange(len(blocks)), blocks)
    row, column = (v.ravel() for v in np.indices((rows, columns)))
    up, left = rows - 1 - row, columns - 1 - column
    corners = (row + column, row + left, up + left, up + column)
    kept = np.all([far >= cut for far, cut in zip(corners, cuts, strict=True)], axis=0)
    row, column = row[kept], column[kept]
    label = f"blocks {'+'.join(map(str, blocks))}" if len(blocks) > 1 else ""
    if any(cuts):
        label = f"cut corners {', '.join(map(str, cuts))}"
    return Matrix(
        row,
        column,
        column + 0.5,
        row + 0.5 + _GAP_CELLS * block[row],
        (float(columns), rows + _GAP_CELLS * (len(blocks) - 1)),
        label,
    )
