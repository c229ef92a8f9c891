"""Cost and memory of importing reports as the register grows; the curve can be drawn.

``KERMA_BENCH_REPORTS`` names how many (10,000 when it does not), ``KERMA_BENCH_PLOT`` an SVG file.
"""

from __future__ import annotations

import math
import os
import re
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kerma.service.doses import columnar
from kerma.service.doses.ingest import ingest_file
from kerma.simulate.department import build_department
from kerma.simulate.dose_reports import write_reports
from tests.perf.cost import Row, Rows

BATCH = 500


@dataclass(frozen=True)
class Point:
    """Cost and memory after so many reports."""

    reports: int
    cpu_ms: float
    resident_mb: float
    peak_mb: float


def _memory_mb(name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else math.nan


def grown(reports: int) -> list[Point]:
    """Import so many generated reports, in batches, and measure each batch."""
    today = date.today()
    department = build_department(today=today)
    points, done, seed = [], 0, 1000
    while done < reports:
        with tempfile.TemporaryDirectory() as folder:
            write_reports(Path(folder), department, BATCH, seed, today)
            files = sorted(Path(folder).rglob("*.dcm"))
            began = time.process_time()
            for path in files:
                ingest_file(path)
            spent = time.process_time() - began
        done, seed = done + len(files), seed + 1
        resident, peak = _memory_mb("VmRSS"), _memory_mb("VmHWM")
        points.append(Point(done, 1000 * spent / len(files), resident, peak))
    return points


def imports() -> Rows:
    """Measure an import of many reports."""
    points = grown(int(os.environ.get("KERMA_BENCH_REPORTS", "10000")))
    first, last = points[min(1, len(points) - 1)], points[-1]
    part = f"import of {last.reports} reports"
    yield Row(part, f"at {first.reports} stored", first.cpu_ms, "CPU ms each")
    yield Row(part, f"at {last.reports} stored", last.cpu_ms, "CPU ms each")
    power = math.log(last.cpu_ms / first.cpu_ms) / math.log(last.reports / first.reports)
    yield Row(part, "cost of one report grows to the power", power, "", "0: not at all")
    yield Row(part, f"memory at {first.reports}", first.resident_mb, "MB")
    yield Row(part, f"memory at {last.reports}", last.resident_mb, "MB", f"peak {last.peak_mb:.0f}")
    began = time.process_time()
    columnar.rebuild()
    yield Row(part, "columnar copy made again", time.process_time() - began, "CPU s",
              f"peak {_memory_mb('VmHWM'):.0f} MB")  # fmt: skip
    if plot := os.environ.get("KERMA_BENCH_PLOT"):
        _drawn(points, Path(plot))


def _drawn(points: list[Point], to: Path) -> None:
    """Draw cost and memory against the number of reports."""
    import vl_convert

    def line(field: str, title: str) -> dict[str, object]:
        return {
            "width": 520, "height": 180, "mark": {"type": "line", "point": True},
            "encoding": {
                "x": {"field": "reports", "type": "quantitative", "title": "reports stored"},
                "y": {"field": field, "type": "quantitative", "title": title,
                      "scale": {"zero": True}},
            },
        }  # fmt: skip

    values = [{"reports": p.reports, "ms": p.cpu_ms, "mb": p.resident_mb} for p in points]
    spec = {"data": {"values": values},
            "vconcat": [line("ms", "CPU ms each"), line("mb", "resident memory, MB")]}  # fmt: skip
    to.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")
