"""Where this service keeps its data, and the settings a service may choose."""

from __future__ import annotations

import os
import secrets
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
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        value = secrets.token_hex(32)
        file.write(value)
    return value


def secret(name: str) -> str:
    """Return a named secret of this service, made on first use, kept in ``secrets/``."""
    folder = home() / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _read_or_make(folder / name)
