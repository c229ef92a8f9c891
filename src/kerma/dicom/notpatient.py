"""Tell test objects from patients by patterns on identifier and name."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple


class Match(NamedTuple):
    """What showed that an object is not a patient's: which field, and by which pattern."""

    field: Literal["id", "name"]
    pattern: str

    def __str__(self) -> str:
        return f"{self.field} {self.pattern}"


def matches(
    patient_id: str | None,
    name: str | None,
    *,
    id_patterns: Iterable[str] = (),
    name_patterns: Iterable[str] = (),
) -> tuple[Match, ...]:
    """Return every pattern that fits, in the order given; none means: taken for a patient.

    Parameters
    ----------
    patient_id, name
        As sent, before they are hashed; ``None`` or an empty text fits no pattern.
    id_patterns, name_patterns
        Wildcards over the whole text (``*`` any characters, ``?`` one, ``[ab]`` either), capital
        and small letters alike: ``QA*``, ``*test*``.
    """
    found: list[Match] = []
    for pattern in id_patterns:
        if _fits(patient_id, pattern):
            found.append(Match("id", pattern))
    for pattern in name_patterns:
        if _fits(name, pattern):
            found.append(Match("name", pattern))
    return tuple(found)


def _fits(text: str | None, pattern: str) -> bool:
    if not text or not pattern:
        return False
    return re.match(fnmatch.translate(pattern.casefold()), text.casefold()) is not None
