"""Reading a file in a process of its own, so that no file can stop or slow the service.

The readers are large programs, one of them not in Python; a file made to crash or to occupy them
ends that process and nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

from kerma.core import InputError
from kerma.service.protection.shielding.underlay_files.child import MOST_SECONDS
from kerma.service.protection.shielding.underlay_files.kinds import DrawnPage, damaged, kind_of

_CHILD = "kerma.service.protection.shielding.underlay_files.child"
# A file made to exhaust a reader takes its process to the bound of its memory: few at one time.
_AT_ONCE = threading.BoundedSemaphore(2)
# What the process may know of its surroundings: where Python is, and no secret.
_KNOWN = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT", "LANG", "LC_ALL", "HOME", "TEMP")


def read(content: bytes, page: int = 1, *, seconds: float = MOST_SECONDS) -> DrawnPage:
    """Read one page of a drawing.

    Raises
    ------
    InputError
        ``no-drawing``, ``too-large``, ``encrypted``, ``no-page``, ``bad-size``, ``no-lines``,
        ``damaged``, ``too-long``.
    """
    kind_of(content)  # most mistakes are found without starting anything
    around = {name: os.environ[name] for name in _KNOWN if name in os.environ}
    if not _AT_ONCE.acquire(timeout=2.0 * seconds):
        raise InputError("Other drawings are being read. Try again in a minute.", code="too-long")
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", _CHILD, str(int(page))],
            input=content, capture_output=True, timeout=seconds, check=False,
            env={**around, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _too_long(seconds) from None
    finally:
        _AT_ONCE.release()
    head, _, png = done.stdout.partition(b"\n")
    if done.returncode == -getattr(signal, "SIGXCPU", 0) != 0:
        raise _too_long(seconds)
    if done.returncode != 0 or not head:
        raise damaged("drawing")
    told = json.loads(head)
    if "error" in told:
        raise InputError(told["error"]["message"], code=told["error"]["code"])
    return DrawnPage(
        png=png, width=told["width"], height=told["height"], pages=told["pages"],
        metres_per_pixel=told["metres_per_pixel"], media_type=told["media_type"],
        lines=tuple((a, b, c, d) for a, b, c, d in told["lines"]),
    )  # fmt: skip


def _too_long(seconds: float) -> InputError:
    return InputError(
        f"The drawing could not be read within {seconds:.0f} seconds. Export the storey alone, or "
        "print it to PDF.",
        code="too-long",
    )
