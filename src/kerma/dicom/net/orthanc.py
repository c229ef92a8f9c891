"""Fetch new objects from Orthanc by its REST interface.

Orthanc numbers every change; what was fetched is remembered as that number, so a fetch goes on
where the last one ended and nothing is fetched twice.
"""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kerma.core import InputError

# Changes asked for at once, and how long an answer may take. Design choices.
_BATCH = 200
_TIMEOUT_S = 60.0
LARGEST = 512 * 2**20


@dataclass(frozen=True, slots=True)
class Orthanc:
    """An Orthanc: its address, and a user where it asks for one.

    Attributes
    ----------
    url
        ``http://host:8042``; anything but http and https is refused.
    modalities
        DICOM modalities to fetch; empty: all. SR and the dose-bearing images are the usual choice.
    """

    url: str
    user: str = ""
    password: str = ""
    modalities: tuple[str, ...] = ()

    def changes(self, since: int) -> Iterator[tuple[int, str | None]]:
        """Yield the number of each change after `since` and, of a new instance, its identifier.

        Raises
        ------
        InputError
            ``bad-address``; ``unreachable`` (not permanent); ``not-orthanc``.
        """
        last = since
        while True:
            query = urllib.parse.urlencode({"since": last, "limit": _BATCH})
            answer = self._json(f"/changes?{query}")
            if not isinstance(answer, dict) or "Changes" not in answer:
                raise _not_orthanc(self.url)
            for change in answer["Changes"]:
                last = int(change["Seq"])
                new = change.get("ChangeType") == "NewInstance"
                yield last, str(change["ID"]) if new else None
            if answer.get("Done", True):
                return

    def wanted(self, instance: str) -> bool:
        """Return whether an instance is of a modality asked for."""
        if not self.modalities:
            return True
        found = self._json(f"/instances/{urllib.parse.quote(instance)}/simplified-tags")
        return str(found.get("Modality", "")) in self.modalities

    def content(self, instance: str) -> bytes:
        """Return an instance as a DICOM file."""
        return self._get(f"/instances/{urllib.parse.quote(instance)}/file")

    def name(self) -> str:
        """Return what the server calls itself; proves that it answers and lets us in."""
        found = self._json("/system")
        if not isinstance(found, dict) or "ApiVersion" not in found:
            raise _not_orthanc(self.url)
        return f"{found.get('Name', 'Orthanc')} {found.get('Version', '')}".strip()

    def _json(self, path: str) -> Any:
        try:
            return json.loads(self._get(path))
        except ValueError:
            raise _not_orthanc(self.url) from None

    def _get(self, path: str) -> bytes:
        if urllib.parse.urlsplit(self.url).scheme not in ("http", "https"):
            raise InputError(
                f"“{self.url}” is not an address of an Orthanc. Write it like http://host:8042.",
                code="bad-address",
            )
        request = urllib.request.Request(self.url.rstrip("/") + path)
        if self.user:
            token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        try:
            with urllib.request.urlopen(
                request, timeout=_TIMEOUT_S, context=ssl.create_default_context()
            ) as answer:
                content: bytes = answer.read(LARGEST + 1)
        except urllib.error.HTTPError as error:
            hint = "It asks for a user and password." if error.code == 401 else "Check the address."
            raise InputError(
                f"{self.url} answered {error.code}. {hint}", code="refused-by-server",
                permanent=error.code < 500,
            ) from error  # fmt: skip
        except (urllib.error.URLError, TimeoutError, OSError) as error:
            why = getattr(error, "reason", error)
            raise InputError(
                f"{self.url} does not answer ({why}). Is it running, and reachable from here?",
                code="unreachable",
                permanent=False,
            ) from error
        if len(content) > LARGEST:
            raise InputError(f"An object of {self.url} is too large.", code="too-large")
        return content


def _not_orthanc(url: str) -> InputError:
    return InputError(f"What answers at {url} is not an Orthanc.", code="not-orthanc")
