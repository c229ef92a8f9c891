"""Reference rows beside what the service has verified of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

from kerma import reference
from kerma.core import Level
from kerma.protocols import available, levels_of_test, load_protocol
from kerma.reference import Row, levels_of
from kerma.service.records.models import Verification
from kerma.service.records.selectors import verifications

# Names of the fields that say where a row is from; they are shown apart from its figures.
_ABOUT = frozenset({"source", "basis", "confidence", "notes", "note", "levels", "parts"})


@dataclass(frozen=True, slots=True)
class Line:
    """A reference row, its standing verification, and the protocols that rest on it."""

    row: Row
    verification: Verification | None
    protocols: tuple[str, ...]


@cache
def in_use() -> dict[str, tuple[str, ...]]:
    """Return which protocols rest on each row, the rows a composed row rests on included."""
    found: dict[str, dict[str, None]] = {}
    for name in available():
        protocol = load_protocol(name)
        for test in protocol.tests:
            for level in levels_of_test(protocol, test):
                for row_id in _with_parts(level.source.row):
                    found.setdefault(row_id, {})[name] = None
    return {row_id: tuple(names) for row_id, names in found.items()}


def _with_parts(row_id: str) -> list[str]:
    if row_id.startswith("local/"):
        return []
    return [row_id, *reference.row(row_id).rests_on]


def lines(dataset: str) -> list[Line]:
    """Return the rows of a data set with their state.

    Raises
    ------
    InputError
        No such data set.
    """
    rows = reference.rows(dataset)
    standing = {k: v for k, v in verifications().items() if k[0].startswith(f"{dataset}/")}
    used = in_use()
    return [Line(r, standing.get((r.id, r.sha256)), used.get(r.id, ())) for r in rows]


def narrowed(found: list[Line], query: dict[str, Any]) -> list[Line]:
    """Narrow rows by words, confidence, verified or not, in use or not."""
    words = str(query.get("q", "")).lower().split()
    state = query.get("state")
    return [
        line
        for line in found
        if (not words or all(w in _text(line.row) for w in words))
        and query.get("confidence", "") in ("", line.row.confidence)
        and (not state or bool(line.verification) is (state == "verified"))
        and (not query.get("used") or line.protocols)
    ]


def _text(row: Row) -> str:
    return f"{row.id} {row.document} {list(row.fields.values())}".lower()


def name_of(row: Row) -> str:
    """Return a row's own words for itself, or its key."""
    for field in ("test_name", "examination", "title", "name", "text", "what", "item"):
        if row.text(field):
            return row.text(field)[:160]
    return row.id.partition("/")[2]


def figures(row: Row) -> list[tuple[str, Any]]:
    """Return the fields as compiled, without those that say where they are from."""
    return [
        (name.replace("_", " "), _shown(value))
        for name, value in row.fields.items()
        if name not in _ABOUT
    ]


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(str(v) for v in value)
    if isinstance(value, dict):
        return "; ".join(f"{k}: {v}" for k, v in value.items())
    return value


def levels_in_words(row: Row) -> list[tuple[str, Level]]:
    """Return the levels a row holds: the circumstance (empty for a plain row) and the level."""
    if row.dataset != "qa-tests":
        return []
    return [(case, level) for case, found in levels_of(row).items() for level in found]


@dataclass(frozen=True, slots=True)
class Summary:
    """How far a data set has been checked."""

    name: str
    title: str
    rows: int
    seen: int
    recalled: int
    computed: int
    verified: int
    used: int
    used_unverified: int


def summary() -> list[Summary]:
    """Return every data set with how sure its rows are and how many are verified."""
    standing = set(verifications())
    used = in_use()
    found = []
    for name, about in reference.datasets().items():
        rows = reference.rows(name)
        sure = Counter(r.confidence for r in rows)
        checked = {r.id for r in rows if (r.id, r.sha256) in standing}
        resting = {r.id for r in rows if r.id in used}
        found.append(
            Summary(
                name,
                about.title,
                len(rows),
                sure["seen"],
                sure["recalled"],
                sure["computed"],
                len(checked),
                len(resting),
                len(resting - checked),
            )
        )
    return found
