"""Where a stored result came from, and the hash that fixes its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kerma import __version__


def canonical(data: Any) -> bytes:
    """Serialise plain data to bytes in one way only (sorted keys, no spaces, UTF-8, no NaN)."""
    return json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def content_hash(data: Any) -> str:
    """Return the SHA-256 of bytes, or of plain data in its canonical form."""
    raw = data if isinstance(data, bytes) else canonical(data)
    return hashlib.sha256(raw).hexdigest()


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is needed to obtain a number again.

    Attributes
    ----------
    algorithm, version
        Name and version of the calculation or measurement.
    package
        Kerma's version.
    parameters
        Everything that was chosen, including manual overrides.
    inputs
        SHA-256 of each input, in order.
    edition
        Edition of the standard or protocol followed.
    """

    algorithm: str
    version: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    edition: str = ""
    package: str = __version__

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for storage."""
        return {
            "algorithm": self.algorithm,
            "version": self.version,
            "package": self.package,
            "parameters": dict(self.parameters),
            "inputs": list(self.inputs),
            "edition": self.edition,
        }
