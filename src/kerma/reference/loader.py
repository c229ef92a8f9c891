"""Read the data files into rows, once."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from kerma.core import InputError
from kerma.reference.rows import Row, normalised_confidence, spelled

# Keys that name a YAML entry, most telling first; used when the entry has no id of its own.
_NAMING = (
    "id", "letter", "item", "name", "code", "subject", "what", "record", "area", "barrier",
    "modality", "region", "group", "quality", "title", "point", "step", "text", "tolerance",
    "note", "comparison", "rule", "where", "n",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set: its name, title, file, and what makes a row of it unique."""

    name: str
    title: str
    file: str
    key: tuple[str, ...] = ()
    document: str = "source"
    edition: str = ""
    criteria: str = ""


def _text(file: str) -> str:
    return (resources.files("kerma.reference") / "data" / file).read_text(encoding="utf-8")


@cache
def datasets() -> dict[str, Dataset]:
    """Return every data set by name."""
    listed = yaml.safe_load(_text("datasets.yaml"))
    return {
        name: Dataset(name=name, **{**about, "key": tuple(about.get("key", ()))})
        for name, about in listed.items()
    }


@cache
def read_yaml(file: str) -> Any:
    """Return the content of a YAML data file."""
    return yaml.safe_load(_text(file))


@cache
def rows(dataset: str) -> tuple[Row, ...]:
    """Return every row of a data set, in the file's order.

    Raises
    ------
    InputError
        Code ``unknown-dataset``.

    """
    if dataset not in datasets():
        raise InputError(
            f"There is no reference data set “{dataset}”. There are: {', '.join(datasets())}.",
            code="unknown-dataset",
        )
    about = datasets()[dataset]
    found = tuple(_csv_rows(about) if about.file.endswith(".csv") else _yaml_rows(about))
    if about.criteria:
        found += tuple(_assembled_rows(about, {r.id: r for r in found}))
    repeated = [name for name, n in Counter(r.id for r in found).items() if n > 1]
    if repeated:
        raise InputError(
            f"Reference data {about.file} holds two rows called {repeated[0]}.",
            code="duplicate-row",
            detail={"rows": repeated},
        )
    return found


@cache
def _by_id(dataset: str) -> dict[str, Row]:
    return {r.id: r for r in rows(dataset)}


def row(row_id: str) -> Row:
    """Return one row by its id, such as ``qa-tests/radiography/kv_accuracy``.

    Raises
    ------
    InputError
        Code ``unknown-row`` or ``unknown-dataset``.

    """
    dataset = row_id.partition("/")[0]
    try:
        return _by_id(dataset)[row_id]
    except KeyError:
        raise InputError(
            f"There is no reference row “{row_id}”.", code="unknown-row", detail={"row": row_id}
        ) from None


def search(words: str, dataset: str | None = None) -> list[Row]:
    """Return the rows that contain every word, in id, fields or document."""
    wanted = words.lower().split()
    return [
        r
        for name in ([dataset] if dataset else datasets())
        for r in rows(name)
        if all(w in f"{r.id} {r.document} {list(r.fields.values())}".lower() for w in wanted)
    ]


def _csv_rows(about: Dataset) -> Iterator[Row]:
    criteria: Mapping[str, Any] = read_yaml(about.criteria)["levels"] if about.criteria else {}
    for record in csv.DictReader(_text(about.file).splitlines(keepends=True)):
        name = "/".join(_key_part(record[column]) for column in about.key)
        fields: dict[str, Any] = dict(record)
        if name in criteria:
            fields["levels"] = criteria[name]
        yield Row(
            id=f"{about.name}/{name}",
            dataset=about.name,
            fields=fields,
            document=record[about.document],
            edition=record.get(about.edition, "") if about.edition else "",
            confidence=normalised_confidence(record["confidence"]),
            confidence_text=record["confidence"],
        )


def _assembled_rows(about: Dataset, parts: Mapping[str, Row]) -> Iterator[Row]:
    """Yield the rows put together from several others: one lookup out of many points."""
    for name, spec in read_yaml(about.criteria).get("assembled", {}).items():
        modality, _, test_id = name.partition("/")
        of = [parts[f"{about.name}/{modality}/{part}"] for part in spec["from"]]
        levels: dict[str, Any] = {"scope": of[0].fields["levels"]["scope"], "note": spec["note"]}
        for level_class in ("remedial", "suspension"):
            specs = [
                p.fields["levels"][level_class] for p in of if level_class in p.fields["levels"]
            ]
            if len(specs) == len(of):
                points = sorted(
                    (s["points"][0] for s in specs), key=lambda p: float(p[0].split()[0])
                )
                levels[level_class] = {**specs[0], "points": points}
        weakest = max((p.confidence for p in of), key=("computed", "seen", "recalled").index)
        yield Row(
            id=f"{about.name}/{name}",
            dataset=about.name,
            fields={
                **{k: of[0].fields[k] for k in ("modality", "quantity", "unit", "level_kind")},
                "test_id": test_id,
                "test_name": spec["title"],
                "notes": spec["note"],
                "levels": levels,
                "parts": {p.id: p.sha256 for p in of},
            },
            document="; ".join(dict.fromkeys(p.document for p in of)),
            confidence=weakest,
            confidence_text=f"put together from {len(of)} rows, the least sure {weakest}",
            rests_on=tuple(p.id for p in of),
        )


def _key_part(value: str) -> str:
    # Names that are already ids (kv_accuracy, ncrp147-A.1-primary) are kept letter for letter.
    return value if value and all(c.isalnum() or c in "_-." for c in value) else spelled(value)


def _yaml_rows(about: Dataset) -> Iterator[Row]:
    content = read_yaml(about.file)
    top = content if isinstance(content, dict) else {}
    sources = top.get("sources", {})
    default = (str(top.get("source_default", "")), str(top.get("confidence_default", "")))
    for path, entry in _entries(content, (), inherits=bool(default[1])):
        statement = str(entry.get("confidence", default[1]))
        if not statement:
            continue
        key = str(entry.get("source") or entry.get("basis") or default[0])
        yield Row(
            id="/".join((about.name, *path)),
            dataset=about.name,
            fields=entry,
            document=str(sources.get(key, key)),
            confidence=normalised_confidence(statement),
            confidence_text=statement,
        )


def _entries(
    node: Any, path: tuple[str, ...], *, inherits: bool
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Walk to every mapping that carries a confidence, or an id where the file sets a default."""
    if isinstance(node, dict):
        if path and ("confidence" in node or (inherits and "id" in node)):
            yield path, node
        for name, child in node.items():
            if name != "sources":
                yield from _entries(child, (*path, spelled(name)), inherits=inherits)
    elif isinstance(node, list):
        names = [_name(child) for child in node]
        for child, name in zip(node, names, strict=True):
            if name:
                yield from _entries(child, (*path, name), inherits=inherits)


def _name(entry: Any) -> str:
    if not isinstance(entry, dict):
        return ""
    for key in _NAMING:
        if entry.get(key) is not None and not isinstance(entry[key], dict | list):
            return spelled(entry[key], 60)
    first = next((v for v in entry.values() if isinstance(v, str | int | float)), "")
    return spelled(first, 60)
