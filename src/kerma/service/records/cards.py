"""Cards of Today: each room adds its own, so that this page knows no room but its own.

A room registers from its ``AppConfig.ready``: what it counts, for whom, and where the rows are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kerma.service.people.models import Person


@dataclass(frozen=True, slots=True)
class Card:
    """A count, what it counts, and where the rows are."""

    count: int
    text: str
    url: str
    tone: str = ""


Maker = Callable[[Person], Iterable[Card]]
_makers: dict[str, list[Maker]] = {}


def card_with(kind: str, maker: Maker) -> None:
    """Add what `maker(person)` counts to a page: ``physics``, ``hospital``, ``administrator``."""
    _makers.setdefault(kind, []).append(maker)


def cards_of(kind: str, person: Person) -> list[Card]:
    """Return the cards the rooms have for a person's page."""
    return [card for maker in _makers.get(kind, ()) for card in maker(person)]
