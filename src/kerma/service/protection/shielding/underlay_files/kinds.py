"""What a file may be, how large, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kerma.core import InputError

# Design choices: an A0 sheet scanned at 300 dpi in colour is below the first; a drawing of a whole
# hospital block as DXF is below the second, and costs a reader a minute and two gigabytes at most.
MOST_BYTES = 50 * 2**20
MOST_DXF_BYTES = 25 * 2**20
# Pixels of the longer side of what is shown: 1 cm on a plan of 40 m. Design choice.
LONGEST_PX = 4000
# Lines offered to draw upon; the longest are walls, the short ones furniture. Design choices.
MOST_LINES = 2000
SHORTEST_PX = 12.0

Line = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """One page of a file as it is shown.

    Attributes
    ----------
    png
        The picture; nothing else of the file is ever shown.
    metres_per_pixel
        Where the file itself states it, else ``None``.
    lines
        Straight lines in pixels of the picture, the longest first.
    pages
        How many pages the file has.
    media_type
        Of the file as it was sent.
    """

    png: bytes
    width: int
    height: int
    metres_per_pixel: float | None
    lines: tuple[Line, ...]
    pages: int
    media_type: str


MEDIA = {
    "png": "image/png", "jpeg": "image/jpeg", "tiff": "image/tiff",
    "pdf": "application/pdf", "dxf": "image/vnd.dxf",
}  # fmt: skip
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"), (b"MM\x00*", "tiff"), (b"II+\x00", "tiff"), (b"MM\x00+", "tiff"),
)  # fmt: skip
_OTHERS = (
    (b"AutoCAD Binary DXF", "This is a binary DXF. Save it as an ASCII DXF."),
    (b"AC10", "This is a DWG. Save it as DXF or print it to PDF."),
    (b"ISO-10303-21", "This is an IFC or STEP model. Export the storey's plan as DXF or PDF."),
    (b"PK\x03\x04", "This is an archive or an office document. Send the drawing itself."),
    (b"<", "This is SVG, HTML or XML, which is not shown. Print it to PDF."),
)


def kind_of(content: bytes) -> str:
    """Return what a file is by its content; its name is not believed.

    Raises
    ------
    InputError
        ``no-drawing``, ``too-large``.
    """
    if not content:
        raise InputError("The file is empty.", code="no-drawing")
    if len(content) > MOST_BYTES:
        raise too_large(len(content), MOST_BYTES)
    for start, kind in _STARTS:
        if content.startswith(start):
            return kind
    if b"%PDF-" in content[:1024]:
        return "pdf"
    text = content[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, words in _OTHERS:
        if text.startswith(start):
            raise InputError(words, code="no-drawing")
    if _is_dxf(text):
        if len(content) > MOST_DXF_BYTES:
            raise too_large(len(content), MOST_DXF_BYTES)
        return "dxf"
    raise InputError("This is no PNG, JPEG, TIFF, PDF or DXF drawing.", code="no-drawing")


def _is_dxf(text: bytes) -> bool:
    """Say whether tags of DXF stand at the beginning: comments, then a section."""
    lines = [line.strip() for line in text.splitlines()[:60]]
    pairs = zip(lines[::2], lines[1::2], strict=False)
    first = next((pair for pair in pairs if pair[0] != b"999"), None)
    return first == (b"0", b"SECTION")


def too_large(size: int, most: int) -> InputError:
    """Return the refusal of a file that is too large."""
    return InputError(
        f"The file has {size / 2**20:.0f} MB; drawings of up to {most // 2**20} MB are read. "
        "Export the storey alone, or print it to PDF.",
        code="too-large",
    )


def damaged(what: str) -> InputError:
    """Return the refusal of a file that begins like a drawing and is none."""
    return InputError(
        f"The {what} is damaged or incomplete and cannot be read. Export it again.",
        code="damaged",
    )


def no_page(page: int, pages: int) -> InputError:
    """Return the refusal of a page there is not."""
    there = "one page" if pages == 1 else f"{pages} pages"
    return InputError(f"There is no page {page}: the file has {there}.", code="no-page")


def longest(lines: Iterable[Line], width: int, height: int) -> tuple[Line, ...]:
    """Return the longest lines that touch the picture, each once, to a tenth of a pixel."""
    kept: dict[Line, float] = {}
    for x1, y1, x2, y2 in lines:
        outside = max(x1, x2) < 0 or max(y1, y2) < 0 or min(x1, x2) > width or min(y1, y2) > height
        length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
        if outside or not SHORTEST_PX <= length <= 2.0 * (width + height):
            continue
        a, b = sorted(((round(x1, 1), round(y1, 1)), (round(x2, 1), round(y2, 1))))
        kept[(*a, *b)] = length
    order = sorted(kept, key=lambda line: (-kept[line], line))
    return tuple(order[:MOST_LINES])
