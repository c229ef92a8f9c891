"""A private PostgreSQL server in a temporary folder, for one run of the tests."""

from __future__ import annotations

import getpass
import os
import pwd
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Return the folder that holds ``initdb`` and ``pg_ctl``: the newest packaged, else on PATH."""
    packaged = [p for p in Path("/usr/lib/postgresql").glob("*/bin") if (p / "initdb").exists()]
    if packaged:
        return max(packaged, key=lambda p: [int(n) for n in re.findall(r"\d+", str(p))])
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found and shutil.which("pg_ctl") else None


def _account() -> str:
    """Return who runs the server; it refuses to run as root."""
    if os.geteuid() != 0:
        return getpass.getuser()
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _run(account: str, *command: str | Path) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["su", account, "-s", "/bin/sh", "-c", shlex.join(words)]
    # Not captured through a pipe: the server that pg_ctl starts would keep it open for good.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(words, stdout=said, stderr=said, cwd="/", check=False)
        if done.returncode:
            said.seek(0)
            raise RuntimeError(f"{shlex.join(words)} failed:\n{said.read().decode()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def server(bin_folder: Path) -> Iterator[str]:
    """Start a server that only this machine and who knows its password can reach; yield its URL.

    It is stopped and its folder removed at the end, whatever happened in between.
    """
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="kerma-postgresql-"))
    data, word, port = folder / "data", secrets.token_hex(16), _free_port()
    # Durability is switched off: the data lives for one run.
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} "
        "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    )
    try:
        (folder / "password").write_text(word)
        if os.geteuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, account)
        _run(
            account, bin_folder / "initdb", "-D", data, "-U", "kerma", "--encoding=UTF8",
            "--locale=C", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync",
        )  # fmt: skip
        _run(
            account, bin_folder / "pg_ctl", "-D", data, "-l", folder / "log", "-o", options,
            "-w", "-t", "60", "start",
        )  # fmt: skip
        yield f"postgresql://kerma:{word}@127.0.0.1:{port}/postgres"
    finally:
        _stop(account, bin_folder, data)
        shutil.rmtree(folder, ignore_errors=True)


def _stop(account: str, bin_folder: Path, data: Path) -> None:
    if (data / "postmaster.pid").exists():
        _run(account, bin_folder / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
