"""Drawings and designs for tests of shielding, plainly made up."""

from __future__ import annotations

import io
from typing import Any

import ezdxf
import typst
from django.utils import timezone
from PIL import Image, ImageDraw

from kerma.service.protection.models import Design, DesignVersion, Drawing
from kerma.service.protection.shielding.services import version_keep
from kerma.service.records import log
from kerma.service.records import services as records
from kerma.service.records.models import Issue, Paper
from tests.service.cast import Cast


def picture(form: str = "PNG", size: tuple[int, int] = (400, 200), **options: Any) -> bytes:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).line((10, 10, size[0] - 10, 10), fill="black", width=3)
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def drawing(**header: Any) -> Any:
    """A room of 8 m by 5 m in millimetres with a door, a column and words."""
    made = ezdxf.new()
    made.header["$INSUNITS"] = header.get("units", 4)
    space = made.modelspace()
    space.add_lwpolyline([(0, 0), (8000, 0), (8000, 5000), (0, 5000)], close=True)
    door = made.blocks.new("DOOR", base_point=(100, 0))
    door.add_line((100, 0), (1000, 0))
    door.add_arc((100, 0), 900, 0, 90)
    space.add_blockref("DOOR", (2000, 1000))
    space.add_circle((4000, 2500), 500)
    space.add_text("<script>alert(1)</script>")
    return made


def text_of(made: Any) -> bytes:
    out = io.StringIO()
    made.write(out)
    return out.getvalue().encode()


def sheet(pages: int = 1, width: str = "841mm", height: str = "594mm") -> bytes:
    """An A1 sheet with a line of 300 mm and a rectangle, in vectors."""
    one = (
        f"#set page(width: {width}, height: {height}, margin: 0mm)\n"
        "#place(dx: 100mm, dy: 50mm, line(length: 300mm, stroke: 1mm))\n"
        "#place(dx: 450mm, dy: 200mm, rect(width: 200mm, height: 100mm, stroke: 1mm))\n"
    )
    return bytes(typst.compile("#pagebreak()\n".join([one] * pages).encode()))


def design(who: Cast, title: str = "CT", **fields: Any) -> Design:
    """A design at our site, opened by the scientist who checks."""
    given: dict[str, Any] = {
        "employer": who.ours, "site": who.system.room.site, "title": title,
        "opened_at": timezone.now(), "opened_by": who.checker, **fields,
    }  # fmt: skip
    made = Design.objects.create(**given)
    log.append(actor=who.checker, kind="test.design", subject=made, text="Made", seals=[made])
    return made


# A room of 6 m by 5 m with a corridor along one wall ----------------------------------------------

CORRIDOR = [[0.0, 5.1], [6.0, 5.1], [6.0, 7.0], [0.0, 7.0]]


def document(source: dict[str, Any], *, method: str = "uk", **changes: Any) -> dict[str, Any]:
    """A drawing with a wall, a corridor and one source; `changes` replace parts of the plan."""
    wall = {
        "key": "w1", "name": "Wall to the corridor", "storey": "s1", "start": [0.0, 5.0],
        "end": [6.0, 5.0], "layers": [{"material": "lead", "mm": 2.0}],
    }  # fmt: skip
    corridor = {
        "key": "a1", "name": "Corridor", "storey": "s1", "polygon": CORRIDOR, "occupancy": 0.2,
        "occupancy_why": "Agreed with the head of imaging.",
    }  # fmt: skip
    plan = {
        "method": method, "schema": 1,
        "storeys": [{"key": "s1", "name": "Ground floor", "floor_m": 0.0, "height_m": 3.0}],
        "barriers": [wall], "areas": [corridor],
        "sources": [
            {"key": "p1", "name": "Source", "storey": "s1", "position": [3.0, 2.5],
             "height_m": 1.0, **source}
        ],
    }  # fmt: skip
    return {"plan": {**plan, **changes}}


def ct_source(asset: str, dlp_mgy_cm: float = 1e6) -> dict[str, Any]:
    given = {"region": "body", "dlp_mgy_cm": dlp_mgy_cm, "kv": 120.0}
    return {"system": asset, "uses": [{"kind": "ct_dlp", "given": given, "title": ""}]}


def drawn(made: Design, content: dict[str, Any]) -> Drawing:
    """Put a drawing into a design, or another in its place."""
    held, new = Drawing.objects.get_or_create(
        design=made,
        defaults={"document": content, "saved_at": timezone.now(), "saved_by": made.opened_by},
    )
    if not new:
        held.document, held.revision, held.saved_at = content, held.revision + 1, timezone.now()
        held.save()
    return held


def kept(made: Design) -> DesignVersion:
    """Keep the drawing as a version."""
    return version_keep(by=made.opened_by, design=made, note="As agreed")


def issued(version: DesignVersion, kind: str = "Shielding design") -> Issue:
    """An issued paper of a version, as far as readers of papers see it."""
    by, employer = version.by, version.design.employer
    report = records.report_create(
        by=by, kind="shielding", title=f"{kind}: {version.design}", employer=employer, system=None,
        on=timezone.localdate(),
    )  # fmt: skip
    paper = Paper.objects.create(
        report=report, work="shielding", subject=log.subject_of(version), author=by,
        state="issued", opened_at=timezone.now(),
    )  # fmt: skip
    content = {"report_number": report.number}
    made = records.issue_add(
        by=by, report=report, subject=log.subject_of(paper), content=content, reason="",
        pdf=b"%PDF-1.7 " + report.number.encode(),
    )  # fmt: skip
    log.append(
        actor=by, kind="test.paper", subject=paper, text="Issued", seals=[paper],
        data={"state": {f"records.paper:{paper.pk}": {"state": "issued"}}},
    )  # fmt: skip
    return made
