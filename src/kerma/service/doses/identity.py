"""Patient identifiers become keyed hashes at the door.

HMAC-SHA-256 with a key for each employer, kept beside the database (``secrets/``). Unlike a plain
hash it cannot be undone by trying every NHS number without the key.
"""

from __future__ import annotations

import hmac

from django.utils.text import slugify

from kerma.service.config.home import secret


def pseudonym(employer: str, *parts: str | None) -> str:
    """Return the keyed hash of an identifier; empty when there is none to hash.

    An empty identifier is not a patient: two of them are never taken for the same person.
    """
    if not parts or not parts[0] or not parts[0].strip():
        return ""
    key = bytes.fromhex(secret(f"identity-{slugify(employer) or 'unassigned'}"))
    text = "\x1f".join((p or "").strip().upper() for p in parts)
    return hmac.new(key, text.encode(), "sha256").hexdigest()
