"""Writes of the explorer: views kept under a name."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError
from kerma.service.doses.models import SavedView
from kerma.service.people.models import Person


@transaction.atomic
def view_keep(*, by: Person, name: str, query: str, shared: bool = False) -> SavedView:
    """Keep the explorer's address under a name; the same name again replaces it.

    Raises
    ------
    InputError
        Code ``blank``.
    """
    if not name.strip():
        raise InputError("Give the view a name.", code="blank")
    view, _ = SavedView.objects.update_or_create(
        owner=by, name=name.strip()[:120],
        defaults={"query": query.lstrip("?")[:2000], "shared": shared, "at": timezone.now()},
    )  # fmt: skip
    return view


@transaction.atomic
def view_forget(*, by: Person, view: SavedView) -> None:
    """Forget a view of one's own.

    Raises
    ------
    InputError
        Code ``not-yours``.
    """
    if view.owner_id != by.pk:
        raise InputError(f"This view is {view.owner}'s; only they can remove it.", code="not-yours")
    view.delete()
