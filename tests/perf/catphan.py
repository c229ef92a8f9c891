"""Whole CatPhans: cost of a series, how it grows, and beside pylinac on the same real series."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kerma import imaging
from kerma.core import Image, InputError
from kerma.imaging.registry import find
from kerma.simulate.catphan import catphan_series, whole_scan
from tests.perf.cost import ROOT, Row, Rows, alone, cpu_s
from tests.shared import ROOT as SHARED

INCREMENTS_MM = (4.0, 2.0, 1.0)
SIDES = (256, 512, 1024)
FIELD_MM = 240.0
REAL = ("catphan504", "catphan604")
TIMES = 3


def costs() -> Rows:
    """Measure every model on a simulated whole phantom, then slice count and matrix."""
    names = [n for n in imaging.names() if n.startswith("ct-catphan")]
    for name in names:
        series = catphan_series(whole_scan(name.removeprefix("ct-"), noise_hu=5.0))
        cost = cpu_s(lambda s=series, n=name: imaging.analyse(n, s), TIMES)
        yield Row(name, f"{len(series)} slices", 1000 * cost, "CPU ms", "analysis only")
    scan = whole_scan("catphan504", noise_hu=5.0, matrix=384, pixel_mm=FIELD_MM / 384)
    counts = [
        catphan_series(replace(scan, increment_mm=step, thickness_mm=step))
        for step in INCREMENTS_MM
    ]
    yield from _growth("ct-catphan504", "slices", [(len(s), s) for s in counts])
    sizes = [catphan_series(replace(scan, matrix=side, pixel_mm=FIELD_MM / side)) for side in SIDES]
    yield from _growth(
        "ct-catphan504", "pixels", [(len(s) * n**2, s) for n, s in zip(SIDES, sizes, strict=True)]
    )
    yield from _asked_of_all(names, counts[0])


def _growth(name: str, what: str, cases: Sequence[tuple[int, list[Image]]]) -> Rows:
    spent = []
    for _, series in cases:
        spent.append(cpu_s(lambda s=series: imaging.analyse(name, s), TIMES))
        told = f"{len(series)} slices of {series[0].pixels.shape[0]}²"
        yield Row(
            name, told, 1000 * spent[-1], "CPU ms", f"{1000 * spent[-1] / len(series):.2f} a slice"
        )
    power = math.log(spent[-1] / spent[0]) / math.log(cases[-1][0] / cases[0][0])
    yield Row(name, f"grows with {what} to the power", power, "")


def _asked_of_all(names: Sequence[str], series: list[Image]) -> Rows:
    """Measure what asking all models costs when no answer is kept: every call has new images."""

    def ask(images: list[Image], asked: Sequence[str]) -> None:
        for name in asked:
            recognise = find(name).recognise
            assert recognise is not None
            try:
                recognise(images)
            except InputError:
                continue

    for told, asked in (("one model asked", names[2:3]), (f"all {len(names)} asked", names)):
        cost = min(
            cpu_s(lambda a=asked: ask([replace(i, pixels=i.pixels[:]) for i in series], a))
            for _ in range(TIMES)
        )
        yield Row("which CatPhan", told, 1000 * cost, "CPU ms", f"{len(series)} slices")


_KERMA = """
import json, sys, time
from pathlib import Path
from kerma import imaging
from kerma.dicom.pixels import read_images
imaging.names()
began = time.process_time()
images = read_images(Path(sys.argv[1]))
read = time.process_time() - began
imaging.analyse(sys.argv[2], images)
print(json.dumps({"read": read, "all": time.process_time() - began, "slices": len(images)}))
"""
_PYLINAC = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import pylinac
kind = getattr(pylinac, "CatPhan" + sys.argv[2][-3:])
began = time.process_time()
phantom = kind.from_zip(sys.argv[1])
read = time.process_time() - began
phantom.analyze()
print(json.dumps({"read": read, "all": time.process_time() - began}))
"""


def beside_pylinac() -> Rows:
    """Measure real series here and in pylinac, installed in a place of its own.

    Each program runs in a process of its own, everything it imports already in place, and reads
    and analyses a series once: the least of three runs.
    """
    archives = {m: SHARED / f"dicom/phantoms/ct-{m}-cbct/series.zip" for m in REAL}
    if not all(a.exists() for a in archives.values()):
        yield Row("real CatPhan series", "*** SHARED MATERIAL ABSENT: not measured ***", 0, "")
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = str(Path(folder) / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "pylinac"], check=True, cwd=ROOT)
        for model, archive in archives.items():
            part = f"real CatPhan {model[-3:]} series"
            here = _least(_KERMA, str(archive), f"ct-{model}")
            there = _least(_PYLINAC, str(archive), model, python=python)
            for program, cost in (("Kerma", here), ("pylinac", there)):
                yield Row(part, f"{program}, read", cost["read"], "CPU s")
                yield Row(part, f"{program}, analyse", cost["all"] - cost["read"], "CPU s")
                yield Row(part, f"{program}, both", cost["all"], "CPU s")
            told = f"{here['slices']:.0f} slices"
            yield Row(
                part,
                "ratio, reading and analysing",
                here["all"] / there["all"],
                "of pylinac's",
                told,
            )


def _least(code: str, *arguments: str, python: str = sys.executable) -> dict[str, float]:
    """Return the cheapest of a few runs."""
    runs = [alone(code, *arguments, python=python) for _ in range(TIMES)]
    return min(runs, key=lambda run: run["all"])
