"""Rows of reference data: one figure, or figures that stand together, with their source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from kerma.core import InputError, Source, content_hash

CONFIDENCES = ("seen", "recalled", "computed")


@dataclass(frozen=True)
class Row:
    """One row of a data set.

    Attributes
    ----------
    id
        ``dataset/key/...``; stable: spelled from the row's own keys, never from its position.
    dataset
        Name of the data set.
    fields
        Everything the file says, by column or key; text of a CSV file is left as written.
    document
        The named document the figure is from, with whatever clause the file gives.
    edition
        Year or edition, where the file has a column for it.
    confidence
        ``seen`` (read in the named source when compiled), ``recalled`` (nobody has) or
        ``computed`` (derived here). Mixed statements take the weaker of the two.
    confidence_text
        The statement as the file makes it.
    rests_on
        Ids of the rows a computed row was put together from.

    """

    id: str
    dataset: str
    fields: Mapping[str, Any]
    document: str
    edition: str = ""
    confidence: str = "recalled"
    confidence_text: str = ""
    rests_on: tuple[str, ...] = field(default=())

    @cached_property
    def sha256(self) -> str:
        """Hash of id and content.

        A verification belongs to this hash, so it lapses as soon as any figure, source or
        machine-readable level of the row changes, and survives everything else (a new package
        version, another row's correction, a moved file).
        """
        content = {"id": self.id, "fields": _plain(self.fields), "rests_on": list(self.rests_on)}
        return content_hash(content)

    @property
    def source(self) -> Source:
        """Return the row as what a statement rests on: what is verified, and printed."""
        return Source(
            row=self.id,
            document=self.document,
            confidence=self.confidence,
            sha256=self.sha256,
            edition=self.edition,
        )

    def number(self, name: str) -> float:
        """Return a field as a number.

        Raises
        ------
        InputError
            Code ``not-a-number``: the field is absent, empty or holds something else (``<0.01``).

        """
        try:
            return float(self.fields[name])
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"“{name}” of {self.id} is {self.fields.get(name)!r}, which is not a number.",
                code="not-a-number",
                detail={"row": self.id, "field": name},
            ) from None

    def text(self, name: str) -> str:
        """Return a field as text; an absent one is empty."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


def _plain(value: Any) -> Any:
    """Spell the dates that YAML reads out of a file as text, so that a row can be hashed."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value


def normalised_confidence(statement: str) -> str:
    """Reduce a confidence statement to ``seen``, ``recalled`` or ``computed``.

    The weaker part of a mixed statement decides: “areas seen, T recalled” is recalled, and a source
    of which only the existence was seen leaves its figures recalled. A design choice of our own
    counts as computed.
    """
    words = statement.lower()
    if "recalled" in words or "existence only" in words:
        return "recalled"
    if "seen" in words:
        return "seen"
    if "computed" in words or "design" in words:
        return "computed"
    raise InputError(
        f"“{statement}” does not say whether the figure was seen, recalled or computed.",
        code="bad-confidence",
    )


def spelled(value: object, longest: int = 80) -> str:
    """Spell a key as part of an id: lower case, words joined by hyphens, signs kept as words."""
    text = str(value).strip().lower().replace("<", "under ").replace(">", "over ")
    text = re.sub(r"[^\w.+]+", "-", text).strip("-")
    if len(text) > longest:
        text = text[:longest].rsplit("-", 1)[0]
    return text or "any"
