"""Regions drawn on a phantom image."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import vl_convert
from PIL import Image as Canvas

from kerma.core import Region, quantity
from kerma.reports.pictures import annotated, printed_width_mm, region_values, size
from tests.reports import example


def white(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Canvas.new("L", (width, height), 128).save(file, format="PNG")
    return file.getvalue()


def drawn(region: Region) -> np.ndarray:
    """Rasterise one region on grey and return where the yellow line is."""
    picture = replace(example.picture(), png=white(100, 100), regions=(region,))
    png = vl_convert.svg_to_png(re.sub(r"<text.*?</text>", "", annotated(picture)), scale=4)
    rgb = np.asarray(Canvas.open(io.BytesIO(png)).convert("RGB")).astype(int)
    return (rgb[..., 0] > 220) & (rgb[..., 2] < 120)


def test_rectangle_is_drawn_where_the_pixels_are() -> None:
    rows, columns = np.nonzero(drawn(Region("r", "rectangle", ((20, 30), (60, 80)))))
    # Pixel centres at integers: the corner (20, 30) lies 20.5 pixels from the edge of the image.
    for found, expected in (
        (columns.min(), 20.5), (columns.max(), 60.5), (rows.min(), 30.5), (rows.max(), 80.5),
    ):  # fmt: skip
        assert abs(found / 4 - expected) < 0.6


def test_circle_has_its_centre_and_radius() -> None:
    rows, columns = np.nonzero(drawn(Region("c", "circle", ((50, 40), (50, 60)))))
    assert abs(columns.mean() / 4 - 50.5) < 0.3
    assert abs(rows.mean() / 4 - 40.5) < 0.3
    radius = np.hypot(columns / 4 - 50.5, rows / 4 - 40.5)
    assert abs(radius.mean() - 20) < 0.3


def test_every_shape_is_drawn_and_numbered() -> None:
    shapes = (
        Region("a", "rectangle", ((1, 1), (9, 9))), Region("b", "circle", ((5, 5), (5, 9))),
        Region("c", "polygon", ((1, 1), (9, 1), (5, 9))), Region("d", "line", ((0, 0), (9, 9))),
        Region("e", "point", ((50, 50),)),
    )  # fmt: skip
    root = ET.fromstring(annotated(replace(example.picture(), png=white(100, 80), regions=shapes)))
    labels = {t.text for t in root.iter("{http://www.w3.org/2000/svg}text")}
    assert labels == {"1", "2", "3", "4", "5"}
    for region in shapes:
        assert drawn(region).any(), region.shape


def test_size_and_printed_width() -> None:
    assert size(white(640, 480)) == (640, 480)
    wide = replace(example.picture(), png=white(640, 480))
    tall = replace(example.picture(), png=white(100, 400))
    assert printed_width_mm(wide) == 76
    assert printed_width_mm(tall) * 4 == 95


def test_values_beside_the_picture() -> None:
    region = Region("r", "point", ((1, 1),), values={"mean": quantity(4.0, "HU", 0.5)})
    assert region_values(region).replace("\u00a0", " ") == "mean 4.0 ± 1.0 HU"
