"""Calculated arrays kept on disk between runs, because what makes them is slow.

One JSON file for each key, named by the hash of the key. A file that is damaged, of another format
or in the way is ignored and written anew; a folder that cannot be written to means no cache. What
is kept is exact (the shortest text that gives a number back), so a result has the same bits with
and without the cache. The folder is bounded: what was not used for longest goes first.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core.provenance import content_hash

Array = npt.NDArray[np.floating[Any]]
Arrays = dict[str, Array]

_FORMAT = 1
# Some 10 kB to 40 kB each. A survey's beams, with their voltages moved by an uncertainty, are tens.
MOST_FILES = 2000


def folder() -> Path:
    """Return where the cache is: ``KERMA_CACHE``, or the user's cache folder of the platform."""
    chosen = os.environ.get("KERMA_CACHE")
    if chosen:
        return Path(chosen)
    home = Path.home()
    if sys.platform == "win32":
        return (
            Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "kerma" / "Cache"
        )
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "kerma"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "kerma"


def cached(key: Mapping[str, Any], make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays kept under a key; made, and kept, when they are not there or not sound.

    Parameters
    ----------
    key
        Plain data: everything the arrays depend on, versions included.
    make
        Called without arguments; returns arrays of one dimension by name.
    """
    wanted = {"format": _FORMAT, **key}
    try:
        path = folder() / f"{content_hash(wanted)}.json"
    except RuntimeError:  # no home folder
        return make()
    found = _read(path, wanted)
    if found is None:
        found = make()
        _write(path, wanted, found)
    return found


def _read(path: Path, key: Mapping[str, Any]) -> Arrays | None:
    try:
        held = json.loads(path.read_bytes())
        arrays = held["arrays"]
        if held["key"] != key or held["sha256"] != content_hash(arrays):
            return None
        found = {name: np.array(values, dtype=float) for name, values in arrays.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    with contextlib.suppress(OSError):  # used now, so others go first; a folder may not allow it
        os.utime(path)
    return found


def _write(path: Path, key: Mapping[str, Any], found: Arrays) -> None:
    arrays = {name: [float(v) for v in values] for name, values in found.items()}
    held = {"key": dict(key), "sha256": content_hash(arrays), "arrays": arrays}
    made = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: written beside it, then renamed over whatever is there.
        handle, made = tempfile.mkstemp(prefix=path.stem[:16], suffix=".part", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(held, file)
        Path(made).replace(path)
        _bound(path.parent)
    except OSError:
        if made is not None:
            _remove(Path(made))


def _bound(where: Path) -> None:
    """Remove the files that were not used for longest, where there are too many."""
    used = []
    for path in where.glob("*.json"):
        with contextlib.suppress(OSError):  # another run may have removed it
            used.append((path.stat().st_mtime_ns, path))
    # Down to nine tenths, so that not every new file has to remove an old one.
    if len(used) > MOST_FILES:
        for _, path in sorted(used)[: len(used) - MOST_FILES * 9 // 10]:
            _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
