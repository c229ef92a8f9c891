"""Random streams, serial numbers and UIDs that depend on the seed and on names only.

Every simulated thing draws from a stream of its own, named after it. Adding a system, or asking in
another order, therefore never changes what the others are.
"""

from __future__ import annotations

import hashlib

import numpy as np


def _digest(seed: int, names: tuple[object, ...]) -> bytes:
    text = "\x1f".join([str(seed), *map(str, names)])
    return hashlib.sha256(text.encode()).digest()


def stream(seed: int, *names: object) -> np.random.Generator:
    """Return the random stream that belongs to `names` under `seed`."""
    return np.random.default_rng(int.from_bytes(_digest(seed, names)[:16], "big"))


def uid(seed: int, *names: object) -> str:
    """Return a DICOM UID of the UUID-derived kind (PS3.5 B.2), fixed by seed and names."""
    number = bytearray(_digest(seed, names)[:16])
    # RFC 9562, 5.8: version 8 (custom) and the variant bits, so that the value is a true UUID.
    number[6] = (number[6] & 0x0F) | 0x80
    number[8] = (number[8] & 0x3F) | 0x80
    return f"2.25.{int.from_bytes(number, 'big')}"


def digits(seed: int, count: int, *names: object) -> str:
    """Return a string of `count` decimal digits; the first is never zero."""
    low = 10 ** (count - 1)
    return str(low + int.from_bytes(_digest(seed, names)[16:], "big") % (9 * low))
