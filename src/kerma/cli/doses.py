"""The commands of the patient dose room: ``kerma doses ...``."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from kerma.core import InputError
from kerma.service.config.start import start_service

doses_app = typer.Typer(no_args_is_help=True, help="Patient dose: the columnar copy, alerts.")
out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")]


def show(data: Any) -> None:
    """Print plain data as JSON, byte for byte (no colours, no wrapping)."""
    print(json.dumps(data, ensure_ascii=False, indent=2))


@doses_app.command("refresh")
def doses_refresh(as_json: Json = False) -> None:
    """Take over into the columnar copy what was stored since."""
    _columnar("refresh", as_json)


@doses_app.command("rebuild")
def doses_rebuild(as_json: Json = False) -> None:
    """Make the columnar copy again from the stored records."""
    _columnar("rebuild", as_json)


@doses_app.command("notify")
def doses_notify(as_json: Json = False) -> None:
    """Send a notice of each dose alert that has had none, to KERMA_ALERTS_TO."""
    start_service()
    from django.conf import settings

    from kerma.service.doses.alerts.services import alerts_send

    if not (settings.ALERTS_TO and settings.EMAIL_HOST):
        raise InputError(
            "Name the mail server in KERMA_MAIL_HOST and whom to tell in KERMA_ALERTS_TO.",
            code="no-mail",
        )
    sent = alerts_send(settings.ALERTS_TO)
    if as_json:
        show({"sent": sent})
    else:
        out.print(f"{sent} sent", highlight=False)


@doses_app.command("skin")
def doses_skin(
    every: Annotated[
        bool, typer.Option("--all", help="Also examinations of low or unstated dose.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Work out the skin dose maps that are due or out of date."""
    start_service()
    from kerma.service.doses.skin.services import studies_work_out

    with Progress(console=err, disable=as_json) as progress:
        task = progress.add_task("Skin dose maps", total=None)
        counts = studies_work_out(
            every=every, progress=lambda n, of: progress.update(task, completed=n, total=of)
        )
    if as_json:
        show(dict(counts))
    else:
        told = ", ".join(f"{n} {name}" for name, n in counts.most_common())
        out.print(told or "nothing is due", highlight=False)


def _columnar(what: str, as_json: bool) -> None:
    start_service()
    from kerma.service.doses import columnar
    from kerma.service.doses.models import Study

    total = Study.objects.count() if what == "rebuild" else columnar.waiting()
    with Progress(console=err, disable=as_json or total < 500) as progress:
        task = progress.add_task("Taking over studies", total=total)
        taken = getattr(columnar, what)(progress=lambda n: progress.update(task, completed=n))
    if as_json:
        show({"studies": taken.studies, "events": taken.events})
    else:
        out.print(f"{taken.studies} studies, {taken.events} events", highlight=False)


@doses_app.command("inbox")
def doses_inbox(as_json: Json = False) -> None:
    """Store what waits in the inbox."""
    start_service()
    from kerma.service.doses.inbox import inbox_empty

    counts = inbox_empty()
    if as_json:
        show({"counts": dict(counts)})
    else:
        told = ", ".join(f"{n} {name}" for name, n in counts.items())
        out.print(told or "nothing waits", highlight=False)


@doses_app.command("fetch")
def doses_fetch(
    name: Annotated[str, typer.Argument(help="Source; all when left out.")] = "",
    since: Annotated[str, typer.Option(help="First day, YYYY-MM-DD; else since last time.")] = "",
    dry: Annotated[bool, typer.Option("--dry", help="Only count what there is.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch what is new from the sources named in the service."""
    start_service()
    from kerma.service.doses.models import Source
    from kerma.service.doses.sources.services import source_fetch

    sources = Source.objects.filter(active=True, **({"name": name} if name else {}))
    if name and not sources:
        raise InputError(f"There is no source “{name}”.", code="unknown-source")
    try:
        day = date.fromisoformat(since) if since else None
    except ValueError:
        raise InputError(f"“{since}” is not a day.", code="bad-day") from None
    made = [source_fetch(source=source, since=day, dry=dry) for source in sources]
    if as_json:
        show([{"source": f.source.name, "found": f.found, "counts": f.counts,
               "trouble": f.trouble} for f in made])  # fmt: skip
    for one in [] if as_json else made:
        told = one.trouble or ", ".join(f"{n} {k}" for k, n in one.counts.items()) or "nothing new"
        out.print(f"{one.source}: {one.found} found, {told}", markup=False, highlight=False)
    if any(one.trouble for one in made):
        raise typer.Exit(1)
