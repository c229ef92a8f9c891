"""A folder that objects are put into whole and taken out of one by one.

What was accepted is on disk before the sender hears so: written under another name, flushed to the
disk, then renamed. A process killed at any moment leaves either a whole object or a part that is
swept away at a later start.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PART = ".part"
# A part this old belongs to a process that is gone. Design choice.
_STALE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Inbox:
    """Objects waiting in a folder."""

    folder: Path

    def put(self, content: bytes) -> Path:
        """Keep an object; the same content twice is one file. Returns once it is on the disk."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self.folder / f"{hashlib.sha256(content).hexdigest()}.dcm"
        if target.exists():
            return target
        own = self.folder / f"{target.stem}-{os.getpid()}-{time.monotonic_ns()}{_PART}"
        handle = os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        own.replace(target)
        self._flush_folder()
        return target

    def _flush_folder(self) -> None:
        """Make the rename itself survive a loss of power, where the system can."""
        if not hasattr(os, "O_DIRECTORY"):
            return
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def waiting(self) -> Iterator[Path]:
        """Yield the objects that wait, the oldest first."""
        found = [(path.stat().st_mtime_ns, path) for path in self.folder.glob("*.dcm")]
        yield from (path for _, path in sorted(found))

    def done(self, path: Path) -> None:
        """Take an object out."""
        path.unlink(missing_ok=True)

    def sweep(self) -> int:
        """Remove the parts of processes that are gone; returns how many there were."""
        count, now = 0, time.time()
        for path in self.folder.glob(f"*{_PART}"):
            if now - path.stat().st_mtime > _STALE_S:
                path.unlink(missing_ok=True)
                count += 1
        return count
