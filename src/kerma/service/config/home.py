"""Where this service keeps its data, and the settings a service may choose."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


def home() -> Path:
    """Return the data folder: ``KERMA_HOME``, or ``kerma-home`` in the working folder."""
    return Path(os.environ.get("KERMA_HOME", "kerma-home")).resolve()


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys that live beside the database, never in it."""

    django: str
    identity: bytes


def _read_or_make(path: Path) -> str:
    """Read a secret, or make it once; two processes starting together get the same one."""
    if not path.exists():
        # Written whole under another name first: nobody may ever read half a key.
        own = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
        handle = os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
        try:
            with suppress(FileExistsError):  # the other process was quicker: its key is the one
                os.link(own, path)
        finally:
            own.unlink()
    return path.read_text().strip()


def secret(name: str) -> str:
    """Return a named secret of this service, made on first use, kept in ``secrets/``."""
    folder = home() / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _read_or_make(folder / name)


def secret_of(name: str) -> str:
    """Return what somebody put into ``secrets/``, such as a password; empty when nobody did."""
    path = home() / "secrets" / name
    return path.read_text().strip() if path.exists() else ""
