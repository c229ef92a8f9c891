"""The C-STORE and C-ECHO listener: what is accepted is in the inbox before it is acknowledged."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at run time

from kerma.core import InputError
from kerma.dicom.net.inbox import Inbox

_LOG = logging.getLogger("kerma.listen")
_SUCCESS = 0x0000
# PS3.4 B.2.3: out of resources; the sender may try again.
_NO_ROOM = 0xA700
# Design choice: far more than a dose report, enough for a mammogram.
LARGEST = 512 * 2**20
_SYNTAXES = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
)


@dataclass(frozen=True, slots=True)
class Listening:
    """How the listener answers.

    Attributes
    ----------
    title
        Own application entity title.
    callers
        Titles that may send; empty: anybody on this network.
    """

    port: int = 11112
    host: str = "127.0.0.1"
    title: str = "KERMA"
    callers: tuple[str, ...] = ()
    associations: int = 10


class Listener:
    """Receives objects into an inbox until it is stopped; a context manager."""

    def __init__(self, inbox: Inbox, how: Listening) -> None:
        if not 1 <= len(how.title) <= 16 or not how.title.isascii():
            raise InputError(
                "An application entity title has 1 to 16 plain characters.", code="bad-title"
            )
        self.inbox, self.how = inbox, how
        self.received = 0
        self._server: Any = None

    def __enter__(self) -> Listener:
        """Start listening in threads of its own.

        Raises
        ------
        InputError
            Code ``port-taken``.
        """
        ae = AE(ae_title=self.how.title)
        ae.maximum_associations = self.how.associations
        ae.require_calling_aet = list(self.how.callers)
        ae.require_called_aet = True
        ae.supported_contexts = [
            build_context(str(context.abstract_syntax), list(_SYNTAXES))
            for context in AllStoragePresentationContexts
        ] + [build_context(Verification)]
        self.inbox.sweep()
        try:
            self._server = ae.start_server(
                (self.how.host, self.how.port), block=False,
                evt_handlers=[(evt.EVT_C_STORE, self._store), (evt.EVT_C_ECHO, _echo)],
            )  # fmt: skip
        except OSError as error:
            raise InputError(
                f"Port {self.how.port} on {self.how.host} cannot be listened on "
                f"({error.strerror}). Stop whoever uses it, or choose another.",
                code="port-taken",
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; associations under way are ended."""
        if self._server is not None:
            self._server.shutdown()

    @property
    def port(self) -> int:
        """The port in use; of interest when 0 was asked for."""
        return int(self._server.server_address[1])

    def _store(self, event: Any) -> int:
        """Write an object as it came, byte for byte, under a file header of our own."""
        content = event.encoded_dataset(include_meta=True)
        if len(content) > LARGEST:
            _LOG.warning("refused an object of %d bytes", len(content))
            return _NO_ROOM
        try:
            self.inbox.put(content)
        except OSError as error:
            _LOG.error("an object could not be kept: %s", error)
            return _NO_ROOM
        self.received += 1
        return _SUCCESS


def _echo(event: Any) -> int:
    return _SUCCESS


def titles(text: str) -> Sequence[str]:
    """Read titles written with commas."""
    return tuple(t.strip() for t in text.split(",") if t.strip())
