"""A phantom image with its measured regions drawn on it, as one SVG."""

from __future__ import annotations

import base64
import math
import struct
from html import escape

from kerma.core import InputError, Region
from kerma.reports.parts import Picture
from kerma.reports.units import result_text

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INK, _HALO = "#ffd23f", "#000000"
_FEW = 16  # more regions than this are drawn thin
_WIDEST_MM, _TALLEST_MM = 76.0, 95.0  # room for a picture beside its list of regions


def size(png: bytes) -> tuple[int, int]:
    """Return width and height of a PNG (its IHDR chunk).

    Raises
    ------
    InputError
        Code ``not-png``.

    """
    if png[:8] != _SIGNATURE or len(png) < 24:
        raise InputError("A picture in the report is not a PNG image.", code="not-png")
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


def printed_width_mm(picture: Picture) -> float:
    """Return how wide the picture is printed so that it fits beside its list."""
    width, height = size(picture.png)
    return round(min(_WIDEST_MM, _TALLEST_MM * width / height), 2)


def annotated(picture: Picture) -> str:
    """Draw the regions over the image, numbered in the order of the list beside it.

    More than 16 regions are drawn thin and without numbers.

    Lines are drawn light over dark, so that they show on any grey and in greyscale print. SVG
    puts the centre of the first pixel at 0.5, so every point moves by half a pixel.
    """
    width, height = size(picture.png)
    unit = max(width, height) / 100
    data = base64.b64encode(picture.png).decode()
    # A crowd of regions drawn as heavily as three would hide the image.
    weight = 1.0 if len(picture.regions) <= _FEW else 0.45
    marks = [
        part
        for number, region in enumerate(picture.regions, 1)
        for part in (
            *_outline(region, unit, weight),
            *([_label(number, region, unit, (width, height))] if weight == 1.0 else []),
        )
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><image width="{width}" height="{height}" '
        f'href="data:image/png;base64,{data}"/>{"".join(marks)}</svg>'
    )


def region_values(region: Region) -> str:
    """Return the region's statistics in one line."""
    return "; ".join(f"{name} {result_text(q)}" for name, q in region.values.items())


def _outline(region: Region, unit: float, weight: float) -> list[str]:
    shape = _shape(region, unit)
    return [
        shape.format(style=f'fill="none" stroke="{colour}" stroke-width="{wide * unit:.3f}"')
        for colour, wide in ((_HALO, 1.3 * weight), (_INK, 0.6 * weight))
    ]


def _points(region: Region) -> list[tuple[float, float]]:
    return [(x + 0.5, y + 0.5) for x, y in region.points]


def _shape(region: Region, unit: float) -> str:
    points = _points(region)
    (x0, y0), (x1, y1) = points[0], points[-1]
    if region.shape == "rectangle":
        return (
            f'<rect x="{min(x0, x1):.2f}" y="{min(y0, y1):.2f}" width="{abs(x1 - x0):.2f}" '
            f'height="{abs(y1 - y0):.2f}" {{style}}/>'
        )
    if region.shape == "circle":
        radius = math.hypot(x1 - x0, y1 - y0)
        return f'<circle cx="{x0:.2f}" cy="{y0:.2f}" r="{radius:.2f}" {{style}}/>'
    if region.shape == "point":
        arm = 1.5 * unit
        return (
            f'<path d="M{x0 - arm:.2f} {y0:.2f}H{x0 + arm:.2f}M{x0:.2f} {y0 - arm:.2f}'
            f'V{y0 + arm:.2f}" {{style}}/>'
        )
    path = "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
    return f'<path d="M{path}{"Z" if region.shape == "polygon" else ""}" {{style}}/>'


def _label(number: int, region: Region, unit: float, extent: tuple[int, int]) -> str:
    points = _points(region)
    if region.shape == "circle":
        (cx, cy), (rx, ry) = points[0], points[-1]
        radius = math.hypot(rx - cx, ry - cy)
        x, y = cx - radius * 0.71, cy - radius * 0.71
    else:
        x, y = min(p[0] for p in points), min(p[1] for p in points)
    high = 3.8 * unit
    x = min(max(x, 0.5 * unit), extent[0] - high * 1.5)
    y = y - 0.8 * unit if y > 2 * high else y + high
    style = f'x="{x:.2f}" y="{y:.2f}" font-family="Source Sans Pro" font-weight="700"'
    text = escape(str(number))
    return (
        f'<text {style} font-size="{high:.2f}" fill="{_HALO}" stroke="{_HALO}" '
        f'stroke-width="{0.9 * unit:.3f}" stroke-linejoin="round">{text}</text>'
        f'<text {style} font-size="{high:.2f}" fill="{_INK}">{text}</text>'
    )
