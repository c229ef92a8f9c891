"""Two at once, and one that is killed: nothing lost, nothing doubled, the log unbroken.

Real processes on a database file, and the same on PostgreSQL where its programs are installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from tests import postgresql
from tests.service.racer import SURVEYS

ROOT = Path(__file__).parents[2]
ENOUGH_S = 180


@dataclass
class Home:
    """A service's data folder with surveys in it, and how to run things on it."""

    folder: Path
    database: str
    made: dict[str, Any]
    onlooker: subprocess.Popen[str] | None = None

    def start(self, *command: str, race: bool = False, **more: Any) -> subprocess.Popen[str]:
        env = {
            **os.environ,
            "KERMA_HOME": str(self.folder),
            "KERMA_DATABASE": self.database,
            "RACE": "1" if race else "0",
        }
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            env=env, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, **more,
        )  # fmt: skip

    def run(self, *words: str) -> Any:
        """Run something between the races, in the one process that takes no part in them."""
        if self.onlooker is None:
            self.onlooker = self.start("tests.service.racer", "onlooker", stdin=subprocess.PIPE)
        assert self.onlooker.stdin is not None
        assert self.onlooker.stdout is not None
        too_long = Timer(ENOUGH_S, self.onlooker.kill)
        too_long.start()
        print(json.dumps(words), file=self.onlooker.stdin, flush=True)
        out = self.onlooker.stdout.readline()
        too_long.cancel()
        assert out, self.onlooker.communicate()
        return json.loads(out)

    def close(self) -> None:
        if self.onlooker is not None:
            self.onlooker.communicate()  # its input ends

    def race(self, *runners: tuple[str, ...]) -> list[Any]:
        go = self.folder / "go"
        go.unlink(missing_ok=True)
        running = [self.start("tests.service.racer", *words, race=True) for words in runners]
        while not all((self.folder / f"ready-{p.pid}").exists() for p in running):
            assert all(p.poll() is None for p in running), [p.communicate() for p in running]
            time.sleep(0.01)
        go.touch()
        told = [process.communicate(timeout=ENOUGH_S) for process in running]
        assert [p.returncode for p in running] == [0] * len(running), told
        return [json.loads(out) for out, _ in told]

    def verified(self) -> tuple[int, str]:
        process = self.start("kerma", "verify")
        out, err = process.communicate(timeout=ENOUGH_S)
        return process.returncode, out + err


def prepared(home: Home) -> Iterator[Home]:
    try:
        home.made = home.run("setup")
        yield home
    finally:
        home.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Home]:
    if os.environ.get("KERMA_DATABASE"):
        pytest.skip("These start both databases themselves; the run on SQLite has done so")
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield from prepared(Home(folder, "", {}))
        return
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("PostgreSQL's initdb and pg_ctl were not found")
    with postgresql.server(programs) as url:
        yield from prepared(Home(folder, url, {}))


def test_two_type_in_one_field(home: Home) -> None:
    survey, made = str(home.made["typed"]), home.made
    told = home.race(
        ("save", survey, made["technologist"], "80.1"), ("save", survey, made["colleague"], "80.7")
    )
    # The second is asked which value is right instead of striking the first unseen.
    assert sorted(told) == ["changed-meanwhile", "done"]
    live = [text for pk, text in home.run("state")["live"] if str(pk) == survey]
    assert live == [["80.1", "80.7"][told.index("done")]]


def test_two_approve_at_once(home: Home) -> None:
    survey = str(home.made["checked"][0])
    told = home.race(*[("issue", survey, key) for key in home.made["approvers"]])
    assert sorted(told) == ["bad-state", "done"]
    now = home.run("state")
    for rows in (now["actions"], now["approved"], [subject for subject, _ in now["issues"]]):
        assert rows.count(f"survey:{survey}") == 1
    assert now["findings"] == []


def test_eight_reports_at_once_have_numbers_of_their_own(home: Home) -> None:
    made = home.made
    surveys = [str(pk) for pk in made["measured"]]
    signers = ",".join((made["technologist"], made["checker"], made["approvers"][0]))
    half = SURVEYS // 2
    told = home.race(("whole", signers, *surveys[:half]), ("whole", signers, *surveys[half:]))
    assert told == [["done"] * half] * 2
    now = home.run("state")
    assert len(now["numbers"]) == len(set(now["numbers"])) >= SURVEYS
    assert sorted(now["printed"]) == sorted(set(now["printed"]))
    assert now["findings"] == []


def test_the_log_is_one_chain_however_many_write(home: Home) -> None:
    told = home.race(("append", "60"), ("append", "60"), ("append", "60"))
    assert [set(t) for t in told] == [{"done"}] * 3
    now = home.run("state")
    assert now["races"] == 180
    assert now["findings"] == []


def test_killed_on_the_way_nothing_is_issued(home: Home) -> None:
    survey, approver = str(home.made["checked"][1]), home.made["approvers"][0]
    for where in ("signed", "stored", "moved"):
        process = home.start("tests.service.racer", "killed", where, survey, approver)
        assert process.wait(ENOUGH_S) == -9
        now = home.run("state")
        assert now["states"][survey] == "in_review"
        assert f"survey:{survey}" not in [*now["actions"], *now["approved"]]
        assert f"survey:{survey}" not in [subject for subject, _ in now["issues"]]
    code, said = home.verified()
    assert code == 0, said


def test_killed_afterwards_everything_is_issued(home: Home) -> None:
    survey, approver = str(home.made["checked"][2]), home.made["approvers"][0]
    process = home.start("tests.service.racer", "killed", "committed", survey, approver)
    assert process.wait(ENOUGH_S) == -9
    now = home.run("state")
    assert now["states"][survey] == "issued"
    for rows in (now["actions"], now["approved"], [subject for subject, _ in now["issues"]]):
        assert rows.count(f"survey:{survey}") == 1
    assert now["findings"] == []


def test_verify_ends_with_six_and_names_the_row(home: Home) -> None:
    survey = str(home.made["checked"][3])
    assert home.run("tamper", survey) == 1
    code, said = home.verified()
    assert code == 6
    assert f"of survey {survey}" in said
    assert "NOT SOUND" in said
