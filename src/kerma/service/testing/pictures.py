"""Images and curves of a survey as things a page or a PDF can show."""

from __future__ import annotations

from typing import Any

from kerma import charts
from kerma.core import Curve, Quantity, Region
from kerma.reports.parts import Chart, Picture
from kerma.reports.rendering import picture_of
from kerma.service.testing.images import images_of
from kerma.service.testing.models import ImageAnalysis, Survey
from kerma.service.testing.protocol_text import protocol_of

_PRINTED = ("MTF", "Pixel value", "NPS", "NNPS", "DQE")


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


def _measured(survey: Survey) -> list[ImageAnalysis]:
    return list(survey.analyses.filter(replaced_by=None, status="measured"))


def pictures_of(survey: Survey) -> list[Picture]:
    """Return one picture for each image measurement: the frame with most of its regions."""
    protocol = protocol_of(survey)
    pictures = []
    for row in _measured(survey):
        regions = [region_from(r) for r in row.record["regions"]]
        title = protocol.image(row.slot).title
        images = images_of(survey, row.slot) if regions else []
        if picture := picture_of(regions, images, title=title, analysis=row.name):
            pictures.append(picture)
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
