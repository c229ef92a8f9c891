"""Collects warnings: each once, in order, not more than a person can read."""

from __future__ import annotations

# Design choice.
MOST = 200


class Notes:
    """Callable that keeps sentences; `all` gives them."""

    def __init__(self) -> None:
        self._kept: dict[str, None] = {}
        self._more = 0

    def __call__(self, note: str) -> None:
        """Keep a sentence, unless it was kept before."""
        if note in self._kept:
            return
        if len(self._kept) >= MOST:
            self._more += 1
        else:
            self._kept[note] = None

    def all(self) -> tuple[str, ...]:
        """Return what was kept, and how much more there was."""
        more = (f"and {self._more} more warnings of these kinds",) if self._more else ()
        return (*self._kept, *more)
