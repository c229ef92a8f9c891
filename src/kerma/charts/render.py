"""A chart as SVG for the PDF, and the JavaScript that draws the same chart in the page."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import vl_convert

from kerma.charts.base import VEGA_LITE, Chart, spec

PRINT_WIDTH = 600  # drawn so wide and printed 172 mm wide, labels come out at 9 pt
_PRINT_FONT = "Source Sans Pro"
_RISE = 3.4  # of the 11 px type of axis titles
_TEXT_WITH_POWER = re.compile(r">(?P<before>[^<>]*)⁻(?P<power>[¹²³⁴])(?P<rest>[^<>⁻]*)<")
_LOWERED = str.maketrans("¹²³⁴", "1234")
_IDENTIFIER = re.compile(r'(\bid="|url\(#|href="#)([A-Za-z]+)(\d+)')


def svg(chart: Chart, *, width: int = PRINT_WIDTH, height: int | None = None) -> str:
    """Draw the chart as SVG with a fixed width.

    Text stays text, in the font of the reports; the same chart always gives the same characters.
    """
    _register_font()
    body: dict[str, Any] = spec(chart)
    body["width"] = width
    if height is not None:
        body["height"] = height
    body["config"] = {**body["config"], "font": _PRINT_FONT}
    text: str = vl_convert.vegalite_to_svg(body, vl_version=VEGA_LITE)
    return _TEXT_WITH_POWER.sub(_raised, _renumbered(text))


def _raised(match: re.Match[str]) -> str:
    """Draw a negative power as a small raised number.

    The font has ¹ but not ⁻, and an SVG renderer that misses one character sets the whole text in
    another font.
    """
    digits = match["power"].translate(_LOWERED)
    rest = f'<tspan dy="{_RISE}">{match["rest"]}</tspan>' if match["rest"] else ""
    number = f'<tspan dy="-{_RISE}" font-size="8px">\N{MINUS SIGN}{digits}</tspan>'
    return f">{match['before']}{number}{rest}<"


def _renumbered(text: str) -> str:
    """Number the SVG's identifiers from 0; the renderer counts on over a process's lifetime."""
    seen: dict[str, str] = {}

    def renamed(match: re.Match[str]) -> str:
        key = match[2] + match[3]
        return match[1] + seen.setdefault(key, f"{match[2]}{len(seen)}")

    return _IDENTIFIER.sub(renamed, text)


@cache
def _register_font() -> None:
    # Text is measured with the font it will be set in; without it the renderer's own sans is used.
    found = find_spec("font_source_sans_pro")
    if found is not None and found.submodule_search_locations:
        folder = Path(found.submodule_search_locations[0]) / "files"
        vl_convert.register_font_directory(str(folder))


@cache
def javascript_bundle() -> str:
    """Return one script: Vega, Vega-Lite and Vega-Embed out of vl-convert, and Kerma's page part.

    It takes seconds to assemble, so it is made once a process; `write_javascript_bundle` makes it
    once an installation. The script needs no ``unsafe-eval``.
    """
    page = files("kerma.charts").joinpath("page.js").read_text(encoding="utf-8")
    bundle: str = vl_convert.javascript_bundle(page, vl_version=VEGA_LITE)
    return bundle


def bundle_name() -> str:
    """Return the file name of the bundle: it changes with vl-convert and with Kerma's page part."""
    page = files("kerma.charts").joinpath("page.js").read_bytes()
    key = hashlib.sha256(page + f"{version('vl-convert-python')} {VEGA_LITE}".encode()).hexdigest()
    return f"kerma-charts-{key[:12]}.js"


def write_javascript_bundle(folder: Path) -> Path:
    """Write the bundle into a static folder unless it is already there; return its path."""
    path = folder / bundle_name()
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(javascript_bundle(), encoding="utf-8")
        part.replace(path)
    return path
