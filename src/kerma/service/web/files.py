"""Rows as files: CSV, a workbook, JSON, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
from django.http import HttpResponse
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

Heads = Sequence[tuple[str, str]]
Rows = Iterable[Sequence[Any]]

# A text that begins so is run as a formula by spreadsheet programs (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else value


def _csv(heads: Heads, rows: Rows) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([title for _, title in heads])
    for row in rows:
        writer.writerow([_harmless(_plain(v)) for v in row])
    return out.getvalue().encode("utf-8-sig")  # the mark tells Excel that it is UTF-8


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _xlsx(heads: Heads, rows: Rows) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Rows")
    sheet.freeze_panes = "A2"

    def cell(value: Any) -> Any:
        if isinstance(value, datetime):
            value = _plain(value)
        if not isinstance(value, str):
            return value
        made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
        made.data_type = "s"  # text stays text, also when it begins with “=”
        return made

    sheet.append([cell(title) for _, title in heads])
    for row in rows:
        sheet.append([cell(v) for v in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _json(heads: Heads, rows: Rows) -> bytes:
    keys = [key for key, _ in heads]
    found = [dict(zip(keys, map(_plain, row), strict=True)) for row in rows]
    return json.dumps(found, ensure_ascii=False, indent=1).encode()


def _parquet(heads: Heads, rows: Rows) -> bytes:
    keys = [key for key, _ in heads]
    columns = list(zip(*(map(_plain, row) for row in rows), strict=True)) or [()] * len(keys)
    # A column is of numbers when all its values are; a mixed one is written as text.
    data = {
        key: pl.Series(key, _one_kind(column)) for key, column in zip(keys, columns, strict=True)
    }
    out = io.BytesIO()
    pl.DataFrame(data).write_parquet(out)
    return out.getvalue()


def _one_kind(column: Sequence[Any]) -> list[Any]:
    kinds = {type(v) for v in column if v is not None}
    if len(kinds) <= 1 and kinds <= {int, float, str, bool}:
        return list(column)
    if kinds <= {int, float}:
        return [None if v is None else float(v) for v in column]
    return [None if v is None else str(v) for v in column]


FORMATS: dict[str, tuple[str, Callable[[Heads, Rows], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", _csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx),
    "json": ("application/json", _json),
    "parquet": ("application/vnd.apache.parquet", _parquet),
}


def answer(form: str, name: str, heads: Heads, rows: Rows) -> HttpResponse:
    """Return rows as a download named after the table and the day."""
    media, write = FORMATS[form]
    response = HttpResponse(write(heads, rows), content_type=media)
    file = f"kerma-{name}-{timezone.localdate():%Y-%m-%d}.{form}"
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return response
