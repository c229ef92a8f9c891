"""Images and curves of a survey as things a page or a PDF can show."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image as Canvas

from kerma import charts
from kerma.core import Curve, Image, Quantity, Region
from kerma.reports.content import Chart, Picture
from kerma.service.testing.evaluation import protocol_of
from kerma.service.testing.images import images_of
from kerma.service.testing.models import ImageAnalysis, Survey

_PRINTED = ("MTF", "Pixel value", "NPS", "NNPS", "DQE")
_LARGEST = 640  # pixels on the longer side of a printed picture


def region_from(data: dict[str, Any]) -> Region:
    """Rebuild a region from an analysis record."""
    return Region(
        data["name"],
        data["shape"],
        tuple((x, y) for x, y in data["points"]),
        data.get("frame", 0),
        {name: Quantity.from_dict(q) for name, q in data.get("values", {}).items()},
    )


def curve_from(data: dict[str, Any]) -> Curve:
    """Rebuild a curve from an analysis record."""
    return Curve(**{k: tuple(v) if isinstance(v, list) else v for k, v in data.items()})


def window_of(image: Image) -> tuple[float, float]:
    """Return a display window: the 1st to 99th percentile, never empty."""
    low, high = np.percentile(image.pixels[::2, ::2], (1, 99))
    return (float(low), float(high)) if high > low else (float(low) - 1, float(low) + 1)


def render(image: Image, *, largest: int = _LARGEST) -> tuple[bytes, float]:
    """Return an image as PNG and the factor its pixels were shrunk by."""
    low, high = window_of(image)
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


def _measured(survey: Survey) -> list[ImageAnalysis]:
    return list(survey.analyses.filter(replaced_by=None, status="measured"))


def pictures_of(survey: Survey) -> list[Picture]:
    """Return one picture for each image measurement: the frame with most of its regions."""
    protocol = protocol_of(survey)
    pictures = []
    for row in _measured(survey):
        regions = [region_from(r) for r in row.record["regions"]]
        if not regions:
            continue
        frames = [r.frame for r in regions]
        frame = max(set(frames), key=frames.count)
        images = images_of(survey, row.slot)
        if frame >= len(images):
            continue
        png, factor = render(images[frame])
        title = protocol.image(row.slot).title
        pictures.append(
            Picture(
                title=title,
                png=png,
                alt=f"{title} with the regions measured by {row.name}",
                regions=tuple(scaled(r, factor) for r in regions if r.frame == frame),
                caption=f"Frame {frame + 1} of {len(images)}. Not for diagnosis.",
                analysis=row.name,
            )
        )
    return pictures


def charts_of(survey: Survey) -> list[Chart]:
    """Return one chart for each measurement whose curve is its result (MTF, transfer property).

    Curves that share the first one's axes are drawn together; intermediate ones (spread functions,
    profiles) stay on the page, where they can be looked into.
    """
    found = []
    for row in _measured(survey):
        curves = [curve_from(c) for c in row.record["curves"]]
        results = [c for c in curves if c.y_label in _PRINTED]
        together = [c for c in results if c.y_label == results[0].y_label]
        if not together:
            continue
        found.append(
            Chart(
                title=f"{together[0].y_label}, {protocol_of(survey).image(row.slot).title.lower()}",
                svg=charts.svg(charts.curve(together), width=360, height=170),
                alt=f"{together[0].y_label} against {together[0].x_label}",
                caption=f"{row.name} {row.record['provenance']['version']}",
            )
        )
    return found
