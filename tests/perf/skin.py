"""Skin dose: cost of the sum over cells and events, of whole examinations and their ensembles."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kerma.dicom.dose import read_report
from kerma.dicom.dose.skin_input import exposure_events, skin_dose_of
from kerma.physics.skin import Ensemble, Settings, cylinder, skin_dose
from kerma.physics.skin.factors import beam_factors
from kerma.physics.skin.kernel import total
from tests.perf.cost import ROOT, Row, Rows, alone, cpu_s
from tests.physics import skin_cases as cases
from tests.shared import ROOT as SHARED

# Half-axes and length that make about ten and forty thousand cells of 10 mm.
CELLS = {"10 000": cylinder(200, 100, 1032), "40 000": cylinder(200, 100, 1032, grid_mm=5)}
EVENTS = (100, 1000, 5000)


def kernel() -> Rows:
    """Measure the compiled sum alone, and how it grows."""
    factor = beam_factors(80.0, 3.1, 0.3)
    first = cases.body(CELLS["10 000"]).skin
    began = alone(_COMPILE)
    yield Row("skin dose", "first call in a process", began["first"], "CPU s", "import included")
    for name, phantom in CELLS.items():
        skin = cases.body(phantom).skin
        for n in EVENTS:
            beams = cases.beams(n, 1, factor)
            spent = cpu_s(lambda s=skin, b=beams: total(s, b, cases.slab()), 3)
            told = f"{1e9 * spent / n / len(skin.points):.2f} ns a cell and event"
            yield Row("skin dose", f"{name} cells × {n} events", 1000 * spent, "CPU ms", told)
    beams = cases.beams(1000, 1, factor)
    with_bound = cpu_s(lambda: total(first, beams, cases.slab(), bound=True), 3)
    yield Row("skin dose", "the same 1000 with the upper bound", 1000 * with_bound, "CPU ms")


_COMPILE = """
import json, time
began = time.process_time()
from tests.physics import skin_cases as cases
from kerma.physics.skin import plane
cases.dose(cases.event(), phantom=plane(400.0, 1200.0))
print(json.dumps({"first": time.process_time() - began}))
"""


def examinations() -> Rows:
    """Measure whole examinations: made-up ones, and the longest report at hand."""
    one = replace(cases.EVENT, table_height_mm=200.0)
    many = [replace(one, primary_deg=a / 10, kv=60.0 + a % 40) for a in range(-250, 250)]
    yield from _with_ensemble("500 events", many)
    spin = replace(one, kind="rotational", primary_deg=-100.0, primary_end_deg=100.0)
    parts = cases.dose(spin).events[0].beams
    spent = cpu_s(lambda: cases.dose(spin), 3)
    yield Row("skin dose", "one spin of 200°", 1000 * spent, "CPU ms", f"{parts} parts")
    path = SHARED / "dicom/dose-reports/RF-Pat-Orientation-Modifier-Missing.dcm"
    if not path.exists():
        yield Row("skin dose", "*** SHARED MATERIAL ABSENT: no report measured ***", 0, "")
        return
    record = read_report(path)
    skin_dose_of(record)
    spent = cpu_s(lambda: skin_dose_of(record), 3)
    yield Row("skin dose", f"report of {len(record.events)} events", spent, "CPU s")


def _with_ensemble(name: str, events: Sequence[object]) -> Rows:
    plain = cpu_s(lambda: cases.dose(*events, settings=Settings()), 2)
    yield Row("skin dose", name, plain, "CPU s")
    settings = Settings(ensemble=Ensemble(runs=50))
    spent = cpu_s(lambda: cases.dose(*events, settings=settings))
    yield Row("skin dose", f"{name}, ensemble of 50", spent, "CPU s")


_PYSKINDOSE = """
import json, sys, time
from pathlib import Path
import pyskindose
from pyskindose.analyze_data import analyze_data
from pyskindose.helpers.read_and_normalize_rdsr_data import read_and_normalise_rdsr_data as read
from pyskindose.settings import PyskindoseSettings
folder = Path(pyskindose.__file__).parent
chosen = json.loads((folder / "settings_example.json").read_text())
chosen.update(mode="calculate_dose", rdsr_filename="siemens_axiom_example_procedure.dcm")
chosen["plot"].update(notebook_mode=False, interactivity=False, plot_dosemap=False)
settings = PyskindoseSettings(settings=json.dumps(chosen))
settings.output_format = "dict"
data = read(rdsr_filepath=None, settings=settings)
began = time.process_time()
found = analyze_data(normalized_data=data, settings=settings)
print(json.dumps({"dose": time.process_time() - began, "psd": float(found["psd"])}))
"""


def beside_pyskindose() -> Rows:
    """Measure PySkinDose's example report here and there, installed in a place of its own."""
    from tests.physics.test_skin_reports import compatible

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = place / "bin" / "python"
        install = [python, "-m", "pip", "install", "--quiet", "pyskindose==25.1.1"]
        subprocess.run(install, check=True, cwd=ROOT)
        theirs = alone(_PYSKINDOSE, python=str(python))
        name = "example_data/RDSR/siemens_axiom_example_procedure.dcm"
        (report,) = place.glob(f"lib/*/site-packages/pyskindose/{name}")
        events = exposure_events(read_report(report))
    phantom = cylinder(200.0, 100.0, 1510.0)
    skin_dose(events, compatible(), phantom=phantom)
    spent = cpu_s(lambda: skin_dose(events, compatible(), phantom=phantom), 3)
    found = skin_dose(events, compatible(), phantom=phantom)
    assert found.psd is not None
    part = "PySkinDose's example, cylinder"
    yield Row(part, "Kerma, with the refined peak", spent, "CPU s", f"{found.psd.value:.3f} mGy")
    yield Row(part, "PySkinDose", theirs["dose"], "CPU s", f"{theirs['psd']:.3f} mGy")
    yield Row(part, "ratio", spent / theirs["dose"], "of PySkinDose's")
