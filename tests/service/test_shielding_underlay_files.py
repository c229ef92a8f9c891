"""Drawings of architects: what is read of them, what is refused, and that none does harm."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import ezdxf
import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter

from kerma.core import InputError
from kerma.service.protection.shielding.underlay_files import apart, child, dxf, kinds
from tests.service.shielding_world import drawing, picture, sheet, text_of


def dark(found: kinds.DrawnPage) -> bool:
    """Whether the picture is dark where the lines are said to be."""
    pixels = np.asarray(Image.open(io.BytesIO(found.png)).convert("L"))
    for x1, y1, x2, y2 in found.lines:
        for t in np.linspace(0.05, 0.95, 7):
            x, y = round(x1 + t * (x2 - x1)), round(y1 + t * (y2 - y1))
            if pixels[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].min() > 128:
                return False
    return True


def refused(content: bytes, code: str, page: int = 1) -> str:
    with pytest.raises(InputError) as caught:
        apart.read(content, page)
    assert caught.value.code == code
    return caught.value.message


# What is shown ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
def test_a_picture_is_shown_as_png_and_states_no_scale(form: str) -> None:
    found = apart.read(picture(form))
    assert (found.width, found.height, found.metres_per_pixel, found.lines) == (400, 200, None, ())
    shown = Image.open(io.BytesIO(found.png))
    assert (shown.format, shown.size, shown.mode) == ("PNG", (400, 200), "L")
    assert shown.convert("L").getpixel((200, 10)) < 60


def test_a_large_picture_is_made_smaller_and_keeps_its_proportion() -> None:
    found = apart.read(picture("TIFF", (9000, 4500), compression="tiff_lzw"))
    assert (found.width, found.height) == (4000, 2000)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16", "I", "F", "LAB"])
def test_every_kind_of_pixel_can_be_shown(mode: str) -> None:
    image = Image.new("L", (60, 40), 255)
    image.putpixel((5, 5), 0)
    if mode in ("LA", "RGBA"):
        made = Image.new("RGBA", image.size, (255, 0, 0, 0))  # all clear: white when shown
        made.putpixel((5, 5), (0, 0, 0, 255))
        made = made.convert(mode)
    elif mode == "LAB":
        made = Image.new("LAB", image.size, (255, 128, 128))
        made.putpixel((5, 5), (0, 128, 128))
    elif mode == "I;16":
        made = Image.fromarray(np.asarray(image, dtype=np.uint16) * 16)
    else:
        made = image.convert(mode)
    out = io.BytesIO()
    made.save(out, "TIFF")
    shown = Image.open(io.BytesIO(apart.read(out.getvalue()).png)).convert("L")
    assert shown.getpixel((5, 5)) < 40
    assert shown.getpixel((30, 30)) > 215


def test_a_page_of_a_tiff_is_chosen() -> None:
    out = io.BytesIO()
    first, second = Image.new("L", (50, 50), 255), Image.new("L", (80, 40), 255)
    first.save(out, "TIFF", save_all=True, append_images=[second])
    found = apart.read(out.getvalue(), 2)
    assert (found.width, found.height, found.pages) == (80, 40, 2)
    assert "2 pages" in refused(out.getvalue(), "no-page", 3)


def test_a_photograph_taken_sideways_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = apart.read(picture("JPEG", exif=exif))
    assert (found.width, found.height) == (200, 400)


def test_the_lines_of_a_dxf_are_where_the_picture_shows_them() -> None:
    found = apart.read(text_of(drawing()))
    assert (found.width, found.height) == (4000, 2515)
    assert found.metres_per_pixel == pytest.approx(8.0 / 3960, rel=1e-9)
    assert found.lines[0] == (20.0, 20.0, 3980.0, 20.0)
    assert dark(found)
    # The door, 900 mm long, 2 m to the right and 1 m up; neither arc nor column is a wall.
    assert (1010.0, 2000.0, 1455.5, 2000.0) in found.lines
    assert len(found.lines) == 5


@pytest.mark.parametrize(
    ("units", "size", "metres"),
    [(4, 8000, 8.0), (5, 800, 8.0), (6, 8, 8.0), (1, 315, 8.001), (0, 8000, None),
     (2, 26, 7.9248), (99, 8, None), (6, 8000, None), (4, 8, None)],
)  # fmt: skip
def test_the_scale_of_a_dxf_is_taken_only_when_stated_and_credible(
    units: int, size: float, metres: float | None
) -> None:
    made = ezdxf.new()
    made.header["$INSUNITS"] = units
    made.modelspace().add_line((0, 0), (size, 0))
    found = apart.read(text_of(made))
    length = found.lines[0][2] - found.lines[0][0]
    assert (found.metres_per_pixel and found.metres_per_pixel * length) == pytest.approx(metres)


def test_layers_that_are_off_are_left_out() -> None:
    made = drawing()
    made.layers.add("OLD").off()
    made.modelspace().add_line((0, 0), (90000, 0), dxfattribs={"layer": "OLD"})
    made.modelspace().add_line((0, 0), (90000, 0), dxfattribs={"layer": "Defpoints"})
    assert apart.read(text_of(made)).metres_per_pixel == pytest.approx(8.0 / 3960)


def test_every_line_of_a_dxf_is_drawn_and_only_the_longest_are_offered() -> None:
    made = ezdxf.new()
    for i in range(3000):
        made.modelspace().add_line((i, 0), (i, 100 + i))
    found = apart.read(text_of(made))
    assert len(found.lines) == kinds.MOST_LINES
    lengths = [abs(y2 - y1) for _, y1, _, y2 in found.lines]
    assert lengths == sorted(lengths, reverse=True)
    assert dark(found)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_the_lines_of_a_pdf_are_where_the_picture_shows_them(turn: int) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(sheet())))
    writer.pages[0].rotate(turn)
    writer.pages[0].cropbox.lower_left = (100, 50)
    out = io.BytesIO()
    writer.write(out)
    found = apart.read(out.getvalue())
    assert found.width == 3999 if turn in (0, 180) else found.height == 3999
    assert found.metres_per_pixel is None
    assert len(found.lines) == 5
    assert dark(found)


def test_a_page_of_a_pdf_is_chosen() -> None:
    assert apart.read(sheet(3), 3).pages == 3
    assert "3 pages" in refused(sheet(3), "no-page", 4)
    refused(sheet(1), "no-page", 0)


# What is refused ----------------------------------------------------------------------------------


def test_a_pdf_with_a_password_is_refused() -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(sheet())))
    writer.encrypt("secret", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    assert "password" in refused(out.getvalue(), "encrypted")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"), (b"hello", "no PNG, JPEG"), (b"AC1032\0\0", "DWG"),
        (b"ISO-10303-21;\nHEADER;", "IFC"), (b"PK\x03\x04..", "archive"),
        (b"AutoCAD Binary DXF\r\n\x1a\x00", "binary DXF"),
        (b"<svg onload='alert(1)'/>", "SVG"), (b"\xef\xbb\xbf <html>", "HTML"),
    ],
)  # fmt: skip
def test_what_is_no_drawing_is_refused_with_what_to_do(content: bytes, words: str) -> None:
    assert words in refused(content, "no-drawing")


def test_large_files_are_refused_before_they_are_read() -> None:
    start = time.monotonic()
    assert "50 MB" in refused(b"%PDF-1.7" + bytes(kinds.MOST_BYTES), "too-large")
    assert "25 MB" in refused(b"0\nSECTION\n" + b"0\n" * (13 * 2**20), "too-large")
    assert time.monotonic() - start < 1.0


def test_a_picture_that_claims_gigabytes_is_refused() -> None:
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG")
    assert len(out.getvalue()) < 100_000
    assert "pixels" in refused(out.getvalue(), "too-large")


def test_a_pdf_page_of_absurd_size_is_refused() -> None:
    assert "no sheet" in refused(sheet(width="60000mm", height="1000mm"), "bad-size")
    assert "no sheet" in refused(sheet(width="2mm", height="2mm"), "bad-size")


def test_an_empty_dxf_is_refused() -> None:
    made = ezdxf.new()
    assert "no lines" in refused(text_of(made), "no-lines")
    made.modelspace().add_text("only words")
    made.modelspace().add_blockref("MISSING", (0, 0))
    refused(text_of(made), "no-lines")


def test_blocks_that_unfold_without_end_are_refused() -> None:
    made = ezdxf.new()
    made.blocks.new("B0").add_line((0, 0), (1, 1))
    for depth in range(1, 12):
        block = made.blocks.new(f"B{depth}")
        for i in range(10):
            block.add_blockref(f"B{depth - 1}", (i, 0))
    made.modelspace().add_blockref("B11", (0, 0))
    assert "unfolds" in refused(text_of(made), "too-large")


def test_a_block_inserted_a_billion_times_is_refused() -> None:
    made = drawing()
    insert = made.modelspace().add_blockref("DOOR", (0, 0))
    insert.dxf.row_count = insert.dxf.column_count = 32_000
    insert.dxf.row_spacing = insert.dxf.column_spacing = 1.0
    assert "unfolds" in refused(text_of(made), "too-large")


def test_blocks_that_hold_one_another_are_refused() -> None:
    made = ezdxf.new()
    a, b = made.blocks.new("A"), made.blocks.new("B")
    a.add_line((0, 0), (1, 1))
    a.add_blockref("B", (0, 0))
    b.add_blockref("A", (1, 1))
    made.modelspace().add_blockref("A", (0, 0))
    assert "deep" in refused(text_of(made), "too-large")


@pytest.mark.parametrize("far", ["1e300", "nan", "inf"])
def test_coordinates_that_are_no_place_are_refused(far: str) -> None:
    content = text_of(drawing()).replace(b"8000.0", far.encode())
    with pytest.raises(InputError):
        apart.read(content)


def test_a_reader_that_does_not_end_is_ended() -> None:
    start = time.monotonic()
    with pytest.raises(InputError) as caught:
        apart.read(text_of(drawing()), seconds=0.01)
    assert caught.value.code == "too-long"
    assert time.monotonic() - start < 5.0


def test_a_reader_that_crashes_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_CHILD", "no.such.module")
    with pytest.raises(InputError, match="damaged"):
        apart.read(picture())


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are of POSIX")
def test_the_reader_can_neither_write_files_nor_take_all_memory(tmp_path: Path) -> None:
    there = tmp_path / "written"
    program = (
        f"from {child.__name__} import confine; confine()\n"
        f"try: open({str(there)!r}, 'w').write('x' * 10**6)\n"
        "except OSError: print('refused')\n"
        "try: bytearray(4 * 2**30)\n"
        "except MemoryError: print('refused')\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert told.stdout.split() == [b"refused", b"refused"]


def test_the_reader_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def run(*_: Any, **options: Any) -> Any:
        seen.update(options["env"])
        raise subprocess.TimeoutExpired("", 1)

    monkeypatch.setenv("KERMA_SECRET", "s")
    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(InputError):
        apart.read(picture())
    assert "KERMA_SECRET" not in seen
    assert seen.keys() <= {*apart._KNOWN, "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}


_FUZZ = """
import json, sys
from pathlib import Path
from kerma.core import InputError
from kerma.service.protection.shielding.underlay_files import child
child.confine()
told = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        child.drawn(path.read_bytes(), 1)
        code = "shown"
    except InputError as error:
        assert error.message.endswith(".")
        code = error.code
    told[code] = told.get(code, 0) + 1
print(json.dumps(told))
"""


@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff", "pdf", "dxf"])
def test_damaged_files_are_shown_or_refused_and_never_more(kind: str, tmp_path: Path) -> None:
    """Eighty mutations of each kind, read in one process that must live to the end."""
    whole = {
        "png": picture("PNG"), "jpeg": picture("JPEG"), "dxf": text_of(drawing()),
        "tiff": picture("TIFF", compression="tiff_lzw"), "pdf": sheet(),
    }[kind]  # fmt: skip
    chance = random.Random(kind)
    for number in range(80):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 3, 30, 300))):
            content[chance.randrange(8, len(content))] = chance.randrange(256)
        if number % 4 == 0:
            del content[chance.randrange(8, len(content)) :]
        (tmp_path / f"{number:03d}").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", _FUZZ, str(tmp_path)],
        capture_output=True, timeout=300, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-3000:]


def test_words_in_a_dxf_that_are_no_numbers_are_refused_or_left_out() -> None:
    lines = text_of(drawing()).splitlines()
    chance = random.Random(5)
    for _ in range(40):
        made = list(lines)
        for _ in range(3):
            made[chance.randrange(4, len(made))] = chance.choice((b"x", b"-1", b"1e400", b"", b"0"))
        with suppress(InputError):  # anything else is a fault of the reader
            child.drawn(b"\n".join(made), 1)


def test_curves_of_any_size_end() -> None:
    made = ezdxf.new()
    made.modelspace().add_circle((0, 0), 1e9)
    made.modelspace().add_spline([(0, 0), (1, 1e9), (5, 3), (1e9, 2)])
    made.modelspace().add_ellipse((0, 0), (1e9, 0), 1e-6)
    assert dxf.read(text_of(made), 1).lines == ()
