"""What `kerma check` looks at: whether this installation can be relied on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from kerma.core import KermaError


@dataclass(frozen=True, slots=True)
class Row:
    """One thing examined."""

    name: str
    ok: bool
    text: str

    def as_dict(self) -> dict[str, object]:
        """Return plain data."""
        return {"name": self.name, "ok": self.ok, "text": self.text}


def _database() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        raise KermaError(f"{len(waiting)} migrations wait; run “kerma serve” once", code="migrate")
    return f"{connection.vendor}, up to date"


def _home() -> str:
    probe = settings.HOME / ".probe"
    probe.write_bytes(b"")
    probe.unlink()
    return "data folder can be written"


def _settings() -> str:
    call_command("check", stdout=StringIO())
    return "no problem found"


def _reference() -> str:
    from kerma import reference

    count = sum(len(reference.rows(name)) for name in reference.datasets())
    return f"{count} rows in {len(reference.datasets())} data sets"


def _protocols() -> str:
    from kerma.protocols import available, check_analyses, load_protocol

    for name in available():
        check_analyses(load_protocol(name))
    return f"{len(available())} protocols, no mistakes"


def _measurements() -> str:
    from kerma.imaging.registry import all_measurements

    return f"{len(all_measurements())} image measurements"


CHECKS: dict[str, Callable[[], str]] = {
    "data folder": _home,
    "settings": _settings,
    "database": _database,
    "reference data": _reference,
    "protocols": _protocols,
    "measurements": _measurements,
}


def examine() -> list[Row]:
    """Run every check; one that fails does not stop the next."""
    return list(_examined())


def _examined() -> Iterator[Row]:
    for name, check in CHECKS.items():
        try:
            yield Row(name, True, check())
        except (KermaError, OSError) as error:
            yield Row(name, False, str(error))
