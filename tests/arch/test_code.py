"""What code may not do: catch everything, run text as code, trust markup."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.arch import tree

# The three boundaries of docs/architecture.md; a file here may hold that many such handlers.
CATCH_ALL = {
    "src/kerma/service/doses/ingest.py": 1,
    "src/kerma/service/config/middleware.py": 1,
    "src/kerma/service/config/tasks.py": 1,
}
RUNS_TEXT = {"eval", "exec", "compile", "__import__"}


def python() -> list[Path]:
    """Return every Python file of the project."""
    return tree.files(tree.SRC, tree.TESTS, suffix=".py")


def catch_alls(module: ast.Module) -> Iterator[int]:
    """Yield the line of each handler that catches every exception."""
    for node in ast.walk(module):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {getattr(k, "id", "") for k in kinds}
            if node.type is None or names & {"Exception", "BaseException"}:
                yield node.lineno


def runs_text(module: ast.Module) -> Iterator[int]:
    """Yield the line of each call that runs text as code."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RUNS_TEXT:
            yield node.lineno


def test_everything_is_caught_at_the_three_boundaries_only() -> None:
    found = {tree.relative(p): len(list(catch_alls(tree.parsed(p)))) for p in python()}
    assert {p: n for p, n in found.items() if n > CATCH_ALL.get(p, 0)} == {}


def test_no_text_is_run_as_code() -> None:
    found = {tree.relative(p): list(runs_text(tree.parsed(p))) for p in python()}
    assert {p: lines for p, lines in found.items() if lines} == {}


def test_sql_and_shells_are_not_assembled_from_text() -> None:
    """No assembled SQL, no `shell=True`, no unpickling, no YAML that builds objects."""
    banned = ("shell=True", "pickle.load", "yaml.load(", ".raw(", ".extra(", "yaml.unsafe")
    found = {
        tree.relative(p): [word for word in banned if word in p.read_text()]
        for p in tree.files(tree.SRC, suffix=".py")
    }
    assert {p: words for p, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "planted",
    [
        "try:\n    f()\nexcept Exception:\n    g()",
        "try:\n    f()\nexcept (KeyError, Exception) as e:\n    g()",
        "try:\n    f()\nexcept:\n    g()",
        "try:\n    f()\nexcept BaseException:\n    raise",
    ],
)
def test_a_planted_catch_all_would_be_seen(planted: str) -> None:
    assert list(catch_alls(ast.parse(planted))) == [3]


def test_a_planted_eval_would_be_seen(tmp_path: Path) -> None:
    assert list(runs_text(ast.parse("x = ev" + "al('1 + 1')"))) == [1]
    assert list(runs_text(ast.parse("import re\nre.compile('a')"))) == []
