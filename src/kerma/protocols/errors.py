"""What is wrong with a protocol file: file, line, key, and what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from kerma.core import InputError

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a protocol file."""

    file: str
    line: int
    key: str
    said: str
    expected: str = ""

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" + (f", {self.key}" if self.key else "")
        end = "" if self.expected.endswith("?") else "."
        expected = f" Expected: {self.expected}{end}" if self.expected else ""
        return f"{where}: {self.said}{expected}"


class ProtocolError(InputError):
    """A protocol file is wrong; every mistake found is in `problems`."""

    code = "protocol"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: p.line))
        lines = [str(p) for p in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            lines.append(f"... and {len(self.problems) - _SHOWN} more.")
        first = self.problems[0]
        super().__init__(
            "\n".join(lines),
            detail={
                "file": first.file,
                "line": first.line,
                "key": first.key,
                "problems": [asdict(p) for p in self.problems],
            },
        )
