"""Files have at most 400 lines and functions at most 60; each exception has its reason."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.arch import tree

FILE_LINES = 400
FUNCTION_LINES = 60
ALLOWED = yaml.safe_load((Path(__file__).parent / "sizes.yaml").read_text())


def python() -> list[Path]:
    """Return every Python file a person wrote."""
    found = tree.files(tree.SRC, tree.TESTS, suffix=".py")
    return [p for p in found if "migrations" not in p.parts]


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_files_are_short() -> None:
    long = {tree.relative(p): _lines(p) for p in python() if _lines(p) > FILE_LINES}
    assert {p: n for p, n in long.items() if p not in ALLOWED["files"]} == {}
    assert ALLOWED["files"].keys() - long.keys() == set(), "no longer needed in sizes.yaml"


def test_functions_are_short() -> None:
    found = (f for p in python() for f in tree.functions(p))
    long = {f"{f.file}::{f.name}": f.lines for f in found if f.lines > FUNCTION_LINES}
    assert {f: n for f, n in long.items() if f not in ALLOWED["functions"]} == {}
    assert ALLOWED["functions"].keys() - long.keys() == set(), "no longer needed in sizes.yaml"


def test_style_sheets_and_scripts_are_short() -> None:
    own = [p for suffix in (".js", ".css") for p in tree.files(tree.SRC, suffix=suffix)]
    assert {tree.relative(p): _lines(p) for p in own if _lines(p) > FILE_LINES} == {}


def test_every_exception_has_a_reason() -> None:
    for reason in [*ALLOWED["files"].values(), *ALLOWED["functions"].values()]:
        assert len(reason) > 20


def test_a_docstring_does_not_count_and_code_does(tmp_path: Path) -> None:
    body = "\n".join(f"    x{i} = {i}" for i in range(50))
    words = "\n".join("    words" for _ in range(50))
    path = tmp_path / "long.py"
    path.write_text(f'def f():\n    """Doc.\n\n{words}\n    """\n{body}\n')
    (node,) = tree.parsed(path).body
    assert isinstance(node, tree.AnyFunction)
    assert tree.length(node) == 51
