"""Tables: one list of columns gives the page, its order, and the same rows as a file.

What is exported is what is shown: same rows, same order, same columns, all pages. A view makes a
`Table` and answers with ``table.file()`` when ``table.wanted`` names a format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse

from kerma.service.web import files
from kerma.service.web.components.numbers import ABSENT, day, number

R = TypeVar("R")
PAGE = 50
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """One column.

    Attributes
    ----------
    value
        The plain value of a row: text, number, date, or ``None`` when there is none. This is what
        is exported.
    order
        Database paths to sort by; for a list of rows any non-empty name lets `value` sort it.
    html
        Markup in place of the formatted value, for chips and marks.
    url
        Where the cell leads.
    soft, nowrap
        Quiet type; kept on one line.
    on_page, in_file
        Whether the column is shown, and whether it is exported.

    """

    key: str
    title: str
    value: Callable[[R], Any]
    order: tuple[str, ...] = ()
    num: bool = False
    unit: str = ""
    soft: bool = False
    nowrap: bool = False
    html: Callable[[R], Any] | None = None
    url: Callable[[R], str] | None = None
    on_page: bool = True
    in_file: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as the page shows it."""

    text: Any
    url: str
    cls: str


class Table(Generic[R]):
    """Rows of a query or a list, in the order and page the address asks for.

    `prepare` is given the rows about to be shown or written, so that what they need beside
    themselves is fetched once and not row by row.
    """

    def __init__(
        self,
        request: HttpRequest,
        rows: QuerySet[Any] | Sequence[R],
        columns: Sequence[Column[R]],
        *,
        name: str,
        default: str,
        noun: str = "rows",
        prepare: Callable[[Sequence[R]], None] | None = None,
        per_page: int = PAGE,
    ) -> None:
        self.request, self.columns = request, columns
        self.name, self.default, self.noun = name, default, noun
        self.prepare, self.per_page = prepare, per_page
        self.rows = self._ordered(rows)

    @property
    def wanted(self) -> str:
        """The file format the address asks for, or nothing."""
        wanted = self.request.GET.get("format", "")
        return wanted if wanted in files.FORMATS else ""

    @property
    def order(self) -> str:
        """The order in force: a column's key, with a minus for descending."""
        asked = self.request.GET.get("sort", "")
        sortable = {c.key for c in self.columns if c.order}
        return asked if asked.removeprefix("-") in sortable else self.default

    def _ordered(self, rows: QuerySet[Any] | Sequence[R]) -> Any:
        order = self.order
        back, key = order.startswith("-"), order.removeprefix("-")
        column = next(c for c in self.columns if c.key == key)
        if isinstance(rows, QuerySet):
            paths = [
                F(p).desc(nulls_last=True) if back else F(p).asc(nulls_last=True)
                for p in column.order
            ]
            return rows.order_by(*paths, "pk")
        present = [r for r in rows if column.value(r) not in (None, "")]
        absent = [r for r in rows if column.value(r) in (None, "")]
        return [*sorted(present, key=column.value, reverse=back), *absent]

    @cached_property
    def page(self) -> Page[Any]:
        """The page asked for; a page beyond the last is the last."""
        page = Paginator(self.rows, self.per_page).get_page(self.request.GET.get("page"))
        page.object_list = list(page.object_list)
        if self.prepare:
            self.prepare(page.object_list)
        return page

    def __bool__(self) -> bool:
        return self.page.paginator.count > 0

    @property
    def heads(self) -> list[dict[str, Any]]:
        """Column heads for the ``th`` tag."""
        return [
            {"title": c.title, "key": c.key if c.order else "", "num": c.num, "unit": c.unit}
            for c in self.columns
            if c.on_page
        ]

    @property
    def body(self) -> Iterator[list[Cell]]:
        """Rows of cells."""
        shown = [c for c in self.columns if c.on_page]
        for row in self.page.object_list:
            yield [self._cell(column, row) for column in shown]

    @staticmethod
    def _cell(column: Column[R], row: R) -> Cell:
        text = column.html(row) if column.html else said(column.value(row))
        cls = " ".join(n for n in ("soft", "nowrap") if getattr(column, n))
        cls = f"n {cls}".strip() if column.num else cls
        return Cell(text, column.url(row) if column.url else "", cls)

    def _chunks(self) -> Iterator[Sequence[R]]:
        if isinstance(self.rows, QuerySet):
            chunk: list[R] = []
            for row in self.rows.iterator(chunk_size=_CHUNK):
                chunk.append(row)
                if len(chunk) == _CHUNK:
                    yield chunk
                    chunk = []
            yield chunk
        else:
            yield self.rows

    def records(self) -> Iterable[list[Any]]:
        """Every row as plain values, all pages."""
        columns = [c for c in self.columns if c.in_file]
        for chunk in self._chunks():
            if self.prepare:
                self.prepare(chunk)
            for row in chunk:
                yield [column.value(row) for column in columns]

    def file(self) -> HttpResponse:
        """Answer with every row as the file the address asks for."""
        heads = [
            (c.key, f"{c.title} ({c.unit})" if c.unit else c.title)
            for c in self.columns
            if c.in_file
        ]
        return files.answer(self.wanted, self.name, heads, self.records())


def said(value: Any) -> str:
    """Return a plain value as a page shows it; what is absent shows a dash."""
    if value in (None, ""):
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return day(value)
    if isinstance(value, float):
        return number(value)
    return str(value)
