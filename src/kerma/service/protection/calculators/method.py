"""The method behind a calculator, as the library and its documentation state it."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

import kerma
from kerma.service.protection.calculators.calculator import Calculator


@dataclass(frozen=True, slots=True)
class Stated:
    """One function of the library: where it is, and what its documentation says."""

    name: str
    text: str


def functions(calculator: Calculator) -> list[Stated]:
    """Return what the calculations behind a page say of themselves."""
    return [
        Stated(f"{f.__module__}.{f.__qualname__}", _for_readers(inspect.getdoc(f) or ""))
        for f in calculator.functions
    ]


def _for_readers(text: str) -> str:
    """Return documentation without what is for programmers: its errors and its marks."""
    text = re.sub(r"\*(\w+)\*", r"\1", text.split("\nRaises\n", maxsplit=1)[0])
    return text.replace("``", "").rstrip()


@cache
def _read(name: str) -> str:
    path = Path(kerma.__file__).parents[2] / "docs" / "methods" / f"{name}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def page(calculator: Calculator) -> SafeString:
    """Return the method page, drawn; empty where the documents are not installed with the program.

    Markup inside the page is shown as text, so nothing in it can run.
    """
    text = _read(calculator.method_page)
    drawn = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    # A heading of the page stands below the one of the screen; links between files lead nowhere.
    return mark_safe(drawn.replace("<h1>", "<h2>").replace("</h1>", "</h2>"))
