"""A storey of a plan as a picture: for the page and, the same, for the report."""

from __future__ import annotations

import base64
import io
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerma.physics.shielding import plan as shielding
from kerma.physics.shielding.plan.document import Area, Barrier, PlacedSource, Plan, Storey

# Steps of kerma, mGy in the period, and their colours; the drawing page is given the same.
STEPS = (
    (0.001, "#f2f5e9"), (0.003, "#dfe9c9"), (0.01, "#c5dcae"), (0.03, "#f4e3a1"), (0.1, "#f5c36d"),
    (0.3, "#ec8f4e"), (1.0, "#d8573f"), (3.0, "#ab2c43"), (10.0, "#6d1242"),
)  # fmt: skip
_WIDE = 600  # units across the picture
_MARGIN_M = 0.8
_INK = {"wall": "#15201c", "door": "#8a5a17", "window": "#1c6ea4", "screen": "#6a4a8c"}
_LENGTHS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_MAP_POINTS = 240
_LETTER = 6.5  # units a letter of a name is wide
_ALONG = (0.5, 0.3, 0.7, 0.15, 0.85)  # where along a barrier its number may stand
_CLEAR = 20.0  # units between two numbers


def extent(plan: Plan, storey: str) -> tuple[float, float, float, float] | None:
    """Return x and y of the corners of what is drawn on a storey; ``None`` when nothing is."""
    points = [p for b in plan.barriers if b.storey == storey for p in (b.start, b.end)]
    points += [p for a in plan.areas if a.storey == storey for p in a.polygon]
    points += [s.position for s in plan.sources if s.storey == storey]
    if not points:
        return None
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return (min(xs) - _MARGIN_M, min(ys) - _MARGIN_M, max(xs) + _MARGIN_M, max(ys) + _MARGIN_M)


class _Sheet:
    """Metres to units of the picture."""

    def __init__(self, box: tuple[float, float, float, float]) -> None:
        self.x0, self.y0, x1, y1 = box
        self.scale = _WIDE / (x1 - self.x0)
        self.width, self.height = float(_WIDE), (y1 - self.y0) * self.scale

    def at(self, point: Sequence[float]) -> tuple[float, float]:
        """Return where a point of the plan lies."""
        return (round((point[0] - self.x0) * self.scale, 1),
                round((point[1] - self.y0) * self.scale, 1))  # fmt: skip


def picture(
    plan: Plan,
    storey: Storey,
    numbers: Mapping[str, int],
    states: Mapping[str, bool | None],
    needy: frozenset[str] = frozenset(),
    *,
    height_m: float | None = None,
) -> str:
    """Return a storey as SVG.

    Parameters
    ----------
    plan, storey
        What to draw of.
    numbers
        By key, what barriers are called in the tables beside it.
    states
        By key, whether areas are within their goal.
    needy
        Barriers something must be added to.
    height_m
        With a map of the kerma at this height; without one when not given.
    """
    box = extent(plan, storey.key)
    if box is None:
        return ""
    sheet = _Sheet(box)
    parts = [f'<rect width="{sheet.width}" height="{sheet.height:.1f}" fill="#fff"/>']
    if height_m is not None:
        parts.append(_map(plan, storey, box, sheet, height_m))
    parts += [_area(a, sheet, states.get(a.key)) for a in plan.areas if a.storey == storey.key]
    own = [b for b in plan.barriers if b.storey == storey.key]
    spots = _number_spots(own, sheet)
    for barrier in sorted(own, key=lambda b: b.kind in ("door", "window")):
        number = numbers.get(barrier.key)
        parts.append(_barrier(barrier, sheet, spots[barrier.key], number, barrier.key in needy))
    parts += [_source(s, sheet) for s in plan.sources if s.storey == storey.key]
    parts.append(_rule(sheet))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {sheet.width} {sheet.height:.1f}" '
        f'width="{sheet.width}" height="{sheet.height:.1f}" '
        f'font-family="Inter, Arial, sans-serif">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, words: str, *, size: int = 12, fill: str = "#15201c") -> str:
    halo = 'paint-order="stroke" stroke="#fff" stroke-width="3" stroke-linejoin="round"'
    return (f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="middle" fill="{fill}" {halo}>'
            f"{escape(words)}</text>")  # fmt: skip


def _area(area: Area, sheet: _Sheet, within: bool | None) -> str:
    if not area.polygon:
        return ""
    fill = {True: "#0b5d4e", False: "#b5121b", None: "#54625c"}[within]
    placed = [sheet.at(p) for p in area.polygon]
    points = " ".join(f"{x},{y}" for x, y in placed)
    x, y = sheet.at(_middle(area.polygon))
    across = [p[0] for p in placed]
    lines = _in_lines(area.name, max(8, int((max(across) - min(across)) / _LETTER)))
    top = y - 7.0 * (len(lines) - 1)
    return (
        f'<polygon points="{points}" fill="{fill}" fill-opacity="0.08" stroke="{fill}" '
        'stroke-width="0.8" stroke-dasharray="5 3"/>'
        + "".join(_text(x, top + 14.0 * n, words) for n, words in enumerate(lines))
        + _text(x, top + 14.0 * len(lines), f"T = {area.occupancy:g}", size=10, fill="#54625c")
    )


def _in_lines(words: str, long: int) -> list[str]:
    """Return words in at most three lines, so that a name keeps to its place."""
    return textwrap.wrap(words, long, max_lines=3, placeholder="…", break_on_hyphens=True) or [""]


def _middle(polygon: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Return the centre of area, or of the corners where there is no area."""
    closed = [*polygon[1:], *polygon[:1]]
    parts = [a[0] * b[1] - b[0] * a[1] for a, b in zip(polygon, closed, strict=True)]
    area = math.fsum(parts) / 2.0
    if abs(area) < 1e-9:
        count = max(len(polygon), 1)
        return (sum(p[0] for p in polygon) / count, sum(p[1] for p in polygon) / count)
    pairs = list(zip(polygon, closed, parts, strict=True))
    x, y = (math.fsum((a[i] + b[i]) * p for a, b, p in pairs) / (6.0 * area) for i in (0, 1))
    return (x, y)


def _number_spots(own: Sequence[Barrier], sheet: _Sheet) -> dict[str, tuple[float, float]]:
    """Return where the number of each barrier stands: clear of the others as far as it can be.

    Openings come first: they are short, and a wall has room for its number beside theirs.
    """
    found: dict[str, tuple[float, float]] = {}
    for barrier in sorted(own, key=lambda b: b.kind not in ("door", "window")):
        (ax, ay), (bx, by) = sheet.at(barrier.start), sheet.at(barrier.end)
        spots = [(ax + part * (bx - ax), ay + part * (by - ay)) for part in _ALONG]
        gaps = [min((math.dist(p, q) for q in found.values()), default=_CLEAR) for p in spots]
        clear = next((p for p, gap in zip(spots, gaps, strict=True) if gap >= _CLEAR), None)
        found[barrier.key] = clear or spots[gaps.index(max(gaps))]
    return found


def _barrier(
    barrier: Barrier, sheet: _Sheet, spot: tuple[float, float], number: int | None, needs: bool
) -> str:  # fmt: skip
    (ax, ay), (bx, by) = sheet.at(barrier.start), sheet.at(barrier.end)
    thick = sum(layer.mm for layer in barrier.layers) / 1000.0 * sheet.scale
    wide = max(round(thick, 1), 2.5)
    ink = "#b5121b" if needs else _INK[barrier.kind]
    line = f'x1="{ax}" y1="{ay}" x2="{bx}" y2="{by}"'
    parts = []
    if barrier.kind in ("door", "window"):
        parts.append(f'<line {line} stroke="#fff" stroke-width="{wide + 2}"/>')
    parts.append(f'<line {line} stroke="{ink}" stroke-width="{wide}" stroke-linecap="square"/>')
    if number is not None:
        x, y = spot
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="#fff" stroke="{ink}"/>')
        parts.append(f'<text x="{x:.1f}" y="{y + 3.5:.1f}" font-size="10" font-weight="600" '
                     f'text-anchor="middle" fill="{ink}">{number}</text>')  # fmt: skip
    return "".join(parts)


def _source(source: PlacedSource, sheet: _Sheet) -> str:
    x, y = sheet.at(source.position)
    # ISO 361: a disc of radius R, blades from 1.5 R to 5 R, one of them downward.
    leaves = "".join(_leaf(x, y, 9.0, angle) for angle in (0, 120, 240))
    return (
        f'<circle cx="{x}" cy="{y}" r="9" fill="#ffd400" stroke="#15201c"/>'
        f'<path d="{leaves}" fill="#15201c"/>'
        f'<circle cx="{x}" cy="{y}" r="{0.17 * 9.0:.2f}" fill="#15201c"/>'
        + _text(x, y + 22, source.name)
    )


def _leaf(x: float, y: float, r: float, start: float) -> str:
    def at(part: float, degrees: float) -> str:
        turn = math.radians(degrees)
        return f"{x + part * r * math.cos(turn):.2f} {y - part * r * math.sin(turn):.2f}"

    long = 0.85 * r
    return (f"M{at(0.255, start)}L{at(0.85, start)}A{long:.2f} {long:.2f} 0 0 0 "
            f"{at(0.85, start + 60)}L{at(0.255, start + 60)}Z")  # fmt: skip


def _rule(sheet: _Sheet) -> str:
    length = next((m for m in _LENGTHS if m * sheet.scale >= 60), _LENGTHS[-1])
    x, y, long = 12.0, sheet.height - 12.0, length * sheet.scale
    path = f"M{x} {y - 5:.1f}V{y:.1f}H{x + long:.1f}V{y - 5:.1f}"
    return (f'<path d="{path}" fill="none" stroke="#15201c" stroke-width="1.2"/>'
            + _text(x + long / 2, y - 5, f"{length:g} m", size=10))  # fmt: skip


def _map(
    plan: Plan,
    storey: Storey,
    box: tuple[float, float, float, float],
    sheet: _Sheet,
    height_m: float,
) -> str:
    x0, y0, x1, y1 = box
    step = max(x1 - x0, y1 - y0) / _MAP_POINTS
    x, y = np.arange(x0, x1, step) + step / 2, np.arange(y0, y1, step) + step / 2
    found = shielding.grid(plan, storey.key, x, y, height_m)
    image = io.BytesIO()
    Image.fromarray(coloured(np.asarray(found.total, float))).save(image, "PNG")
    data = base64.b64encode(image.getvalue()).decode("ascii")
    wide, high = len(x) * step * sheet.scale, len(y) * step * sheet.scale
    return (
        f'<image href="data:image/png;base64,{data}" width="{wide:.1f}" height="{high:.1f}" '
        'preserveAspectRatio="none" image-rendering="optimizeSpeed"/>'
    )


def coloured(kerma: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return kerma (rows, columns) in mGy as colours (rows, columns, 4); too near is the last."""
    edges = np.array([v for v, _ in STEPS])
    step = np.digitize(np.where(np.isnan(kerma), np.inf, kerma), edges)
    table = np.array([(0, 0, 0, 0), *(_rgba(c) for _, c in STEPS)], np.uint8)
    found: NDArray[np.uint8] = table[step]
    return found


def _rgba(colour: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return (red, green, blue, 255)


def legend(period: str) -> str:
    """Return the legend of a map as SVG."""

    def swatches() -> Iterator[str]:
        for n, (value, colour) in enumerate(STEPS):
            x = 8 + 65 * n
            yield f'<rect x="{x}" y="4" width="18" height="12" fill="{colour}" stroke="#7d8b85"/>'
            yield f'<text x="{x + 22}" y="14" font-size="10">{value:g}</text>'
        yield (f'<text x="10" y="30" font-size="10" fill="#54625c">At least so many mGy per '
               f"{escape(period)}; white is less.</text>")  # fmt: skip

    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} 36" width="{_WIDE}" '
        f'height="36" font-family="Inter, Arial, sans-serif">{"".join(swatches())}</svg>'
    )
