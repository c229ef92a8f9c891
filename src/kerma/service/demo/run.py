"""``kerma demo``: build the simulated service and run the main job on it, in front of the user."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from kerma.core import KermaError
from kerma.service.config.start import start_service

BEGUN = "ag-dr1"  # the system whose survey is left for the reader to finish
REPORTS = 400  # dose reports written, and read back; enough for every modality and quirk


@dataclass(slots=True)
class Step:
    """One line of the summary."""

    title: str
    seconds: float = 0.0
    facts: str = ""
    failed: str = ""


@dataclass(slots=True)
class Demo:
    """The demo being built."""

    console: Console
    seed: int
    home: Path
    steps: list[Step] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)

    def step(self, title: str, do: Callable[[Progress], str]) -> None:
        """Do one step with a progress bar; a failure is kept and the next steps still run."""
        step = Step(title)
        began = time.perf_counter()
        columns = (
            TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(),
            TimeElapsedColumn(),
        )  # fmt: skip
        with Progress(*columns, console=self.console) as progress:
            try:
                step.facts = do(progress)
            except KermaError as error:
                step.failed = error.message
        step.seconds = time.perf_counter() - began
        self.steps.append(step)


def run(*, console: Console, seed: int, fresh: bool) -> bool:
    """Build the demo (once) and print what was done; returns whether every step succeeded."""
    home = Path(os.environ["KERMA_HOME"]).resolve()
    marker = home / "demo"
    if marker.exists() and not fresh:
        console.print(f"The demo service is in {home} already. (--fresh builds it anew.)")
        start_service()
        _sign_ins(console)
        return True
    if home.exists() and any(home.iterdir()):
        if not (marker.exists() or (home / "building").exists()):
            console.print(
                f"{home} holds something that is not a demo service. Name another folder with "
                "KERMA_HOME or --home."
            )
            return False
        shutil.rmtree(home)
    home.mkdir(parents=True)
    (home / "building").touch()
    start_service()
    demo = Demo(console, seed, home)
    _build(demo)
    (home / "building").rename(marker)
    _summary(demo)
    _sign_ins(console)
    return not any(s.failed for s in demo.steps)


def _build(demo: Demo) -> None:
    demo.step("Department and staff", lambda p: _department(demo, p))
    if "loaded" not in demo.state:
        return
    demo.step("Reference rows verified", lambda p: _reference(demo, p))
    demo.step("Three years of surveys", lambda p: _surveys(demo, p))
    demo.step("Dose reports written as DICOM", lambda p: _write_reports(demo, p))
    demo.step("Dose reports imported", lambda p: _import(demo, p))
    demo.step("Skin dose maps", lambda p: _skin(demo, p))
    demo.step("Dose rooms in use", lambda p: _dose_rooms(demo, p))
    demo.step("Calculations", lambda p: _calculations(demo, p))
    demo.step("Shielding designs", lambda p: _shielding(demo, p))
    demo.step("Room register", lambda p: _rooms(demo, p))
    demo.step("Everything verified", lambda p: _verify(demo, p))


def _department(demo: Demo, progress: Progress) -> str:
    from django.utils import timezone

    from kerma.service.demo.load import load_department
    from kerma.simulate.department import build_department
    from kerma.simulate.history import build_history

    task = progress.add_task("Department and staff", total=2)
    department = build_department(today=timezone.localdate(), seed=demo.seed)
    demo.state["loaded"] = load_department(department)
    progress.advance(task)
    demo.state["history"] = build_history(department)
    progress.advance(task)
    return (
        f"{len(department.employers)} employers, {len(department.sites)} sites, "
        f"{len(department.systems)} systems, {len(department.persons)} people, "
        f"{len(department.instruments)} instruments"
    )


def _reference(demo: Demo, progress: Progress) -> str:
    from kerma.service.demo.history import verify_reference

    task = progress.add_task("Reference rows verified", total=1)
    count = verify_reference(demo.state["loaded"], demo.state["history"])
    progress.advance(task)
    return f"{count} rows, by the simulated MPE"


def _surveys(demo: Demo, progress: Progress) -> str:
    from kerma.service.demo.history import Historian
    from kerma.service.records.models import Action, Issue

    history = demo.state["history"]
    historian = Historian(demo.state["loaded"], history)
    task = progress.add_task("Three years of surveys", total=len(history.surveys) + 1)
    for _ in historian.run():
        progress.advance(task)
    historian.begin(BEGUN, "rteasel", left=("kv_", "hvl_"))
    progress.advance(task)
    tally = historian.tally
    demo.state["problems"] = tally.problems
    states = ", ".join(f"{n} {s}" for s, n in tally.surveys.most_common())
    return (
        f"{states}; {Issue.objects.count()} PDFs written; "
        f"{sum(tally.verdicts.values())} results judged "
        f"({tally.verdicts['remedial']} remedial, {tally.verdicts['suspension']} suspension); "
        f"{tally.images} images, {tally.analyses['measured']} analyses; "
        f"{Action.objects.filter(status='open').count()} actions open"
    )


def _write_reports(demo: Demo, progress: Progress) -> str:
    from kerma.simulate.dose_reports import write_reports

    department = demo.state["history"].department
    task = progress.add_task("Dose reports written as DICOM", total=1)
    folder = demo.home / "dicom" / "dose-reports"
    folder.mkdir(parents=True)
    truths = write_reports(folder, department, REPORTS, demo.seed, department.today)
    demo.state["folder"] = folder
    progress.advance(task)
    return f"{len(truths)} files"


def _import(demo: Demo, progress: Progress) -> str:
    from kerma.service.doses.ingest import files_in, ingest_file
    from kerma.service.doses.models import DoseEvent, Study

    files = files_in([demo.state["folder"]])
    counts: Counter[str] = Counter()
    for path in progress.track(files, description="Dose reports imported"):
        counts[ingest_file(path, by=demo.state["loaded"].persons["htansy"]).outcome] += 1
    told = ", ".join(f"{n} {name}" for name, n in counts.most_common())
    return f"{told}; {Study.objects.count()} studies, {DoseEvent.objects.count()} events"


def _skin(demo: Demo, progress: Progress) -> str:
    from kerma.service.demo.skin import skin_doses

    return skin_doses(demo.home, demo.state["loaded"], demo.state["history"].department, progress)


def _dose_rooms(demo: Demo, progress: Progress) -> str:
    from kerma.service.demo.doses import dose_rooms

    return dose_rooms(demo.state["loaded"], progress)


def _calculations(demo: Demo, progress: Progress) -> str:
    from kerma.service.demo.calculations import calculations

    return calculations(demo.state["loaded"], progress)


def _shielding(demo: Demo, progress: Progress) -> str:
    from kerma.service.demo.shielding import shielding_designs

    return shielding_designs(demo.state["loaded"], progress)


def _rooms(demo: Demo, progress: Progress) -> str:
    from kerma.service.demo.rooms import room_register

    return room_register(demo.state["loaded"], progress)


def _verify(demo: Demo, progress: Progress) -> str:
    from kerma.service.records.integrity import verify

    task = progress.add_task("Everything verified", total=1)
    outcome = verify()
    progress.advance(task)
    if not outcome.sound:
        raise KermaError("; ".join(f.text for f in outcome.findings[:3]), code="not-sound")
    return f"{outcome.counts['events']} log entries, all agree"


def _summary(demo: Demo) -> None:
    table = Table(title="What was done", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("Step")
    table.add_column("Time", justify="right")
    table.add_column("What", overflow="fold")
    for step in demo.steps:
        what = f"[red]FAILED: {step.failed}[/red]" if step.failed else step.facts
        table.add_row(step.title, f"{step.seconds:.1f} s", what)
    demo.console.print(table)
    for text in demo.state.get("problems", ())[:20]:
        demo.console.print(f"  waits: {text}", markup=False, highlight=False)


def _sign_ins(console: Console) -> None:
    from kerma.service.demo.load import PASSWORD

    table = Table(title=f"Sign in with the password {PASSWORD}", title_justify="left", box=None)
    table.add_column("As")
    table.add_column("Name")
    for role, name in (
        ("Clinical technologist", "rteasel"),
        ("Clinical scientist", "psorrel"),
        ("MPE and RPA", "waldous"),
        ("Service manager", "jvetch"),
        ("Hospital user", "ktarn"),
        ("Administrator", "cdock"),
    ):
        table.add_row(role, name)
    console.print(table)
