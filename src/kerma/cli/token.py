"""``kerma token``: let another system read as a person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from kerma.service.config.start import start_service


def token(
    person: Annotated[str, typer.Argument(help="Key of the person whose rights it has.")],
    name: Annotated[str, typer.Argument(help="What it is for.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Its end.")],
) -> None:
    """Make a token other systems read ``/api/`` with, and print it once."""
    start_service()
    from kerma.core import InputError
    from kerma.service.people.models import Person
    from kerma.service.people.tokens import token_make

    who = Person.objects.filter(key=person).first()
    if who is None:
        raise InputError(f"Nobody has the key “{person}”.", code="no-person")
    print(token_make(by=None, person=who, name=name, ends=until.date()))
