"""A private Orthanc for the tests: a real PACS on this machine, gone when the test is."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = shutil.which("Orthanc") or "/usr/sbin/Orthanc"


@dataclass(frozen=True)
class Running:
    """Where it answers."""

    http: int
    dicom: int

    @property
    def url(self) -> str:
        """Address of its REST interface."""
        return f"http://127.0.0.1:{self.http}"

    def add(self, content: bytes) -> None:
        """Give it an object."""
        request = urllib.request.Request(f"{self.url}/instances", data=content, method="POST")
        urllib.request.urlopen(request, timeout=20).read()


def installed() -> bool:
    """Return whether Orthanc is on this machine."""
    return Path(PROGRAM).exists()


def free_port() -> int:
    """Return a port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(*, user: str = "", password: str = "", move_port: int = 0) -> Iterator[Running]:
    """Run an Orthanc until the block ends; it knows KERMA at `move_port` for C-MOVE."""
    folder = Path(tempfile.mkdtemp(prefix="kerma-orthanc-"))
    running = Running(free_port(), free_port())
    settings = {
        "Name": "Test", "StorageDirectory": str(folder), "IndexDirectory": str(folder),
        "HttpPort": running.http, "DicomPort": running.dicom, "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": False, "AuthenticationEnabled": bool(user),
        "RegisteredUsers": {user: password} if user else {}, "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True, "DicomAlwaysAllowMove": True, "DicomCheckCalledAet": False,
        "DicomModalities": {"kerma": ["KERMA", "127.0.0.1", move_port]} if move_port else {},
        "Plugins": [],
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(settings))
    process = subprocess.Popen(
        [PROGRAM, str(folder / "orthanc.json")], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(running)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(running: Running) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{running.url}/system", timeout=2).read()
        except urllib.error.HTTPError:
            return  # it answers, and wants a password
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("Orthanc does not answer")
