"""What may stand in no file: paths of one machine, registries, notes to self."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.arch import tree

_ROOTS = ("work", "root", "home", "Users")
# Each in two halves, so that this file does not contain what it looks for.
FORBIDDEN = {
    "a machine's path": "|".join(rf"(?<![\w.<])/{root}/" for root in _ROOTS),
    "a package registry": "|".join(
        re.escape(host)
        for host in (
            "py" "pi.org", "python" "hosted", "npm" "js.org", "ana" "conda.org",
            "cra" "tes.io", "un" "pkg.com", "js" "delivr", "cdn" "js.", "index" "-url",
        )
    ),
    "a note to self": r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b",
    "an address of a shared font or script host": "fonts" r"\.(googleapis|gstatic)",
}  # fmt: skip
SINGLE = ("README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", ".ci/run")


def everywhere() -> list[Path]:
    """Return every text file of the project."""
    singles = [tree.ROOT / name for name in SINGLE if (tree.ROOT / name).exists()]
    return [*tree.files(tree.SRC, tree.TESTS, tree.DOCS, tree.ROOT / "safety"), *singles]


def found_in(text: str) -> list[str]:
    """Return what a text contains that no file may."""
    return [
        f"{what}: {match.group()}"
        for what, pattern in FORBIDDEN.items()
        for match in re.finditer(pattern, text)
    ]


def test_no_file_contains_what_none_may() -> None:
    found = {
        tree.relative(path): words
        for path in everywhere()
        if (words := found_in(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "planted",
    [
        "open('/wo" "rk/main/x')", "see /ho" "me/someone/file", "https://py" "pi.org/simple",
        "# TO" "DO later", "https://cdn.js" "delivr.net/npm/vega",
    ],
)  # fmt: skip
def test_a_planted_one_would_be_seen(planted: str) -> None:
    assert found_in(planted)


@pytest.mark.parametrize("innocent", ["a/work/b", "{% url 'home' %}", "method", "XXXL", "/homes/"])
def test_ordinary_words_are_left_alone(innocent: str) -> None:
    assert found_in(innocent) == []
