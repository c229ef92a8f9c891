"""Two processes at one door: nothing is lost or doubled, a killed one leaves no half study."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.doses_world import simulated, truths

KERMA = [sys.executable, "-m", "kerma"]
ENOUGH_S = 120


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "KERMA_HOME": str(home), "KERMA_DATABASE": ""}


def kerma(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*KERMA, *words],
        env=environment(home), capture_output=True, text=True, timeout=ENOUGH_S, check=False,
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder with an empty database, made before two processes meet in it."""
    (tmp_path / "none").mkdir()
    assert kerma(tmp_path / "home", "ingest", str(tmp_path / "none")).returncode == 0
    return tmp_path / "home"


def count(home: Path, table: str, where: str = "1") -> int:
    with sqlite3.connect(home / "kerma.sqlite3") as database:
        found: int = database.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}").fetchone()[0]
        return found


def test_two_processes_on_one_folder(tmp_path: Path, home: Path) -> None:
    folder, written = simulated()
    shared = tmp_path / "reports"
    shared.mkdir()
    some = [
        *written[:14],
        *truths("cumulative")[:2],
        *truths("continued")[:2],
        *truths("truncated"),
    ]
    for truth in some:
        shutil.copy(folder / truth.file, shared)
    command = [*KERMA, "ingest", str(shared), "--json"]
    running = [
        subprocess.Popen(
            command, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    outputs = [p.communicate(timeout=ENOUGH_S) for p in running]
    assert [p.returncode for p in running] == [0, 0], outputs
    told = [json.loads(out)["counts"] for out, _ in outputs]

    readable = [t for t in some if t.readable]
    assert sum(c.get("stored", 0) for c in told) == len(readable)
    assert sum(c.get("unchanged", 0) for c in told) == len(readable)
    assert count(home, "doses_doseobject") == len(readable)
    assert count(home, "doses_study") == len({t.study.uid for t in readable})
    events = {(t.study.uid, e.uid) for t in readable for e in t.study.events}
    assert count(home, "doses_doseevent") == len(events)
    assert count(home, "doses_quarantined", "status = 'quarantined'") == 1
    assert count(home, "records_event", "kind = 'dose.stored'") == len(readable)
    assert kerma(home, "verify").returncode == 0


KILLED = """
import os, sys
from pathlib import Path
from kerma.service.config.start import start_service
start_service()
from kerma.service.doses.models import DoseObject
from kerma.service.doses.ingest import ingest_file
ingest_file(Path(sys.argv[1]))
DoseObject.save = lambda *a, **k: os._exit(9)   # after study and events, before the object
ingest_file(Path(sys.argv[2]))
"""


def test_a_killed_process_leaves_no_half_study(home: Path) -> None:
    folder, written = simulated()
    first, second = (str(folder / t.file) for t in written[:2])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, first, second],
        env=environment(home), timeout=ENOUGH_S, check=False,
    )  # fmt: skip
    assert done.returncode == 9
    assert count(home, "doses_study") == count(home, "doses_doseobject") == 1
    assert count(home, "doses_doseevent") == len(written[0].study.events)
    again = kerma(home, "ingest", first, second, "--json")
    assert json.loads(again.stdout)["counts"] == {"unchanged": 1, "stored": 1}
    assert count(home, "doses_study") == 2


def test_two_processes_make_one_key(tmp_path: Path) -> None:
    code = "from kerma.service.config.home import secret; print(secret('identity'))"
    env = environment(tmp_path / "fresh")
    running = [
        subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    keys = {p.communicate(timeout=ENOUGH_S)[0].strip() for p in running}
    assert len(keys) == 1
    assert len(keys.pop()) == 64
