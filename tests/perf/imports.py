"""Importing dose reports, with storage, beside pydicom's own reading of the same files."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pydicom

from kerma.core import KermaError
from kerma.dicom.dose import read_report
from kerma.service.doses.ingest import ingest_file
from kerma.simulate.department import build_department
from kerma.simulate.dose_reports import write_reports
from tests.perf.cost import Row, Rows, alone, cpu_s
from tests.shared import ROOT as SHARED

SIMULATED = 200
# In a process of its own. The kernel's VmHWM is used, not ru_maxrss: that one remembers the parent.
_LONGEST = """
import json, re, sys, time
from pathlib import Path
from kerma.dicom.dose import read_report
from kerma.dicom.dose.tables import sections

def peak_mb():
    found = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024

sections()
data = Path(sys.argv[1]).read_bytes()
before = peak_mb()
began = time.process_time()
record = read_report(data)
spent = time.process_time() - began
print(json.dumps({"s": spent, "mb": peak_mb() - before, "peak": peak_mb()}))
"""


def _visit(path: Path) -> None:
    """Read a file with pydicom and look at every element's value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
        dataset.walk(lambda within, element: element.value)


def _compared(part: str, files: Sequence[Path]) -> Rows:
    outcomes: dict[str, int] = {}

    def store() -> None:
        for path in files:
            outcome = ingest_file(path).outcome
            outcomes[outcome] = outcomes.get(outcome, 0) + 1

    visiting = cpu_s(lambda: [_visit(p) for p in files], 2)
    storing = cpu_s(store)
    again = cpu_s(store)
    told = ", ".join(f"{n} {name}" for name, n in outcomes.items())
    yield Row(part, "read and store", storing, "CPU s", f"{len(files)} files; twice: {told}")
    yield Row(part, "pydicom reads and visits every element", visiting, "CPU s")
    yield Row(part, "ratio", storing / visiting, "of pydicom's", "storage included")
    yield Row(part, "per file", 1000 * storing / len(files), "CPU ms")
    yield Row(part, "the same files again", 1000 * again / len(files), "CPU ms each")


def _read_only(part: str, files: Sequence[Path]) -> Rows:
    def read() -> None:
        for path in files:
            try:
                read_report(path)
            except KermaError:
                continue

    visiting = cpu_s(lambda: [_visit(p) for p in files], 2)
    reading = cpu_s(read, 2)
    yield Row(part, "reading alone, ratio", reading / visiting, "of pydicom's", "nothing stored")


def _events(path: Path) -> int:
    try:
        return len(read_report(path).events)
    except KermaError:
        return 0


def shared_reports() -> Rows:
    """Measure the real reports kept beside the project."""
    folder = SHARED / "dicom/dose-reports"
    files = sorted(folder.glob("*.dcm"))
    if not files:
        yield Row("real reports", "*** SHARED MATERIAL ABSENT: not measured ***", 0, "")
        return
    yield from _compared("real reports", files)
    yield from _read_only("real reports", files)
    longest = max(files, key=_events)
    cost = alone(_LONGEST, str(longest))
    title = f"longest report, {_events(longest)} events"
    yield Row(title, "read", cost["s"], "CPU s", longest.name)
    yield Row(title, "memory while reading", cost["mb"], "MB", f"peak {cost['peak']:.0f} MB in all")
    yield Row(title, "pydicom visits every element", cpu_s(lambda: _visit(longest), 2), "CPU s")


def simulated_reports() -> Rows:
    """Measure simulated reports of every modality and quirk."""
    with tempfile.TemporaryDirectory() as folder:
        department = build_department(today=date.today())
        write_reports(Path(folder), department, SIMULATED, department.seed, department.today)
        yield from _compared("simulated reports", sorted(Path(folder).rglob("*.dcm")))
