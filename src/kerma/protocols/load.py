"""Find protocol files: the ones Kerma brings, and a service's own."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

from kerma.core import InputError
from kerma.protocols.model import Protocol
from kerma.protocols.parse import parse_protocol


@cache
def available() -> tuple[str, ...]:
    """Return the ids of the protocols Kerma brings, in alphabetical order."""
    folder = resources.files("kerma.protocols") / "data"
    return tuple(sorted(p.name[:-5] for p in folder.iterdir() if p.name.endswith(".yaml")))


@cache
def _brought(name: str) -> Protocol:
    file = resources.files("kerma.protocols") / "data" / f"{name}.yaml"
    return parse_protocol(file.read_text(encoding="utf-8"), f"{name}.yaml")


def load_protocol(name_or_path: str | Path) -> Protocol:
    """Return a protocol by its id, or from a file of the service's own.

    Raises
    ------
    InputError
        Code ``unknown-protocol``.
    ProtocolError
        The file is wrong; the message gives line, key and what was expected.

    """
    name = str(name_or_path)
    if name in available():
        return _brought(name)
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        raise InputError(
            f"There is no protocol “{name}”. There are {', '.join(available())}, or give the path "
            "of a .yaml file.",
            code="unknown-protocol",
            detail={"protocol": name},
        )
    return parse_protocol(path.read_text(encoding="utf-8"), path.name)
