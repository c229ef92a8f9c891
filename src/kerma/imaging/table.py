"""Columns of readings from a file, for measurements that take readings and no image."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from kerma.core import InputError

# Design choice: more rows than any daily series of a lifetime, few enough to refuse a wrong file.
MAX_ROWS = 100_000


def read_columns(path: Path) -> dict[str, list[float] | list[str]]:
    """Read a CSV file with one column for each parameter, named in the first line.

    A column is of numbers when every cell is a number, else of text. Comma, semicolon or tab
    separates; a decimal comma is not guessed at. An empty cell is refused, because a gap is not a
    number.

    Raises
    ------
    InputError
        Codes ``not-a-table`` and ``empty-cell``.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise _refused(path, "cannot be read as text") from error
    head = text.splitlines()[0] if text.strip() else ""
    separator = max(",;\t", key=head.count)
    rows = [row for row in csv.reader(text.splitlines(), delimiter=separator) if any(row)]
    if len(rows) < 2 or len(rows) > MAX_ROWS:
        raise _refused(path, f"holds {max(0, len(rows) - 1)} rows under its first line")
    names = [name.strip() for name in rows[0]]
    if len(set(names)) != len(names) or not all(names):
        raise _refused(path, "has columns without a name, or two of the same name")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(names) or not all(cell.strip() for cell in row):
            raise InputError(
                f"Row {number} of {path.name} has an empty or missing cell. Leave the whole row "
                "out, or give the value.",
                code="empty-cell",
                detail={"row": number},
            )
    columns = zip(*rows[1:], strict=True)
    return {n: _column([c.strip() for c in cells]) for n, cells in zip(names, columns, strict=True)}


def _column(cells: list[str]) -> list[float] | list[str]:
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return cells
    return numbers if all(map(math.isfinite, numbers)) else cells


def _refused(path: Path, why: str) -> InputError:
    return InputError(
        f"{path.name} {why}. Give a CSV file whose first line names the columns.",
        code="not-a-table",
        detail={"file": path.name},
    )
