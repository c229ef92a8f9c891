"""Sort the items of a container into fields, by the concept table; nothing is thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerma.dicom.dose.moments import moment
from kerma.dicom.dose.tables import Key, Spec, key, name_of, sections
from kerma.dicom.dose.tree import Code, Item
from kerma.dicom.dose.values import Value, Warn, measured


class Parts(dict[str, dict[str, Any]]):
    """Fields by part; a part that received nothing is an empty mapping."""

    def __missing__(self, part: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self[part] = found
        return found

    def items_of(self, field: str) -> list[Item]:
        """Return the items kept for further reading under a field."""
        found: list[Item] = self["children"].get(field, [])
        return found


# What an event has once. A second item is the same dose again (measured and calculated, say): to
# join it, as is done with the numbers of many pulses, would count the dose twice.
_ONCE = frozenset(
    {
        ("event", "kap"),
        ("event", "dose_rp"),
        ("event", "irradiation_time"),
        ("breast", "agd"),
        ("ct", "ctdivol"),
        ("ct", "dlp"),
    }
)
_FOUND: dict[tuple[str, Code], Spec | None] = {}
_MOST_REMEMBERED = 20_000


def _spec(container: str, table: dict[Key, Spec], concept: Code) -> Spec | None:
    try:
        return _FOUND[container, concept]
    except KeyError:
        if len(_FOUND) >= _MOST_REMEMBERED:
            _FOUND.clear()
        spec = _FOUND[container, concept] = table.get(key(concept))
        return spec


def collect(
    items: Sequence[Item], container: str, warn: Warn, where: str = ""
) -> tuple[Parts, list[Item]]:
    """Read the items of one container.

    Parameters
    ----------
    items
        Content items; what qualifies an item (its own children) is read with it.
    container
        Section of ``concepts.csv``.
    warn
        Called with a sentence for everything a person should know.
    where
        Words that begin each warning, such as ``event 3``.

    Returns
    -------
    parts, remaining
        Fields by part, and the items that the table does not know.
    """
    parts = Parts()
    remaining: list[Item] = []
    _into(parts, remaining, items, container, (sections()[container], warn, where))
    return parts, remaining


def _into(
    parts: Parts,
    remaining: list[Item],
    items: Sequence[Item],
    container: str,
    how: tuple[dict[Key, Spec], Warn, str],
) -> None:
    table, warn, where = how
    for item in items:
        spec = _spec(container, table, item.concept) if item.concept is not None else None
        if spec is None:
            remaining.append(item)
            continue
        fields = parts[spec.part]
        if spec.kind == "items":
            fields.setdefault(spec.field, []).append(item)
            continue
        label = item.concept.meaning if item.concept else spec.field
        value = _value(item, spec, warn, f"{where}: {label}" if where else label)
        once = (spec.part, spec.field) in _ONCE
        if once and isinstance(value, Value) and len(value.numbers) > 1:
            warn(f"{where}: {label}: several values in one item; a total adds them up")
        if once and isinstance(fields.get(spec.field), Value):
            _once(fields, spec.field, value, item, (remaining, warn, f"{where}: {label}"))
        else:
            _keep(fields, spec.field, value, item, remaining)
        if item.children:
            _into(parts, remaining, item.children, container, how)


def _keep(
    fields: dict[str, Any], field: str, value: Any, item: Item, remaining: list[Item]
) -> None:
    before = fields.get(field)
    if before is None:
        if value is not None:
            fields[field] = value
    elif isinstance(before, Value) and isinstance(value, Value):
        fields[field] = before.joined(value)
    elif value is not None and value != before:
        # A second, different value where one is expected: the first is used, both are kept.
        remaining.append(item)


def _once(
    fields: dict[str, Any],
    field: str,
    value: Value,
    item: Item,
    how: tuple[list[Item], Warn, str],
) -> None:
    """Keep the first usable of several values; another one stays with the remaining items."""
    remaining, warn, label = how
    before: Value = fields[field]
    if not before.numbers:
        fields[field] = value if value.numbers else before
    elif value.numbers and value.numbers != before.numbers:
        warn(f"{label} is stated more than once, with different values; the first is used")
        remaining.append(item)


def _value(item: Item, spec: Spec, warn: Warn, label: str) -> Any:
    if spec.kind == "text":
        return item.text or (item.code.meaning if item.code else None) or _joined(item)
    if spec.kind == "code":
        return item.code or (Code("", "", item.text) if item.text else None)
    if spec.kind == "flag":
        return {"yes": True, "no": False}.get(name_of("flag", item.code))
    if spec.kind == "moment":
        return moment(item.text, lambda note: warn(f"{label}: {note}"))
    return measured(item, spec.kind, lambda note: warn(f"{label}: {note}"))


def _joined(item: Item) -> str | None:
    return ", ".join(item.numbers) or None
