"""Colours and shapes of charts: legible on the light and on the dark page, and in greyscale.

Every line and mark colour has a contrast of at least 3:1 against both page backgrounds
(WCAG 2.2, 1.4.11), so one specification serves both themes; only text changes with the theme.
"""

from __future__ import annotations

from kerma.core import Verdict

LIGHT_PAGES = ("#ffffff", "#f6f7f5")
DARK_PAGES = ("#161e1b", "#0f1513")

INK = "#15201c"
SOFT = "#55635d"
GRID = "#dfe4e0"
LINE = "#6f7f78"
BASELINE = "#0f8f85"
PASS = "#178a5a"
REMEDIAL = "#b36f00"
SUSPENSION = "#d9363e"
EVENT = "#6f7f78"

SERIES = ("#0f8f85", "#9a6bc4", "#b36f00", "#3f7fc1", "#c2558f", "#6f7f78")
DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (4, 4), (1, 3))

_OCTAGON = "M-.41,-1L.41,-1L1,-.41L1,.41L.41,1L-.41,1L-1,.41L-1,-.41Z"
_DASH = "M-1,-.22L1,-.22L1,.22L-1,.22Z"
_RING = "M0,-.9A.9,.9,0,1,1,0,.9A.9,.9,0,1,1,0,-.9M0,-.55A.55,.55,0,1,0,0,.55A.55,.55,0,1,0,0,-.55Z"

SHAPES = {
    Verdict.PASS: "circle",
    Verdict.REMEDIAL: "triangle-up",
    Verdict.SUSPENSION: _OCTAGON,
    Verdict.NOT_DONE: _RING,
    Verdict.NOT_MEASURABLE: _DASH,
    Verdict.NOT_ENOUGH_DATA: _RING,
    Verdict.NOT_APPLICABLE: _DASH,
}
COLOURS = {
    Verdict.PASS: PASS,
    Verdict.REMEDIAL: REMEDIAL,
    Verdict.SUSPENSION: SUSPENSION,
    Verdict.NOT_DONE: LINE,
    Verdict.NOT_MEASURABLE: LINE,
    Verdict.NOT_ENOUGH_DATA: LINE,
    Verdict.NOT_APPLICABLE: LINE,
}


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two ``#rrggbb`` colours (WCAG 2.2, definition of contrast ratio)."""
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
