"""A listener and a worker killed again and again while reports arrive.

``python -m tests.dicom.killing 2000`` runs a long trial by hand; the suite runs a short one.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.presentation import build_context

from kerma.simulate.department import build_department
from kerma.simulate.dose_reports import write_reports
from kerma.simulate.dose_truth import Truth

TODAY = date(2026, 11, 23)
ROOT = Path(__file__).resolve().parents[2]
_SUCCESS = 0
_AT_WORK = 5  # objects received or stored before the first kill


@dataclass(frozen=True)
class Trial:
    """What a trial found: objects lost, rows doubled, objects left in the inbox."""

    sent: int
    kills: dict[str, int]
    lost: list[str]
    doubled: int
    left: int
    sound: bool


class Killed:
    """A process started again whenever it was killed, at a random moment."""

    def __init__(self, home: Path, words: list[str], dice: random.Random, lives_s: float) -> None:
        self.home, self.words, self.dice, self.lives_s = home, words, dice, lives_s
        self.kills = 0

    def start(self) -> subprocess.Popen[str]:
        env = {**os.environ, "KERMA_HOME": str(self.home), "NO_COLOR": "1", "COLUMNS": "200"}
        env.pop("KERMA_DATABASE", None)
        return subprocess.Popen(
            [sys.executable, "-m", "kerma", *self.words], env=env, cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def killed_in_a_while(self, process: subprocess.Popen[str]) -> threading.Thread:
        """Kill at a random moment; the first time as soon as some of its work is done."""
        thread = threading.Thread(target=self._kill, args=(process, self.kills == 0), daemon=True)
        thread.start()
        return thread

    def _kill(self, process: subprocess.Popen[str], first: bool) -> None:
        until = time.monotonic() + self.dice.uniform(0.05, self.lives_s)
        before = self.waiting()
        while process.poll() is None and (
            abs(self.waiting() - before) < _AT_WORK if first else time.monotonic() < until
        ):
            time.sleep(0.01)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            self.kills += 1

    def waiting(self) -> int:
        """Return how many objects are in the inbox."""
        return len(list((self.home / "inbox").glob("*.dcm")))


def sent_until_acknowledged(objects: dict[str, bytes], listener: Killed) -> None:
    """Send every object until the listener says that it has it; kill the listener meanwhile."""
    waiting = dict(objects)
    while waiting:
        process = listener.start()
        port = _port(process)
        # The last rounds are left alone, so that a trial ends.
        timer = listener.killed_in_a_while(process) if len(waiting) > len(objects) // 20 else None
        for name, status in send(port, waiting).items():
            if status == _SUCCESS:
                del waiting[name]
        if timer:
            timer.join()
        process.kill()
        process.wait()


def send(port: int, objects: dict[str, bytes]) -> dict[str, int]:
    """Send objects over one association; what was not answered is not in the result."""
    datasets = {name: dcmread(BytesIO(raw), force=True) for name, raw in objects.items()}
    ae = AE(ae_title="SCANNER")
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 5
    kinds = {(str(d.SOPClassUID), str(d.file_meta.TransferSyntaxUID)) for d in datasets.values()}
    ae.requested_contexts = [build_context(*kind) for kind in kinds]
    association = ae.associate("127.0.0.1", port, ae_title="KERMA")
    answered: dict[str, int] = {}
    try:
        for name, dataset in datasets.items():
            if not association.is_established:
                break
            status = association.send_c_store(dataset)
            if "Status" not in status:
                break
            answered[name] = int(status.Status)
    except (RuntimeError, ValueError, OSError):
        pass  # the peer is gone in the middle of a message
    if association.is_established:
        association.release()
    else:
        association.abort()
    return answered


def stored_until_empty(worker: Killed) -> None:
    """Run the worker, killed again and again, then once in peace."""
    for _ in range(10_000):
        before = worker.waiting()
        if not before:
            return
        process = worker.start()
        timer = worker.killed_in_a_while(process)
        process.communicate()
        timer.join()
        if process.returncode == 0:
            return
        # A life too short to store anything is made longer, so that a trial ends.
        if worker.waiting() == before:
            worker.lives_s *= 1.2


def trial(home: Path, n: int, seed: int, *, lives_s: float = 6.0) -> Trial:
    """Send `n` generated reports through a listener and a worker that are killed meanwhile."""
    dice = random.Random(seed)
    folder = home.parent / f"{home.name}-reports"
    written = write_reports(folder, build_department(today=TODAY), n, seed, TODAY)
    truths = [t for t in written if "truncated" not in t.quirks]  # no sender has half an object
    objects = {t.file: (folder / t.file).read_bytes() for t in truths}
    listener = Killed(home, ["listen", "--port", "0", "--keep"], dice, lives_s)
    sent_until_acknowledged(objects, listener)
    worker = Killed(home, ["doses", "inbox"], dice, lives_s)
    stored_until_empty(worker)
    kills = {"listener": listener.kills, "worker": worker.kills}
    return _found(home, truths, kills)


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout
    return int(process.stdout.readline().strip().rsplit(":", 1)[1])


def _found(home: Path, truths: list[Truth], kills: dict[str, int]) -> Trial:
    with closing(sqlite3.connect(home / "kerma.sqlite3")) as database:
        kept = {row[0] for row in database.execute("SELECT sop_uid FROM doses_doseobject")}
        doubled = database.execute(
            "SELECT (SELECT COUNT(*) - COUNT(DISTINCT sha256) FROM doses_doseobject)"
            " + (SELECT COUNT(*) - COUNT(DISTINCT study_uid) FROM doses_study)"
            " + (SELECT COUNT(*) - COUNT(DISTINCT uid || '/' || study_id) FROM doses_doseevent)"
        ).fetchone()[0]
    env = {**os.environ, "KERMA_HOME": str(home)}
    verified = subprocess.run(
        [sys.executable, "-m", "kerma", "verify"], env=env, cwd=ROOT, capture_output=True,
        check=False,
    )  # fmt: skip
    lost = [t.file for t in truths if t.sop_uid not in kept]
    left = len(list((home / "inbox").glob("*.dcm")))  # parts of the killed are swept later
    return Trial(len(truths), kills, lost, doubled, left, verified.returncode == 0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        began = time.monotonic()
        print(trial(Path(place) / "home", int(sys.argv[1]), 9))
        print(f"{time.monotonic() - began:.0f} s")
