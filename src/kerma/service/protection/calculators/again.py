"""A saved calculation made again from what it was asked with: the same bits, or what moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kerma import __version__
from kerma.core import IntegrityError, content_hash
from kerma.physics.calculation import Calculation
from kerma.physics.registry import Comparison, compared
from kerma.service.protection.calculators.states import changed_rows
from kerma.service.protection.models import SavedCalculation
from kerma.service.records.sealing import settled


@dataclass(frozen=True, slots=True)
class Again:
    """What came of making a calculation again, as the page says it."""

    found: Comparison
    kept: str

    @property
    def same(self) -> bool:
        """To the last bit: inputs, rows, budget, words and working."""
        return self.found.now is not None and bits(as_kept(self.found.now)) == self.kept

    @property
    def moved(self) -> bool:
        """Whether the number itself is another."""
        return self.found.relative is not None

    @property
    def percent(self) -> str:
        """Return the change of the value in per cent, with its sign."""
        return f"{100.0 * (self.found.relative or 0.0):+.3g} %".replace("-", "\N{MINUS SIGN}")

    @property
    def version(self) -> str:
        """Return “1 to 2” where the method's version rose; empty where it did not."""
        old, now = self.found.stored, self.found.now
        return f"{old.version} to {now.version}" if now and now.version != old.version else ""


def as_kept(made: Calculation) -> dict[str, Any]:
    """Return a calculation's record as every database gives it back."""
    record: dict[str, Any] = settled(made.as_dict())
    return record


def bits(record: Mapping[str, Any]) -> str:
    """Return the hash of a record without the version of the package it was made with."""
    return content_hash({name: value for name, value in record.items() if name != "package"})


def stored(row: SavedCalculation) -> Calculation:
    """Return a saved calculation's record.

    Raises
    ------
    IntegrityError
        ``changed-record``: what is stored is not what was kept.
    """
    if content_hash(row.record) == row.record_sha256 and bits(row.record) == row.result_sha256:
        return Calculation.from_dict(row.record)
    raise IntegrityError(
        "The stored calculation is not what was kept. Do not use it; have the administrator run "
        "“kerma verify”.",
        code="changed-record",
    )


def make_again(row: SavedCalculation) -> Again:
    """Make a saved calculation again from its record, with the data and methods of today."""
    return Again(compared(stored(row)), bits(row.record))


def worth_a_look(row: SavedCalculation) -> bool:
    """Whether data or program are others than when it was made, so that it may come out new."""
    return bool(changed_rows(row.rests_on)) or row.record.get("package") != __version__
