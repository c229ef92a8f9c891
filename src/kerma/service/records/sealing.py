"""Sealing: the hash of a row's content, kept in the event log when the row is written.

A row changed, added or removed behind the application's back no longer agrees with the log.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.apps import apps
from django.db import models

from kerma.core import content_hash

# Fields that legitimately change after a row is sealed; their changes are events of their own.
_MUTABLE: dict[str, frozenset[str]] = {}


def sealed(*mutable: str) -> Any:
    """Mark a model as sealed, naming the fields that may change later."""

    def mark(model: type[models.Model]) -> type[models.Model]:
        _MUTABLE[model._meta.label_lower] = frozenset(mutable)
        return model

    return mark


def sealed_models() -> dict[str, type[models.Model]]:
    """Return every sealed model by label."""
    return {label: apps.get_model(label) for label in _MUTABLE}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value


def digest(row: models.Model) -> str:
    """Return the SHA-256 of everything in a row that must not change."""
    skip = _MUTABLE[row._meta.label_lower]
    content = {
        field.attname: _plain(getattr(row, field.attname))
        for field in row._meta.concrete_fields
        if field.attname not in skip and field.name not in skip
    }
    return content_hash(content)


def seal(row: models.Model) -> list[Any]:
    """Return the entry for the event log: label, primary key, digest."""
    return [row._meta.label_lower, row.pk, digest(row)]
