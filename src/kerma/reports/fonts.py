"""The fonts of a report: a declared dependency's, never the machine's.

Source Sans Pro (SIL Open Font License) comes from the package ``font-source-sans-pro``. Only the
named files are offered to the typesetter, in a folder of their own, because the package holds
every style twice and the order of a folder differs between machines. Without the package the
Libertinus Serif inside the typst wheel is used; either way the bytes do not depend on the machine.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import typst
import vl_convert

SANS = "Source Sans Pro"
SERIF = "Libertinus Serif"  # also supplies the few characters the sans lacks, such as ⁻
MONO = "DejaVu Sans Mono"

_STYLES = ("Regular", "It", "Semibold", "SemiboldIt", "Bold")


@cache
def _folder() -> str | None:
    found = find_spec("font_source_sans_pro")
    if found is None or not found.submodule_search_locations:
        return None
    source = Path(found.submodule_search_locations[0]) / "files"
    folder = Path(tempfile.mkdtemp(prefix="kerma-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for style in _STYLES:
        shutil.copy(source / f"SourceSansPro-{style}.ttf", folder)
    return str(folder)


@cache
def fonts() -> typst.Fonts:
    """Return the fonts a report is set in."""
    folder = _folder()
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=True,
        font_paths=[folder] if folder else [],
    )


@cache
def register_for_svg() -> None:
    """Make the same fonts known to the SVG renderer, for pictures drawn outside a report."""
    if (folder := _folder()) is not None:
        vl_convert.register_font_directory(folder)


def families() -> list[str]:
    """Return the order in which fonts are tried for running text."""
    return [SANS, SERIF, MONO] if _folder() else [SERIF, MONO]
