"""The commands: help, exit codes, JSON that is JSON, words for people."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.main import get_command

from kerma.cli import EXIT, app, exit_code, main
from kerma.cli.text import analysis_text, study_text
from kerma.core import (
    Analysis,
    AnalysisError,
    InputError,
    IntegrityError,
    KermaError,
    NotEntitled,
    Provenance,
    Region,
    UnsupportedError,
    quantity,
)
from kerma.dicom.dose import as_dict, read_report
from kerma.simulate.dose_truth import Truth
from tests.service.doses_world import edited, simulated, truths
from tests.shared import shared_path

ENOUGH_S = 120


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def kerma(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that needs no database as a person would, in this process."""

    def run(*words: str) -> Done:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["kerma", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        return Done(int(left.value.code or 0), *capsys.readouterr())

    return run


def serving(home: Path, *words: str) -> Done:
    """Run a command that needs a database in a process and a data folder of its own."""
    env = {**os.environ, "KERMA_HOME": str(home), "COLUMNS": "200", "NO_COLOR": "1"}
    env.pop("KERMA_DATABASE", None)
    made = subprocess.run(
        [sys.executable, "-m", "kerma", *words],
        env=env, capture_output=True, text=True, timeout=ENOUGH_S, check=False,
    )  # fmt: skip
    return Done(made.returncode, made.stdout, made.stderr)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an empty database."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "none").mkdir()
    assert serving(folder, "ingest", str(folder / "none")).stdout.strip() == "no files"
    return folder


def file(truth: Truth) -> str:
    return str(simulated()[0] / truth.file)


def good() -> str:
    return file(next(t for t in simulated()[1] if t.readable and not t.quirks))


def bad() -> str:
    return file(truths("truncated")[0])


def commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []

    def walk(command: Any, path: tuple[str, ...]) -> None:
        found.append(path)
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, (*path, name))

    walk(get_command(app), ())
    return found


@pytest.mark.parametrize("path", commands(), ids=lambda p: " ".join(p) or "kerma")
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, [*path, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output
    command = get_command(app)
    for name in path:
        command = command.commands[name]  # type: ignore[attr-defined]
    assert command.help
    assert all(getattr(p, "help", "x") for p in command.params), path


def test_the_exit_codes_are_those_the_help_names() -> None:
    errors: list[tuple[KermaError, int]] = [
        (InputError("x"), 3),
        (UnsupportedError("x"), 4),
        (AnalysisError("x", stage="s"), 5),
        (IntegrityError("x"), 6),
        (NotEntitled("x", rule="r", missing="m"), 7),
        (KermaError("x"), 1),
    ]
    assert [exit_code(error) for error, _ in errors] == [code for _, code in errors]
    assert len({code for _, code in EXIT}) == len(EXIT)


def test_wrong_use_is_two_and_version_is_told(kerma: Run) -> None:
    assert kerma("nonsense").returncode == 2
    assert kerma("read").returncode == 2
    assert re.fullmatch(r"kerma \d+\.\d+\S*\n", kerma("--version").stdout)


# read ---------------------------------------------------------------------------------------------


def test_read_gives_json_and_keeps_nothing(kerma: Run, tmp_path: Path) -> None:
    result = kerma("--home", str(tmp_path / "home"), "read", good(), "--json")
    assert result.returncode == 0
    record = json.loads(result.stdout)
    assert record["event_count"] == len(record["events"]) > 0
    assert "identity" not in record
    assert not (tmp_path / "home").exists()


def test_read_shows_identifiers_only_when_asked(kerma: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(edited(Path(good()).read_bytes(), PatientID="SECRET-1", PatientName="A^Beta"))
    for words in ((), ("--json",)):
        assert "SECRET-1" not in kerma("read", str(path), *words).stdout
        assert "SECRET-1" in kerma("read", str(path), "--identifiers", *words).stdout


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(("what", "code"), [("truncated", 3), ("text", 4), ("absent", 3)])
def test_a_refusal_has_a_code_and_a_sentence(
    kerma: Run, tmp_path: Path, what: str, code: int, as_json: bool
) -> None:
    text = tmp_path / "a.txt"
    text.write_text("hello")
    path = {"truncated": bad(), "text": str(text), "absent": str(tmp_path / "none.dcm")}[what]
    result = kerma("read", path, *(["--json"] if as_json else []))
    assert result.returncode in (3, 4)
    assert result.returncode == code or what == "text"
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().split()) > 5
    if as_json:
        assert set(json.loads(result.stdout)["error"]) == {"code", "message", "detail", "permanent"}


@pytest.mark.shared
def test_a_report_without_dose_is_not_supported(kerma: Run) -> None:
    path = str(shared_path("dicom/dose-reports/ESR_non-dose.dcm"))
    result = kerma("read", path, "--json")
    assert result.returncode == 4
    assert "not a dose report" in json.loads(result.stdout)["error"]["message"]


# ingest -------------------------------------------------------------------------------------------


def test_ingest_counts_refuses_and_repeats(home: Path, tmp_path: Path) -> None:
    for path in (good(), bad()):
        (tmp_path / Path(path).name).write_bytes(Path(path).read_bytes())
    first = serving(home, "ingest", str(tmp_path))
    assert first.returncode == 0
    assert first.stdout.splitlines()[-1] in ("1 stored, 1 quarantined", "1 quarantined, 1 stored")
    assert "quarantined: " in first.stdout
    again = serving(home, "ingest", str(tmp_path), "--json", "--strict")
    assert again.returncode == 3  # something was refused
    told = json.loads(again.stdout)
    assert told["counts"] == {"unchanged": 1, "quarantined": 1}
    assert {f["name"] for f in told["files"]} == {p.name for p in tmp_path.iterdir()}
    assert serving(home, "ingest", good(), "--strict").returncode == 0
    absent = serving(home, "ingest", str(tmp_path / "absent"))
    assert absent.returncode == 3
    assert "There is no file" in absent.stderr


# protocol, check, verify, report, analyse ---------------------------------------------------------


def test_check_and_verify_judge_a_home(home: Path) -> None:
    rows = json.loads(serving(home, "check", "--json").stdout)
    assert {"name", "ok", "text"} == set(rows[0])
    assert next(r for r in rows if r["name"] == "database")["ok"]
    proven = serving(home, "verify", "--json")
    assert proven.returncode == 0
    assert json.loads(proven.stdout)["findings"] == []


def test_a_report_nobody_issued_is_wrong_input(home: Path) -> None:
    result = serving(home, "report", "KR-1999-00001", "--json")
    assert result.returncode == 3
    assert json.loads(result.stdout)["error"]["code"] == "unknown-report"


def test_protocols_are_listed_and_checked(kerma: Run, tmp_path: Path) -> None:
    listed = kerma("protocol", "list").stdout
    assert "radiography-dr" in listed
    from importlib import resources

    known = resources.files("kerma.protocols") / "data" / "radiography-dr.yaml"
    told = kerma("protocol", "check", str(known), "--json")
    assert told.returncode == 0
    assert json.loads(told.stdout)["tests"] > 0
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(known.read_text("utf-8").replace("tests:", "testz:", 1))
    refused = kerma("protocol", "check", str(wrong), "--json")
    assert refused.returncode != 0
    assert "testz" in json.loads(refused.stdout)["error"]["message"]


def test_analyse_lists_and_refuses_plainly(kerma: Run) -> None:
    assert "ct-water" in kerma("analyse", "list").stdout
    assert kerma("analyse", "no-such", good()).returncode == 3
    assert kerma("analyse", "ct-water").returncode == 3
    assert kerma("analyse", "ct-water", good(), "-p", "nothing").returncode == 3


@pytest.mark.shared
def test_analyse_measures_a_real_phantom(kerma: Run) -> None:
    folder = shared_path("dicom/phantoms/ct-siemens-constancy")
    path = str(folder / "004_004_Kropp_vann__5.0__Br38_003.dcm")
    made = json.loads(kerma("analyse", "ct-water", path, "--json").stdout)
    assert made["status"] == "measured"
    words = kerma("analyse", "ct-water", path).stdout
    assert "HU" in words
    assert "6 regions" in words
    assert made["provenance"]["inputs"][0][:16] in words


# What is printed for people -----------------------------------------------------------------------


def printed(draw: Any, what: Any) -> str:
    out = StringIO()
    draw(Console(file=out, width=200, no_color=True), what)
    return out.getvalue().replace("\N{NO-BREAK SPACE}", " ")


def study(**changes: Any) -> dict[str, Any]:
    truth = truths("dgy_cm2")[0]
    record = as_dict(read_report((simulated()[0] / truth.file).read_bytes()))
    return {**record, **changes}


def test_a_study_is_printed_in_everyday_units() -> None:
    record = study()
    text = printed(study_text, record)
    assert f"{record['totals']['kap_gy_m2'] * 1e4:.4g}" in text
    assert "Gy cm²" in text
    assert f"Irradiation events: {record['event_count']}" in text
    assert record["study_instance_uid"] in text
    assert "e-0" not in text


def test_missing_is_printed_as_missing_and_never_as_zero() -> None:
    record = study()
    record["totals"]["kap_gy_m2"] = None
    for event in record["events"]:
        event["kap_gy_m2"] = None
    text = printed(study_text, record)
    assert re.search(r"Kerma-area product\s+missing", text)


def test_words_of_a_file_are_no_markup_for_the_terminal() -> None:
    text = printed(study_text, study(description="[bold]X[/bold] [/]", warnings=["[red]w"]))
    assert "[bold]X[/bold] [/]" in text
    assert "note: [red]w" in text


def analysis(**changes: Any) -> Analysis:
    given: dict[str, Any] = {
        "name": "planar-x",
        "status": "measured",
        "provenance": Provenance("planar-x", "2", {"share": 0.4}, ("a" * 64, "b" * 64), "IEC 1"),
        "values": {"noise": quantity(4.0171, "HU", 0.045), "count": quantity(3, "1")},
        "regions": (Region("Centre", "circle", ((1.0, 1.0), (2.0, 1.0))),),
        "warnings": ("Slices are few.",),
    }
    return Analysis(**{**given, **changes})


def test_an_analysis_is_printed_with_uncertainty_and_provenance() -> None:
    text = printed(analysis_text, analysis())
    assert "4.017 ± 0.090 HU" in text
    assert "1 region" in text
    assert "note: Slices are few." in text
    for part in ("planar-x 2", "IEC 1", "share = 0.4", "a" * 16, "b" * 16):
        assert part in text
    refused = printed(
        analysis_text, analysis(status="not measurable", values={}, reason="No edge was found.")
    )
    assert "not measurable" in refused
    assert "No edge was found." in refused
