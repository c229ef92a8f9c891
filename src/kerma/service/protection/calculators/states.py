"""How far the reference rows behind a calculation have been verified in this service."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from kerma.core import InputError, Source
from kerma.reference import row
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.records.selectors import verifications


@dataclass(frozen=True, slots=True)
class RowState:
    """A row a calculation rests on, as it stands today."""

    source: Source
    verified_by: str
    verified_on: date | None
    changed: bool

    @property
    def verified(self) -> bool:
        """Whether the very content used was verified."""
        return self.verified_on is not None


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether what a calculator may rest on is verified: counts of rows."""

    total: int
    unverified: int
    recalled: int

    @property
    def issuable(self) -> bool:
        """Whether any result of it can be issued."""
        return not self.unverified

    @property
    def words(self) -> str:
        """Return the standing as a badge says it."""
        if self.issuable:
            return "can be issued"
        if self.unverified == self.total:
            return f"draft only: {_rows(self.total)} not verified"
        return f"{self.unverified} of {_rows(self.total)} not verified"

    @property
    def detail(self) -> str:
        """Return what the words leave out."""
        if not self.total:
            return "It uses no reference data: nothing is to be verified."
        recalled = f", {self.recalled} of them recalled" if self.recalled else ""
        if self.issuable:
            return f"All {_rows(self.total)} it may rest on are verified."
        return (
            f"{_rows(self.unverified)}{recalled}, nobody in this service has compared with the "
            "named document; a result that rests on one can be drafted and is not issued."
        )


def _rows(n: int) -> str:
    return f"{n} row{'' if n == 1 else 's'}"


def row_states(sources: Iterable[Source]) -> list[RowState]:
    """Return the state of each row, those not verified first."""
    held = list(sources)
    standing = verifications({s.row for s in held})
    found = []
    for source in held:
        by = standing.get((source.row, source.sha256))
        found.append(
            RowState(
                source,
                by.by.name if by else "",
                timezone.localdate(by.at) if by else None,
                _changed(source.row, source.sha256),
            )
        )
    return sorted(found, key=lambda s: s.verified)


def _changed(name: str, sha256: str) -> bool:
    try:
        return row(name).sha256 != sha256
    except InputError:
        return True


def changed_rows(rests_on: dict[str, str]) -> list[str]:
    """Return the rows of a saved calculation that have another content today, or are gone."""
    return [name for name, sha256 in rests_on.items() if _changed(name, sha256)]


def standings(calculators: Iterable[Calculator]) -> dict[str, Standing]:
    """Return the standing of each calculator, by key; one question to the database for all."""
    verified = set(verifications())
    found = {}
    for item in calculators:
        held = list(item.rows())
        open_ = [r for r in held if (r.id, r.sha256) not in verified]
        recalled = sum(r.confidence == "recalled" for r in open_)
        found[item.key] = Standing(len(held), len(open_), recalled)
    return found
