"""Numbers as they stand in an address or a hidden field."""

from __future__ import annotations

_LONGEST = 18  # digits a database's integer holds


def whole(text: str) -> int | None:
    """Return a whole number of plain digits; ``None`` for anything else, such as ``²``."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST else None
