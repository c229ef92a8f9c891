"""Draw the gallery: one picture and a line of values for each measurement, made on its example.

``make gallery`` writes ``docs/gallery.md`` and the pictures beside it. The images are simulated, so
the pictures may be published; the same examples give the same pictures.
"""

from __future__ import annotations

import io
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import vl_convert
from PIL import Image as Canvas

from kerma import charts, imaging
from kerma.core import Analysis
from kerma.reports.rendering import picture_png
from kerma.reports.units import result_text
from kerma.simulate import examples

_HEAD = """# Gallery

Each measurement on a simulated image whose truth is known (`kerma.simulate.examples`); made by
`make gallery`. Links lead to the method.
"""
_WIDEST = 400
_VALUES = 4


def write(docs: Path) -> list[Path]:
    """Write the page and its pictures into the documents' folder; return what was written."""
    pictures = docs / "gallery"
    pictures.mkdir(parents=True, exist_ok=True)
    methods = _methods(docs)
    rooms: dict[str, list[str]] = defaultdict(list)
    written = []
    for name in imaging.names():
        example = examples.make(name)
        made = imaging.analyse(name, example.images, **example.parameters)
        drawn = _drawn(made, example)
        if drawn is not None:
            target = pictures / f"{name}.png"
            target.write_bytes(_small(drawn))
            written.append(target)
        room = imaging.find(name).run.__module__.split(".")[2]
        rooms[room].append(_entry(made, methods, pictured=drawn is not None))
    page = docs / "gallery.md"
    page.write_text("\n".join(_page(rooms)), encoding="utf-8")
    return [page, *written]


def _drawn(made: Analysis, example: examples.Example) -> bytes | None:
    """Return the image with its regions; the first curve where no image was measured, if any."""
    png = picture_png(made, example.images)
    if png is not None or not made.curves:
        return png
    drawn: bytes = vl_convert.svg_to_png(charts.svg(charts.curve(made.curves[:1])), scale=1.0)
    return drawn


def _small(png: bytes) -> bytes:
    """Return a picture few kilobytes large: at most 400 pixels wide, 32 colours."""
    drawn = Canvas.open(io.BytesIO(png)).convert("RGBA")
    picture = Canvas.new("RGB", drawn.size, "white")
    picture.paste(drawn, mask=drawn)  # a chart has no background of its own
    picture.thumbnail((_WIDEST, _WIDEST))
    file = io.BytesIO()
    picture.quantize(32).save(file, format="PNG", optimize=True)
    return file.getvalue()


def _methods(docs: Path) -> dict[str, str]:
    """Return the page whose title names each measurement."""
    found = {}
    for page in sorted((docs / "methods").glob("*.md")):
        title = page.read_text(encoding="utf-8").splitlines()[0]
        found.update(dict.fromkeys(title.split("`")[1::2], page.name))
    return found


def _entry(made: Analysis, methods: dict[str, str], *, pictured: bool) -> str:
    title = imaging.find(made.name).title
    head = (
        f"### [{title}](methods/{methods[made.name]})" if made.name in methods else f"### {title}"
    )
    some = list(made.values.items())[:_VALUES]
    values = "; ".join(f"{name.replace('_', ' ')} {result_text(q)}" for name, q in some)
    picture = f"\n![{title}](gallery/{made.name}.png)\n" if pictured else ""
    return f"{head}\n\n`{made.name}`: {values}.\n{picture}"


def _page(rooms: dict[str, list[str]]) -> Iterable[str]:
    yield _HEAD
    for room, entries in sorted(rooms.items()):
        yield f"## {room.capitalize()}\n"
        yield from entries


if __name__ == "__main__":
    for path in write(Path(sys.argv[1])):
        print(path)
