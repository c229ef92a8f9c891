"""PDF: the page as PDFium draws it, and the straight lines among its paths."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

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

# Points (1/72 inch): a sheet is between a stamp and the 200 inches the format itself allows.
SMALLEST_PT, LARGEST_PT = 36.0, 14_400.0
# A4 sharp enough to read its dimensions, without more pixels than its lines need. Design choice.
MOST_DPI = 300.0
MOST_PAGES = 2000
# Looked at for lines, so that a page of hatching ends in time; the picture is not affected.
MOST_OBJECTS, MOST_SEGMENTS = 60_000, 200_000
_FINE = 1000  # PDFium gives whole pixels: asked of a page so many times as large


def read(content: bytes, page: int) -> DrawnPage:
    """Read one page of a PDF; what it is drawn to is not believed, so there is no scale.

    Raises
    ------
    InputError
        ``encrypted``, ``damaged``, ``no-page``, ``bad-size``.
    """
    try:
        with pdfium.PdfDocument(content) as document:
            pages = len(document)
            if pages > MOST_PAGES:
                raise InputError(
                    f"The file has {pages} pages; print the plan alone.", code="too-large"
                )
            if not 1 <= page <= pages:
                raise no_page(page, pages)
            return _drawn(document[page - 1], pages)
    except pdfium.PdfiumError as error:
        if error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise InputError(
                "The PDF is protected by a password. Send it without one.", code="encrypted"
            ) from None
        raise damaged("PDF") from None


def _drawn(page: Any, pages: int) -> DrawnPage:
    width_pt, height_pt = page.get_size()
    if min(width_pt, height_pt) < SMALLEST_PT or max(width_pt, height_pt) > LARGEST_PT:
        raise InputError(
            f"The page is {width_pt * 0.0254 / 72:.3g} m by {height_pt * 0.0254 / 72:.3g} m, which "
            "is no sheet of a drawing. Print it again.",
            code="bad-size",
        )
    # One pixel is left for the rounding up of the size.
    scale = min((LONGEST_PX - 1) / max(width_pt, height_pt), MOST_DPI / 72.0)
    image = page.render(scale=scale, may_draw_forms=False, rev_byteorder=True).to_pil()
    if image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    width, height = image.size
    lines = longest(_lines(page, width, height), width, height)
    return DrawnPage(png_of(image), width, height, None, lines, pages, MEDIA["pdf"])


def _lines(page: Any, width: int, height: int) -> Iterator[Line]:
    """Yield the straight pieces of a page's paths in pixels."""
    to_pixels = _to_pixels(page, width, height)
    left = MOST_SEGMENTS
    paths = page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=8)
    for seen, path in enumerate(paths):
        if left <= 0 or seen >= MOST_OBJECTS:
            return
        matrix = _matrix(path).multiply(to_pixels)
        for start, end in _segments(path, left):
            left -= 1
            yield (*matrix.on_point(*start), *matrix.on_point(*end))


def _matrix(path: Any) -> Any:
    """Return the matrix that leads from a path to the page, through the forms it lies in."""
    matrix, holder = path.get_matrix(), path.container
    while holder is not None:
        matrix, holder = matrix.multiply(holder.get_matrix()), holder.container
    return matrix


def _segments(path: Any, most: int) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    here = first = None
    x, y = ctypes.c_float(), ctypes.c_float()
    count = raw.FPDFPath_CountSegments(path)
    for place in range(min(count, most)):
        segment = raw.FPDFPath_GetPathSegment(path, place)
        if not segment or not raw.FPDFPathSegment_GetPoint(segment, x, y):
            return
        kind, point = raw.FPDFPathSegment_GetType(segment), (x.value, y.value)
        if kind == raw.FPDF_SEGMENT_LINETO and here is not None:
            yield here, point
        elif kind == raw.FPDF_SEGMENT_MOVETO:
            first = point
        if raw.FPDFPathSegment_GetClose(segment) and first is not None and first != point:
            yield point, first
        here = point


def _to_pixels(page: Any, width: int, height: int) -> Any:
    """Return the matrix from the page to the picture: its boxes and its rotation in one."""

    def at(x: float, y: float) -> tuple[float, float]:
        right, down = ctypes.c_int(), ctypes.c_int()
        size = (width * _FINE, height * _FINE)
        raw.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, right, down)
        return right.value / _FINE, down.value / _FINE

    base = 100.0
    (x0, y0), (x1, y1), (x2, y2) = at(0.0, 0.0), at(base, 0.0), at(0.0, base)
    return pdfium.PdfMatrix(
        (x1 - x0) / base, (y1 - y0) / base, (x2 - x0) / base, (y2 - y0) / base, x0, y0
    )
