"""The commands. Each parses, calls the library or a service, and prints.

Exit codes: 0 done, 1 a step failed, 2 wrong use, 3 wrong input, 4 not supported, 5 a measurement
could not be made, 6 stored data does not agree, 7 not entitled.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from kerma import __version__
from kerma.cli.calculate import calculate
from kerma.cli.doses import doses_app
from kerma.cli.listen import listen
from kerma.cli.token import token
from kerma.core import (
    Analysis,
    AnalysisError,
    Image,
    InputError,
    IntegrityError,
    KermaError,
    NotEntitled,
    UnsupportedError,
)
from kerma.service.config.start import start_service

EXIT = (
    (IntegrityError, 6),
    (NotEntitled, 7),
    (AnalysisError, 5),
    (UnsupportedError, 4),
    (InputError, 3),
)
app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
protocol_app = typer.Typer(no_args_is_help=True, help="Protocol files.")
app.add_typer(protocol_app, name="protocol")
app.add_typer(doses_app, name="doses")
app.command()(calculate)
app.command()(listen)
app.command()(token)
out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")]


def exit_code(error: KermaError) -> int:
    """Return the exit code that says what kind of refusal this is."""
    return next((code for kind, code in EXIT if isinstance(error, kind)), 1)


def main() -> None:
    """Run a command; a `KermaError` becomes its message and exit code, here and only here."""
    try:
        app(args=_home_first(sys.argv[1:]))
    except KermaError as error:
        if "--json" in sys.argv:
            print(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
        err.print(f"[bold]{error.code}[/bold]: ", end="")
        err.print(error.message, markup=False, highlight=False)
        sys.exit(exit_code(error))


def _home_first(args: list[str]) -> list[str]:
    """Let ``--home FOLDER`` stand after the command as well as before it."""
    for i, word in enumerate(args[:-1]):
        if word == "--home":
            return [*args[i : i + 2], *args[:i], *args[i + 2 :]]
    return args


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"kerma {__version__}")
        raise typer.Exit


@app.callback()
def start(
    home: Annotated[
        Path | None, typer.Option("--home", help="Data folder; KERMA_HOME otherwise.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Name the data folder."""
    if home is not None:
        os.environ["KERMA_HOME"] = str(home)


def show(data: Any) -> None:
    """Print plain data as JSON, byte for byte (no colours, no wrapping)."""
    print(json.dumps(data, ensure_ascii=False, indent=2))


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Build and run, do not serve.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin again from nothing.")] = False,
    port: Annotated[int, typer.Option(help="Port to serve on.")] = 8000,
    seed: Annotated[int, typer.Option(help="Seed of the simulated world.")] = 1,
) -> None:
    """Build the demo service, run the main job on it, and serve it."""
    os.environ.setdefault("KERMA_HOME", "demo-home")
    os.environ["KERMA_DEMO"] = "1"
    from kerma.service.demo.run import run

    if not run(console=out, seed=seed, fresh=fresh):
        raise typer.Exit(1)
    if not once:
        serve(port=port)


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port to serve on.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve the pages."""
    start_service()
    from waitress import serve as listen

    from kerma.service.config.wsgi import application

    out.print(f"Kerma is at [link]http://{host}:{port}/[/link]  (Ctrl-C stops it)")
    listen(application, host=host, port=port, threads=8, ident="kerma")


@app.command()
def read(
    file: Annotated[Path, typer.Argument(help="A DICOM object.")],
    as_json: Json = False,
    identifiers: Annotated[
        bool, typer.Option("--identifiers", help="Include the patient's identifiers.")
    ] = False,
) -> None:
    """Print the typed record of one dose report or dose-bearing image; stores nothing."""
    from kerma.dicom.dose import as_dict, read_report

    record = as_dict(read_report(file), identifiers=identifiers)
    if as_json:
        show(record)
        return
    from kerma.cli.text import study_text

    study_text(out, record)


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Any refusal or quarantine is an error.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read dose reports and store them; what cannot be stored is recorded with its reason."""
    start_service()
    from kerma.service.doses.ingest import files_in, ingest_file

    files = files_in(paths)
    rows = []
    with Progress(console=err, disable=as_json or len(files) < 20) as progress:
        for path in progress.track(files, description="Importing"):
            rows.append(ingest_file(path))
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1
    if as_json:
        show({"counts": counts, "files": [row.as_dict() for row in rows]})
    else:
        for row in rows:
            if row.outcome in ("refused", "quarantined"):
                out.print(f"{row.outcome}: {row.name}: {row.reason}", markup=False)
        out.print(", ".join(f"{n} {name}" for name, n in counts.items()) or "no files")
    if strict and counts.keys() & {"refused", "quarantined"}:
        raise typer.Exit(3)


@app.command()
def analyse(
    name: Annotated[str, typer.Argument(help="Such as ct-water; auto; or list.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files, a folder or a zip; a CSV of readings.")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--set", "-p", help="NAME=VALUE, as JSON where it is.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Write the image with its regions, as PNG.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure phantom images, or tabled readings; ``auto`` lets the phantom name itself."""
    from kerma.dicom.pixels import read_images
    from kerma.imaging import all_measurements, find, recognise
    from kerma.imaging.table import read_columns

    if name == "list":
        for item in all_measurements().values():
            out.print(f"{item.name:24} {item.title}", highlight=False)
        return
    if name != "auto":
        find(name)  # a misspelt name is said before anything is read
    if not paths:
        raise InputError("Name the image files, a folder or a zip.", code="blank")
    given = dict(_parameter(p) for p in parameter or ())
    images: list[Image] = []
    if name != "auto" and find(name).tabled:
        made = find(name).run((), **{**read_columns(paths[0]), **given})
    else:
        images = read_images(paths[0] if len(paths) == 1 else paths)
        made = (recognise(images) if name == "auto" else find(name)).run(images, **given)
    if picture is not None:
        _write_picture(picture, made, images)
    if as_json:
        show(made.as_dict())
    else:
        from kerma.cli.text import analysis_text

        analysis_text(out, made)
    if made.status != "measured":
        raise typer.Exit(5)


def _write_picture(target: Path, made: Analysis, images: list[Image]) -> None:
    from kerma.reports.rendering import picture_png

    png = picture_png(made, images)
    if png is None:
        raise InputError(f"{made.name} draws no region, so there is no picture.", code="no-picture")
    target.write_bytes(png)


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"“{text}” is not NAME=VALUE.", code="bad-parameter")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


@protocol_app.command("check")
def protocol_check(
    file: Annotated[Path, typer.Argument(help="A protocol file.")], as_json: Json = False
) -> None:
    """Check a protocol file; a mistake is named with its line, its key and what was expected."""
    from kerma.protocols import check_analyses, load_protocol

    protocol = load_protocol(file)
    check_analyses(protocol)
    facts = {
        "protocol": protocol.id,
        "version": protocol.version,
        "sha256": protocol.sha256,
        "tests": len(protocol.tests),
        "readings": len(protocol.readings),
    }
    if as_json:
        show(facts)
    else:
        out.print(
            f"{protocol.title}, version {protocol.version}: {facts['tests']} tests, "
            f"{facts['readings']} readings. No mistakes found.",
            highlight=False,
        )


@protocol_app.command("list")
def protocol_list() -> None:
    """List the protocols there are."""
    from kerma.protocols import available, load_protocol

    for name in available():
        out.print(f"{name:24} {load_protocol(name).title}", highlight=False)


@app.command()
def report(
    number: Annotated[str, typer.Argument(help="Report number, such as KR-2026-00042.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    as_json: Json = False,
) -> None:
    """Write the PDF of a report's latest issue."""
    start_service()
    from kerma.service.records import store
    from kerma.service.records.models import Issue

    issue = Issue.objects.filter(report__number=number).order_by("-number").first()
    if issue is None:
        raise InputError(f"There is no issued report {number}.", code="unknown-report")
    target = output or Path(issue.document.name)
    target.write_bytes(store.read(issue.document))
    facts = {"report": number, "issue": issue.number, "content_sha256": issue.content_sha256}
    if as_json:
        show({**facts, "file": str(target)})
    else:
        out.print(f"{target}: {issue}, content {issue.content_sha256[:16]}", highlight=False)


@app.command()
def verify(as_json: Json = False) -> None:
    """Prove that everything stored is what was written; names what is not."""
    start_service(migrate=False)
    from kerma.service.records.integrity import verify as prove

    outcome = prove()
    if as_json:
        show({"counts": outcome.counts, "findings": [f.as_dict() for f in outcome.findings]})
    else:
        for finding in outcome.findings:
            out.print(f"{finding.kind}: {finding.text}", markup=False, highlight=False)
        counted = ", ".join(f"{name.lower()} {n}" for name, n in outcome.counts.items() if n)
        out.print(f"{'All agree' if outcome.sound else 'NOT SOUND'}: {counted}", highlight=False)
    if not outcome.sound:
        raise typer.Exit(6)


@app.command()
def check(as_json: Json = False) -> None:
    """Check the installation: settings, database, reference data, protocols, fonts."""
    start_service(migrate=False)
    from kerma.service.config.checks import examine

    rows = examine()
    if as_json:
        show([row.as_dict() for row in rows])
    else:
        for row in rows:
            mark = "ok  " if row.ok else "FAIL"
            out.print(f"{mark} {row.name}: {row.text}", markup=False, highlight=False)
    if not all(row.ok for row in rows):
        raise typer.Exit(1)
