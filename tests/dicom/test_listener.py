"""The listener over a socket: what it acknowledges is on disk; it takes only what it may."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.presentation import build_context

from kerma.core import InputError
from kerma.dicom.dose import read_report
from kerma.dicom.net.inbox import Inbox
from kerma.dicom.net.listener import Listener, Listening
from tests.dicom import build
from tests.service.doses_world import content, simulated

ROOT = Path(__file__).resolve().parents[2]


def report(number: int = 0) -> bytes:
    return content(simulated()[1][number])


def send(port: int, *objects: bytes, title: str = "SCANNER", called: str = "KERMA") -> list[int]:
    """Send objects as a scanner would; returns the status of each, or nothing when refused."""
    datasets = [dcmread(BytesIO(raw)) for raw in objects]
    ae = AE(ae_title=title)
    ae.requested_contexts = [
        build_context(uid, syntax)
        for uid, syntax in {
            (str(d.SOPClassUID), str(d.file_meta.TransferSyntaxUID)) for d in datasets
        }
    ]
    association = ae.associate("127.0.0.1", port, ae_title=called)
    if not association.is_established:
        return []
    statuses = [int(association.send_c_store(d).Status) for d in datasets]
    association.release()
    return statuses


@pytest.fixture
def running(tmp_path: Path):
    with Listener(Inbox(tmp_path / "inbox"), Listening(port=0)) as listener:
        yield listener


def test_what_is_acknowledged_is_in_the_inbox_and_reads_the_same(running: Listener) -> None:
    raw = report()
    assert send(running.port, raw) == [0]
    (path,) = running.inbox.waiting()
    kept, sent = read_report(path.read_bytes()), read_report(raw)
    assert kept.events == sent.events
    assert kept.totals == sent.totals


def test_the_same_object_twice_is_one_file(running: Listener) -> None:
    assert send(running.port, report(), report()) == [0, 0]
    assert len(list(running.inbox.waiting())) == 1


def test_an_image_is_taken_too(running: Listener) -> None:
    import numpy as np

    raw = build.encode(build.image(np.zeros((64, 64), np.uint16), Modality="DX",
                                   SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1"))  # fmt: skip
    assert send(running.port, raw) == [0]


def test_only_named_callers_may_send(tmp_path: Path) -> None:
    how = Listening(port=0, callers=("SCANNER",))
    with Listener(Inbox(tmp_path), how) as listener:
        assert send(listener.port, report(), title="STRANGER") == []
        assert send(listener.port, report(), called="OTHER") == []
        assert send(listener.port, report()) == [0]


def test_a_disk_that_is_full_is_said_to_the_sender(
    running: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Inbox, content: bytes) -> Path:
        raise OSError("no space left")

    monkeypatch.setattr(Inbox, "put", full)
    assert send(running.port, report()) == [0xA700]


def test_echo(running: Listener) -> None:
    ae = AE(ae_title="SCANNER")
    ae.add_requested_context("1.2.840.10008.1.1")
    association = ae.associate("127.0.0.1", running.port, ae_title="KERMA")
    assert int(association.send_c_echo().Status) == 0
    association.release()


def test_noise_on_the_port_ends_nothing(running: Listener) -> None:
    for noise in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\xff\xff\xff\xff" + b"\0" * 50):
        with socket.create_connection(("127.0.0.1", running.port), timeout=5) as stranger:
            stranger.sendall(noise)
    assert send(running.port, report()) == [0]


def test_a_taken_port_is_said(running: Listener, tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="cannot be listened on"),
        Listener(Inbox(tmp_path), Listening(port=running.port)),
    ):
        pass


@pytest.mark.parametrize("title", ["", "A" * 17, "Käse"])
def test_a_title_that_is_none_is_refused(tmp_path: Path, title: str) -> None:
    with pytest.raises(InputError, match="1 to 16"):
        Listener(Inbox(tmp_path), Listening(title=title))


# The inbox ---------------------------------------------------------------------------------------


def test_a_part_is_never_taken_for_an_object(tmp_path: Path) -> None:
    box = Inbox(tmp_path)
    part = tmp_path / "abc-1-2.part"
    part.write_bytes(b"half")
    assert list(box.waiting()) == []
    assert box.sweep() == 0, "it may belong to a process at work"
    os.utime(part, (0, 0))
    assert box.sweep() == 1


def test_a_killed_listener_has_lost_nothing_it_acknowledged(tmp_path: Path) -> None:
    env = {**os.environ, "KERMA_HOME": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "200"}
    env.pop("KERMA_DATABASE", None)

    def started() -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen(
            [sys.executable, "-m", "kerma", "listen", "--port", "0", "--keep"],
            env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout
        line = process.stdout.readline()
        return process, int(line.strip().rsplit(":", 1)[1])

    process, port = started()
    sent = [report(n) for n in range(4)]
    assert send(port, *sent) == [0] * 4
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=20)
    kept = sorted(p.name for p in (tmp_path / "inbox").glob("*.dcm"))
    assert len(kept) == 4
    stored = subprocess.run(
        [sys.executable, "-m", "kerma", "doses", "inbox"], env=env, cwd=ROOT, text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    assert "4 stored" in stored.stdout
    assert list((tmp_path / "inbox").glob("*")) == []


def test_a_listener_stores_what_it_receives_and_stops_when_asked(tmp_path: Path) -> None:
    env = {**os.environ, "KERMA_HOME": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "200"}
    env.pop("KERMA_DATABASE", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "kerma", "listen", "--port", "0"], env=env, cwd=ROOT,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    port = int(process.stdout.readline().strip().rsplit(":", 1)[1])
    assert send(port, report()) == [0]
    box = tmp_path / "inbox"
    until = time.monotonic() + 30
    while list(box.glob("*.dcm")) and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert "1 stored" in process.stdout.read()
