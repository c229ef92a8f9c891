"""An image frame as a grey PNG, and the regions an analysis measured on it."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import vl_convert
from PIL import Image as Canvas

from kerma.core import Analysis, Image, Region
from kerma.reports.fonts import register_for_svg
from kerma.reports.parts import Picture
from kerma.reports.pictures import annotated, size

_LARGEST = 640  # pixels on the longer side of a printed picture
_TILE = 420  # pixels of one frame among several
# A picture shows the regions and this much around them, and never less than a quarter of the image.
_MARGIN, _SMALLEST_SHARE = 0.12, 0.25


def window_of(image: Image) -> tuple[float, float]:
    """Return a display window: the 1st to 99th percentile, never empty."""
    low, high = np.percentile(image.pixels[::2, ::2], (1, 99))
    return (float(low), float(high)) if high > low else (float(low) - 1, float(low) + 1)


def render(
    image: Image, *, largest: int = _LARGEST, window: tuple[float, float] | None = None
) -> tuple[bytes, float]:
    """Return an image as PNG and the factor its pixels were shrunk by."""
    low, high = window or window_of(image)
    step = max(1, -(-max(image.pixels.shape) // largest))
    rows, columns = (n // step * step for n in image.pixels.shape)
    blocks = image.pixels[:rows, :columns].reshape(rows // step, step, columns // step, step)
    grey = np.clip((blocks.mean(axis=(1, 3)) - low) / (high - low), 0, 1)
    file = io.BytesIO()
    Canvas.fromarray((grey * 255).astype(np.uint8)).save(file, format="PNG", optimize=True)
    return file.getvalue(), 1 / step


def scaled(region: Region, factor: float) -> Region:
    """Return a region in the pixels of a shrunk image (pixel centres at integers)."""
    points = tuple(((x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5) for x, y in region.points)
    return Region(region.name, region.shape, points, 0, region.values)


def picture_of(
    regions: Sequence[Region],
    images: Sequence[Image],
    *,
    title: str,
    analysis: str,
    frame: int | None = None,
) -> Picture | None:
    """Return a frame cropped to its regions, and them; ``None`` when there is nothing to draw.

    Parameters
    ----------
    regions
        As an analysis gave them.
    images
        What it was given, in the same order.
    title, analysis
        What the picture is of, and the name of the measurement.
    frame
        Which frame; the one with most regions when absent.
    """
    ranked = frames_of(regions, images)
    if not ranked:
        return None
    chosen = ranked[0] if frame is None else frame
    shown = [region for region in regions if region.frame == chosen]
    # Every frame is cut out alike, and windowed on what was measured in it.
    image, (left, top) = cropped(images[chosen], regions)
    png, factor = render(image, window=window_of(cropped(images[chosen], shown)[0]))
    return Picture(
        title=title,
        png=png,
        alt=f"{title} with the regions measured by {analysis}",
        regions=tuple(scaled(_moved(r, -left, -top), factor) for r in shown),
        caption=f"Frame {chosen + 1} of {len(images)}. Not for diagnosis.",
        analysis=analysis,
    )


def frames_of(regions: Sequence[Region], images: Sequence[Image]) -> list[int]:
    """Return the frames that hold regions, most regions first, then in order."""
    counts: dict[int, int] = {}
    for region in regions:
        if region.frame < len(images):
            counts[region.frame] = counts.get(region.frame, 0) + 1
    return sorted(counts, key=lambda frame: (-counts[frame], frame))


def cropped(image: Image, regions: Sequence[Region]) -> tuple[Image, tuple[int, int]]:
    """Return the part of an image around its regions, and where its corner was (column, row)."""
    x0, y0, x1, y1 = _box(regions)
    rows, columns = image.pixels.shape
    side = max(x1 - x0, y1 - y0, _SMALLEST_SHARE * max(rows, columns)) * (1 + 2 * _MARGIN)
    left, top = (max(0, int((a + b - side) / 2)) for a, b in ((x0, x1), (y0, y1)))
    right, bottom = min(columns, int(left + side) + 1), min(rows, int(top + side) + 1)
    if right - left < 2 or bottom - top < 2:
        return image, (0, 0)
    return replace(image, pixels=image.pixels[top:bottom, left:right]), (left, top)


def _box(regions: Sequence[Region]) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of all regions together."""
    xs: list[float] = []
    ys: list[float] = []
    for region in regions:
        (cx, cy), (ex, ey) = region.points[0], region.points[-1]
        reach = math.hypot(ex - cx, ey - cy) if region.shape == "circle" else 0.0
        points = region.points[:1] if region.shape == "circle" else region.points
        xs += [x + d for x, _ in points for d in (-reach, reach)]
        ys += [y + d for _, y in points for d in (-reach, reach)]
    return min(xs), min(ys), max(xs), max(ys)


def _moved(region: Region, dx: float, dy: float) -> Region:
    points = tuple((x + dx, y + dy) for x, y in region.points)
    return Region(region.name, region.shape, points, region.frame, region.values)


def picture_png(analysis: Analysis, images: Sequence[Image], *, most: int = 6) -> bytes | None:
    """Return an analysis' picture with its regions drawn, as PNG; ``None`` without a region.

    Several frames (the modules of a phantom) stand side by side, at most `most`, in their order.
    """
    register_for_svg()
    tiles = []
    for frame in sorted(frames_of(analysis.regions, images)[:most]):
        picture = picture_of(
            analysis.regions, images, title=analysis.name, analysis=analysis.name, frame=frame
        )
        if picture is not None:
            scale = _TILE / max(size(picture.png))
            drawn: bytes = vl_convert.svg_to_png(annotated(picture), scale=scale)
            tiles.append(Canvas.open(io.BytesIO(drawn)).convert("RGB"))
    if not tiles:
        return None
    across = min(3, len(tiles))
    down = -(-len(tiles) // across)
    sheet = Canvas.new("RGB", (across * _TILE, down * _TILE), "black")
    for number, tile in enumerate(tiles):
        row, column = divmod(number, across)
        corner = (column * _TILE + (_TILE - tile.width) // 2,
                  row * _TILE + (_TILE - tile.height) // 2)  # fmt: skip
        sheet.paste(tile, corner)
    file = io.BytesIO()
    sheet.save(file, format="PNG", optimize=True)
    return file.getvalue()
