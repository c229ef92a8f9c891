"""The columnar copy: two Parquet tables, each a base and the changes since, swapped atomically.

The copy is derived: it can be thrown away and made again from the stored records. A reader sees the
files of one manifest, whatever a writer does meanwhile; a process killed while it writes leaves
files no manifest names, which the next writer removes.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from kerma.core import IntegrityError
from kerma.doses.schema import KINDS, VERSION

# Changes are folded into the base beyond this many rows: writing stays cheap, and so does reading.
# Design choice.
MOST_CHANGED = 200_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """Which files hold the copy now, and up to which moment the records are in it.

    Attributes
    ----------
    files
        ``kind`` to the names of its base and its changes (``None`` when there are none).
    replaced
        Studies whose rows in the base no longer count.
    mark
        What the writer wants to find again: the newest change it has taken over.
    """

    files: Mapping[str, tuple[str | None, str | None]]
    replaced: tuple[int, ...] = ()
    mark: str = ""
    version: int = VERSION

    def names(self) -> set[str]:
        """Return every file named."""
        return {name for pair in self.files.values() for name in pair if name}


_EMPTY = Manifest(dict.fromkeys(KINDS, (None, None)))


@dataclass(slots=True)
class Store:
    """The copy in a folder.

    Attributes
    ----------
    folder
        Holds ``manifest.json`` and the Parquet files; made when it is first written to.
    """

    folder: Path
    _manifest: Manifest | None = field(default=None, init=False, repr=False)
    _stamp: tuple[int, int] = field(default=(0, 0), init=False, repr=False)

    def manifest(self) -> Manifest:
        """Return the manifest as it is now; an absent or an older one is empty.

        Raises
        ------
        IntegrityError
            Code ``store-damaged``: it can be rebuilt.
        """
        path = self.folder / "manifest.json"
        try:
            stat = path.stat()
        except FileNotFoundError:
            return _EMPTY
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if self._manifest is None or stamp != self._stamp:
            self._manifest, self._stamp = _read(path), stamp
        return self._manifest

    @property
    def current(self) -> bool:
        """Whether there is a copy of the present version."""
        return self.manifest() is not _EMPTY

    def scan(self, kind: str) -> pl.LazyFrame:
        """Return a table, lazily: ``studies`` or ``events``.

        Raises
        ------
        IntegrityError
            Code ``store-damaged``: a file of the manifest is gone.
        """
        found = self.manifest()
        base, changes = found.files[kind]
        for name in filter(None, (base, changes)):
            if not (self.folder / name).exists():
                raise IntegrityError(
                    "A file of the columnar dose store is gone. Run “kerma doses rebuild”; the "
                    "records it is made from are not affected.",
                    code="store-damaged",
                )
        frames = []
        if base:
            whole = pl.scan_parquet(self.folder / base)
            if found.replaced:
                gone = pl.Series("study", found.replaced, dtype=pl.Int64)
                whole = whole.filter(~pl.col("study").is_in(gone.implode()))
            frames.append(whole)
        if changes:
            frames.append(pl.scan_parquet(self.folder / changes))
        return pl.concat(frames) if frames else pl.LazyFrame(schema=KINDS[kind])

    def write(
        self,
        studies: Sequence[int],
        rows: Mapping[str, Iterable[Mapping[str, Any]]],
        *,
        mark: str,
    ) -> None:
        """Take over the rows of some studies; whatever was held of these studies is replaced.

        Parameters
        ----------
        studies
            Ids of the studies looked at; one without rows is thereby removed.
        rows
            Rows by kind, with the columns of `kerma.doses.schema`.
        mark
            Kept in the manifest.
        """
        before = self.manifest()
        gone = pl.Series("study", studies, dtype=pl.Int64)
        tag = uuid.uuid4().hex[:12]
        self.folder.mkdir(parents=True, exist_ok=True)
        files: dict[str, tuple[str | None, str | None]] = {}
        largest = 0
        for kind, schema in KINDS.items():
            base, changes = before.files[kind]
            frame = pl.DataFrame(list(rows.get(kind, ())), schema=schema, orient="row")
            if changes:
                kept = pl.read_parquet(self.folder / changes)
                frame = pl.concat([kept.filter(~pl.col("study").is_in(gone.implode())), frame])
            largest = max(largest, frame.height)
            name = f"{kind}-{tag}-changes.parquet"
            _write_frame(frame, self.folder / name)
            files[kind] = (base, name)
        replaced = tuple(sorted({*before.replaced, *map(int, studies)}))
        self._swap(Manifest(files, replaced, mark))
        if largest > MOST_CHANGED:
            self.compact()

    def compact(self) -> None:
        """Fold the changes into the base, streaming: memory does not grow with the base."""
        before = self.manifest()
        tag = uuid.uuid4().hex[:12]
        files: dict[str, tuple[str | None, str | None]] = {}
        for kind in KINDS:
            name = f"{kind}-{tag}-base.parquet"
            path = self.folder / name
            self.scan(kind).sink_parquet(path, compression="zstd", row_group_size=250_000)
            files[kind] = (name, None)
        self._swap(Manifest(files, (), before.mark))

    def clear(self) -> None:
        """Forget everything; the files go with the next swap."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._swap(_EMPTY)

    def _swap(self, manifest: Manifest) -> None:
        """Make a manifest the current one, then remove the files no manifest names any more."""
        before = self.manifest().names()
        body = {
            "version": manifest.version, "files": manifest.files,
            "replaced": list(manifest.replaced), "mark": manifest.mark,
        }  # fmt: skip
        own = self.folder / f".manifest-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        with own.open("w", encoding="utf-8") as file:
            json.dump(body, file)
            file.flush()
            os.fsync(file.fileno())
        own.replace(self.folder / "manifest.json")
        self._manifest = None
        # Files of the manifest just replaced may still be open in a reader: they go one swap later.
        keep = manifest.names() | before
        for path in self.folder.glob("*.parquet"):
            if path.name not in keep:
                path.unlink(missing_ok=True)


def _write_frame(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd")


def _read(path: Path) -> Manifest:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            return _EMPTY
        files = {kind: (data["files"][kind][0], data["files"][kind][1]) for kind in KINDS}
        return Manifest(files, tuple(map(int, data["replaced"])), str(data["mark"]))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise IntegrityError(
            "The manifest of the columnar dose store cannot be read. Run “kerma doses rebuild”; "
            "the records it is made from are not affected.",
            code="store-damaged",
        ) from error
