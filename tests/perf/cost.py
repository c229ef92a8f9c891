"""What something costs: processor seconds and peak memory, and a row to print."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Row:
    """One measured figure; `unit` is for people, the figure is never compared with anything."""

    part: str
    what: str
    value: float
    unit: str
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "part": self.part, "what": self.what, "value": self.value, "unit": self.unit,
            "note": self.note,
        }  # fmt: skip


Rows = Iterator[Row]


def cpu_s(call: Callable[[], Any], times: int = 1) -> float:
    """Return the least processor seconds of this process over so many calls."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        call()
        spent.append(time.process_time() - began)
    return min(spent)


def alone(code: str, *arguments: str, python: str = sys.executable) -> dict[str, float]:
    """Run code in a process of its own; what it prints last, as JSON, is returned."""
    # Another's program may write where it stands: it stands where that does no harm.
    place = ROOT if python == sys.executable else Path(python).parent
    done = subprocess.run(
        [python, "-c", code, *arguments], cwd=place, check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
