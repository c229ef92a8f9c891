"""``kerma listen``: receive DICOM objects in a process of its own."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer
from rich.console import Console

from kerma.service.config.start import start_service

out = Console()
_PAUSE_S = 1.0


def listen(
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 11112,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    title: Annotated[str, typer.Option(help="Own application entity title.")] = "KERMA",
    callers: Annotated[
        str, typer.Option(help="Titles that may send, with commas; empty: any.")
    ] = "",
    keep: Annotated[
        bool, typer.Option("--keep", help="Only fill the inbox; another process stores.")
    ] = False,
) -> None:
    """Receive DICOM objects (C-STORE) into the inbox and store them, until stopped.

    An object is on disk before the sender is told that it arrived.
    """
    start_service()
    from kerma.dicom.net.listener import Listener, Listening, titles
    from kerma.service.doses.inbox import inbox, inbox_empty

    how = Listening(port=port, host=host, title=title, callers=tuple(titles(callers)))
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    with Listener(inbox(), how) as running:
        out.print(f"{title} listens on {host}:{running.port}", highlight=False, soft_wrap=True)
        while not ended.is_set():
            if not keep:
                for outcome, count in inbox_empty().items():
                    out.print(f"{count} {outcome}", highlight=False)
            ended.wait(_PAUSE_S)
    if not keep:
        inbox_empty()
