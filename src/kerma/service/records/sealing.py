"""Sealing: the hash of a row's content, kept in the event log whenever the row is written.

A row changed, added or removed behind the application's back, or put back to what it once was, no
longer agrees with the last seal the log holds of it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.apps import apps
from django.db import models

from kerma.core import content_hash

M = TypeVar("M", bound=models.Model)
_SEALED: list[str] = []


def sealed(model: type[M]) -> type[M]:
    """Mark a model whose every write is sealed in the event log."""
    _SEALED.append(model._meta.label_lower)
    return model


def sealed_models() -> dict[str, type[models.Model]]:
    """Return every sealed model by label."""
    return {label: apps.get_model(label) for label in _SEALED}


def settled(data: Any) -> Any:
    """Return plain data as every database gives it back.

    PostgreSQL keeps the numbers of JSON as decimals: what Python writes as ``1e+22`` comes back a
    whole number, and minus zero as zero. Settled data has the same hash before and after.
    """
    if isinstance(data, dict):
        return {str(key): settled(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [settled(value) for value in data]
    if isinstance(data, float):
        return int(Decimal(repr(data))) if "e+" in repr(data) else data + 0.0
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return settled(value)


def digest(row: models.Model) -> str:
    """Return the SHA-256 of everything in a row."""
    return content_hash(
        {f.attname: _plain(f.to_python(getattr(row, f.attname))) for f in row._meta.concrete_fields}
    )


def seal(row: models.Model) -> list[Any]:
    """Return the entry for the event log: label, primary key, digest."""
    return [row._meta.label_lower, row.pk, digest(row)]
