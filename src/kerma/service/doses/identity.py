"""Patient identifiers become keyed hashes at the door.

HMAC-SHA-256 with keys kept beside the database (``secrets/``), one for the service and one for each
employer. Unlike a plain hash it cannot be undone by trying every NHS number without the keys.

A study of a device that is not known yet has no employer: its identifier is hashed with the
service's key alone. Every other one is hashed with the employer's key on top of that, so a study
joins the others of its patient when its device becomes known, and nothing has to be undone for it.
"""

from __future__ import annotations

import hmac

from django.utils.text import slugify

from kerma.service.config.home import secret


def _keyed(name: str, text: str) -> str:
    return hmac.new(bytes.fromhex(secret(name)), text.encode(), "sha256").hexdigest()


def pseudonym(employer: str, *parts: str | None) -> str:
    """Return the keyed hash of an identifier; empty when there is none to hash.

    An empty identifier is not a patient: two of them are never taken for the same person.

    Parameters
    ----------
    employer
        Key of the employer; empty while the device is unknown.
    parts
        The identifier, then what qualifies it (the issuer).
    """
    if not parts or not parts[0] or not parts[0].strip():
        return ""
    text = "\x1f".join((p or "").strip().upper() for p in parts)
    return assigned(employer, _keyed("identity", text))


def assigned(employer: str, key: str) -> str:
    """Return a key made without an employer as that employer's key; no employer changes nothing."""
    return _keyed(f"identity-{slugify(employer)}", key) if employer and key else key
