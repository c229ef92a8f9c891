"""DXF: the lines of model space, drawn black on white; text and references are left out."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import ezdxf.path
import ezdxf.recover
from ezdxf import units
from ezdxf.enums import InsertUnits
from ezdxf.lldxf.const import DXFError
from ezdxf.math import Matrix44
from PIL import Image, ImageDraw

from kerma.core import InputError
from kerma.service.protection.shielding.underlay_files.kinds import (
    LONGEST_PX,
    MEDIA,
    DrawnPage,
    Line,
    damaged,
    longest,
    no_page,
)
from kerma.service.protection.shielding.underlay_files.pictures import png_of

CURVES = frozenset(("LWPOLYLINE", "POLYLINE", "ARC", "CIRCLE", "ELLIPSE", "SPLINE"))
# A block may hold blocks, each many times: what unfolds to more than this is refused, not drawn.
# Design choices.
DEEPEST = 16
MOST_ENTITIES = 400_000
MOST_SEGMENTS = 600_000
# A whole drawing of less or more is in other units than its header says. Design choice.
CREDIBLE_M = (1.0, 2000.0)
# Drawing units; the Earth's circumference is 4e10 mm.
FARTHEST = 1e12
MARGIN_PX = 20
_BROKEN = (DXFError, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError,
           ArithmeticError, RecursionError, AssertionError, struct.error)  # fmt: skip

Piece = tuple[float, float, float, float]


@dataclass(slots=True)
class _Gathered:
    """What was found so far, in the drawing's own units, and what may still be looked at."""

    straight: list[Piece] = field(default_factory=list)
    curves: list[Any] = field(default_factory=list)
    left: int = MOST_ENTITIES

    def count(self, number: int = 1) -> None:
        self.left -= number
        if self.left < 0:
            raise InputError(
                f"The drawing unfolds to more than {MOST_ENTITIES:,} parts. Export the storey's "
                "walls alone, or print it to PDF.",
                code="too-large",
            )


def read(content: bytes, page: int) -> DrawnPage:
    """Read a DXF drawing's model space.

    Raises
    ------
    InputError
        ``damaged``, ``no-page``, ``no-lines``, ``too-large``.
    """
    if page != 1:
        raise no_page(page, 1)
    try:
        document, _ = ezdxf.recover.read(io.BytesIO(content))
        found = _Gathered()
        _gather(document, document.modelspace(), Matrix44(), found, depth=0, layer="0")
        box = _box(found)
        factor = _metres(document.header.get("$INSUNITS", 0))
    except _BROKEN:
        raise damaged("DXF") from None
    return _drawn(found, box, factor)


def _gather(
    document: Any, entities: Any, matrix: Matrix44, found: _Gathered, *, depth: int, layer: str
) -> None:
    """Collect lines and curves, with blocks unfolded where they are inserted."""
    for entity in entities:
        found.count()
        kind = entity.dxftype()
        if kind not in CURVES and kind not in ("LINE", "INSERT"):
            continue
        # What lies on layer 0 of a block is on the layer the block is inserted on.
        own = str(entity.dxf.get("layer", "0"))
        here = layer if own == "0" else own
        if not _shown(document, here) or entity.dxf.get("invisible", 0):
            continue
        if kind == "INSERT":
            _unfold(document, entity, matrix, found, depth=depth, layer=here)
        elif kind == "LINE":
            start, end = matrix.transform(entity.dxf.start), matrix.transform(entity.dxf.end)
            found.straight.append((start.x, start.y, end.x, end.y))
        elif not (kind == "POLYLINE" and entity.get_mode().startswith("AcDbPoly")
                  and "Mesh" in entity.get_mode()):  # fmt: skip
            path = ezdxf.path.make_path(entity)
            found.count(len(path))
            found.curves.append(path.transform(matrix))


def _shown(document: Any, layer: str) -> bool:
    if layer.casefold() == "defpoints":  # never printed
        return False
    if not document.layers.has_entry(layer):
        return True
    entry = document.layers.get(layer)
    return not (entry.is_off() or entry.is_frozen())


def _unfold(
    document: Any, insert: Any, matrix: Matrix44, found: _Gathered, *, depth: int, layer: str
) -> None:
    block = document.blocks.get(str(insert.dxf.get("name", "")))
    if block is None:
        return
    if depth >= DEEPEST:
        raise InputError(
            f"Blocks lie in one another more than {DEEPEST} deep. Explode them, or print the "
            "drawing to PDF.",
            code="too-large",
        )
    found.count(max(insert.mcount, 1))  # before the copies are made
    for single in insert.multi_insert() if insert.mcount > 1 else (insert,):
        # The block's base point is in the insert's own matrix.
        inner = single.matrix44() @ matrix
        _gather(document, block, inner, found, depth=depth + 1, layer=layer)


def _points(found: _Gathered) -> Iterator[tuple[float, float]]:
    for x1, y1, x2, y2 in found.straight:
        yield x1, y1
        yield x2, y2
    for path in found.curves:
        for vertex in path.control_vertices():
            yield vertex.x, vertex.y


def _box(found: _Gathered) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top of everything; control points hold their curves."""
    left = bottom = math.inf
    right = top = -math.inf
    for x, y in _points(found):
        if not (abs(x) <= FARTHEST and abs(y) <= FARTHEST):
            raise ValueError("a point is no place")
        left, right, bottom, top = min(left, x), max(right, x), min(bottom, y), max(top, y)
    if not max(right - left, top - bottom) > 0.0:
        raise InputError(
            "The drawing's model space has no lines. Layers that are off or frozen are left out, "
            "and so are text, hatches, paper space and external references: bind those first.",
            code="no-lines",
        )
    return left, bottom, right, top


def _metres(code: Any) -> float | None:
    """Return the metres of one drawing unit; ``None`` when the header names none."""
    try:
        return units.conversion_factor(InsertUnits(int(code)), InsertUnits.Meters)
    except (TypeError, ValueError):  # none, or one that is not known
        return None


def _drawn(
    found: _Gathered, box: tuple[float, float, float, float], metres: float | None
) -> DrawnPage:
    left, bottom, right, top = box
    extent = max(right - left, top - bottom)
    scale = (LONGEST_PX - 2 * MARGIN_PX) / extent
    if not scale <= FARTHEST:
        raise damaged("DXF")
    width = max(int((right - left) * scale), 1) + 2 * MARGIN_PX
    height = max(int((top - bottom) * scale), 1) + 2 * MARGIN_PX
    image = Image.new("L", (width, height), 255)
    pen = ImageDraw.Draw(image)

    def placed(piece: Piece) -> Line:
        x1, y1, x2, y2 = piece
        return (
            MARGIN_PX + (x1 - left) * scale, MARGIN_PX + (top - y1) * scale,
            MARGIN_PX + (x2 - left) * scale, MARGIN_PX + (top - y2) * scale,
        )  # fmt: skip

    for piece in _pieces(found, 0.5 / scale):
        pen.line(placed(piece), fill=0, width=2)
    credible = metres is not None and CREDIBLE_M[0] <= extent * metres <= CREDIBLE_M[1]
    per_pixel = metres / scale if metres is not None and credible else None
    kept = longest(map(placed, _straight(found)), width, height)
    return DrawnPage(png_of(image), width, height, per_pixel, kept, 1, MEDIA["dxf"])


def _straight(found: _Gathered) -> Iterator[Piece]:
    """Yield what is drawn straight: the chord of a curve is no wall."""
    yield from found.straight
    for path in found.curves:
        before = path.start
        for command in path.commands():
            if command.type == ezdxf.path.Command.LINE_TO:
                yield before.x, before.y, command.end.x, command.end.y
            before = command.end


def _pieces(found: _Gathered, distance: float) -> Iterator[Piece]:
    """Yield everything as straight pieces, curves no farther than `distance` from their chords."""
    yield from found.straight
    left = MOST_SEGMENTS
    for path in found.curves:
        before = None
        for vertex in path.flattening(distance):
            if before is not None:
                left -= 1
                yield before.x, before.y, vertex.x, vertex.y
            before = vertex
            if left < 0:
                raise InputError(
                    f"The curves of the drawing have more than {MOST_SEGMENTS:,} parts. Export "
                    "the storey's walls alone, or print it to PDF.",
                    code="too-large",
                )
