"""Take typed values out of a marked YAML file, noting every mistake instead of stopping."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Any

from kerma.core import InputError, Quantity, Unit, parse_quantity, unit
from kerma.protocols.errors import Problem
from kerma.protocols.formula import Formula, parse_formula
from kerma.protocols.marked import Marked, Path

_IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]*$")
_NAME = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")


class Reader:
    """Reads values by path and collects `Problem`s.

    Every method returns something of the type asked for even after a mistake, so that one pass
    finds them all.
    """

    def __init__(self, marked: Marked, file: str) -> None:
        self.marked = marked
        self.file = file
        self.problems: list[Problem] = []

    def problem(self, path: Path, said: str, expected: str = "") -> None:
        """Note a mistake at a path."""
        names = [str(p) for p in path if not isinstance(p, int)]
        self.problems.append(
            Problem(self.file, self.marked.line(path), ".".join(names), said, expected)
        )

    def get(self, path: Path) -> Any:
        """Return what stands at a path, or ``None``."""
        node = self.marked.data
        for part in path:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def mapping(
        self, path: Path, required: Sequence[str] = (), optional: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Check the keys of a mapping and return it; with no names given any key may stand."""
        found = self.get(path)
        if not isinstance(found, dict):
            self.problem(path, f"{_shown(found)} stands here.", "keys and values")
            return {}
        known = [*required, *optional]
        for key in found if known else ():
            if key not in known:
                near = get_close_matches(key, known, 1)
                hint = f"“{near[0]}”?" if near else "one of " + ", ".join(known)
                self.problem((*path, key), f"There is no key “{key}” here.", hint)
        for key in required:
            if found.get(key) is None:
                self.problem(path, f"“{key}” is missing.", f"a value for {key}")
        return found

    def items(self, path: Path) -> list[Path]:
        """Return the paths of a list's items; an absent list is empty."""
        found = self.get(path)
        if found is None:
            return []
        if not isinstance(found, list):
            self.problem(path, f"{_shown(found)} stands here.", "a list")
            return []
        return [(*path, i) for i in range(len(found))]

    def text(self, path: Path, default: str = "") -> str:
        """Return words."""
        found = self.get(path)
        if found is None:
            return default
        if not isinstance(found, str) or not found.strip():
            self.problem(path, f"{_shown(found)} stands here.", "words (in quotes if need be)")
            return default
        return found.strip()

    def identifier(self, path: Path) -> str:
        """Return a name formulas can use: lower case, digits, underscores."""
        found = self.get(path)
        if found is None:  # its absence is reported with the mapping
            return ""
        if not isinstance(found, str) or not _IDENTIFIER.match(found):
            self.problem(path, f"{_shown(found)} cannot be an id.", "lower case, like kv_80")
            return ""
        return found

    def analysis_name(self, path: Path) -> str:
        """Return the name of an image measurement: lower case words joined by hyphens."""
        found = self.text(path)
        if found and not _NAME.match(found):
            self.problem(
                path, f"“{found}” is not the name of an analysis.", "a name like planar-mtf-edge"
            )
        return found

    def whole(self, path: Path, default: int, least: int = 1) -> int:
        """Return a whole number."""
        found = self.get(path)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, int) or found < least:
            self.problem(path, f"{_shown(found)} stands here.", f"a whole number from {least}")
            return default
        return found

    def number(self, path: Path) -> float | None:
        """Return a number above zero, or ``None`` when there is none."""
        found = self.get(path)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float) or found <= 0:
            self.problem(path, f"{_shown(found)} stands here.", "a number above zero")
            return None
        return float(found)

    def flag(self, path: Path, default: bool) -> bool:
        """Return on or off."""
        found = self.get(path)
        if found is None:
            return default
        if not isinstance(found, bool):
            self.problem(path, f"{_shown(found)} stands here.", "on or off")
            return default
        return found

    def choice(self, path: Path, known: Collection[str], default: str = "") -> str:
        """Return one of several words."""
        found = self.get(path)
        if found is None:
            return default
        if found not in known:
            self.problem(path, f"{_shown(found)} is not known.", "one of " + ", ".join(known))
            return default
        return str(found)

    def words(self, path: Path, known: Collection[str] = ()) -> tuple[str, ...]:
        """Return one word, or a list of words, as a tuple."""
        found = self.get(path)
        if found is None:
            return ()
        if isinstance(found, str):
            return (self.choice(path, known or [found]),)
        return tuple(
            word
            for item in self.items(path)
            if (word := self.choice(item, known) if known else self.text(item))
        )

    def unit(self, path: Path) -> Unit:
        """Return a unit of the closed table."""
        found = self.get(path)
        try:
            return unit("1" if found is None else str(found))
        except InputError as error:
            self.problem(path, error.message, "a unit such as kV, mGy, uGy/mAs, mm Al or %")
            return unit("1")

    def quantity(self, path: Path) -> Quantity | None:
        """Return a number with a unit, or ``None`` after a mistake."""
        found = self.get(path)
        try:
            return parse_quantity(str(found))
        except InputError as error:
            self.problem(path, error.message, "a number and a unit, like 80 kV")
            return None

    def formula(self, path: Path) -> Formula | None:
        """Return a formula, or ``None`` when there is none or it cannot be read."""
        found = self.get(path)
        if found is None:
            return None
        try:
            return parse_formula(str(found))
        except InputError as error:
            self.problem(path, error.message, "a formula such as mean(kv_80)")
            return None


def _shown(found: object) -> str:
    if found is None:
        return "Nothing"
    return f"“{found}”" if not isinstance(found, dict | list) else "A list or mapping"
