"""The project's own files, and what stands in them, without importing them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
PACKAGE = SRC / "kerma"
TESTS = ROOT / "tests"
DOCS = ROOT / "docs"
_TEXT = {".py", ".yaml", ".csv", ".typ", ".html", ".js", ".css", ".svg", ".txt", ".md", ".toml"}

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


class Function(NamedTuple):
    """A function and how long it is without its docstring."""

    file: str
    name: str
    lines: int


def relative(path: Path) -> str:
    """Return a path as it is written in the allow-lists."""
    return path.relative_to(ROOT).as_posix()


def files(*folders: Path, suffix: str = "") -> list[Path]:
    """Return the text files below the folders."""
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and (path.suffix == suffix if suffix else path.suffix in _TEXT)
    )


@cache
def parsed(path: Path) -> ast.Module:
    """Return a Python file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def length(node: AnyFunction) -> int:
    """Return a function's lines from `def` to the end, its docstring left out."""
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None and first.end_lineno is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def functions(path: Path) -> Iterator[Function]:
    """Yield every function of a file, inner ones and methods included."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, AnyFunction):
            yield Function(relative(path), node.name, length(node))


def imported(path: Path) -> set[str]:
    """Return the names of the modules a file imports anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


@cache
def names_of_tests() -> frozenset[str]:
    """Return every test there is as ``tests/folder/test_file.py::test_name``."""
    return frozenset(
        f"{relative(path)}::{node.name}"
        for path in files(TESTS, suffix=".py")
        if path.name.startswith("test_")
        for node in ast.walk(parsed(path))
        if isinstance(node, AnyFunction) and node.name.startswith("test_")
    )
