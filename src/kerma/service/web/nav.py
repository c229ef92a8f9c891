"""The eight nouns of the left rail, the counts beside them, and who may fill the search.

Other apps add to the rail and to the search from their ``AppConfig.ready``; this module knows none
of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import Resolver404, resolve, reverse

Counter = Callable[[HttpRequest], int]


@dataclass(frozen=True, slots=True)
class Noun:
    """One line of the rail: its name, where it leads and the letter after ``g``."""

    key: str
    title: str
    path: str
    letter: str


NOUNS = (
    Noun("today", "Today", "/", "t"),
    Noun("equipment", "Equipment", "/equipment/", "e"),
    Noun("testing", "Testing", "/testing/", "s"),
    Noun("doses", "Patient dose", "/doses/", "d"),
    Noun("staff", "Staff & protection", "/people/", "p"),
    Noun("advice", "Advice & incidents", "/advice/", "a"),
    Noun("research", "Research & training", "/research/", "r"),
    Noun("quality", "Quality", "/quality/", "q"),
)

# Addresses that belong to a noun although they do not begin with its path.
_ALSO = {
    "/instruments/": "equipment",
    "/protection/": "staff",
    "/reports/": "quality",
    "/papers/": "quality",
    "/actions/": "quality",
    "/reference/": "quality",
    "/style/": "",
    "/search/": "",
    "/accounts/": "",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing the search found."""

    kind: str
    title: str
    url: str
    detail: str = ""


Finder = Callable[[HttpRequest, str], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class Door:
    """A room within a noun: its name, its address, and who may enter."""

    title: str
    url: str
    open_to: Callable[[HttpRequest], bool] | None = None
    count: Counter | None = None


_rooms: dict[str, list[Door]] = {}
_counters: dict[str, Counter] = {}
_finders: dict[str, Finder] = {}
_doors: dict[str, Callable[[HttpRequest], bool]] = {}


def count_for(key: str, counter: Counter) -> None:
    """Show `counter(request)` beside the noun `key`; zero shows nothing."""
    _counters[key] = counter


def open_to(key: str, door: Callable[[HttpRequest], bool]) -> None:
    """Show the noun `key` only to those for whom `door(request)` is true."""
    _doors[key] = door


def room_in(key: str, door: Door) -> None:
    """Add a room to the noun `key`: one tab on each of its pages."""
    _rooms.setdefault(key, []).append(door)


def search_with(name: str, finder: Finder) -> None:
    """Add what `finder(request, text)` yields to the search page."""
    _finders[name] = finder


def find(request: HttpRequest, text: str) -> list[Hit]:
    """Ask every finder, in the order of their names."""
    return [hit for name in sorted(_finders) for hit in _finders[name](request, text)]


def _leads_somewhere(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def current(path: str) -> str:
    """Name the noun an address belongs to, or nothing."""
    for prefix, key in _ALSO.items():
        if path.startswith(prefix):
            return key
    matches = [n for n in NOUNS if n.path != "/" and path.startswith(n.path)]
    return matches[0].key if matches else "today" if path == "/" else ""


@dataclass(frozen=True, slots=True)
class Line:
    """A noun as the rail shows it on this request."""

    noun: Noun
    now: bool
    count: int


def rail(request: HttpRequest, *, here: str = "") -> list[Line]:
    """Return the rail for this request; nouns without a page are left out."""
    here = here or current(request.path)
    return [
        Line(noun, noun.key == here, _counters[noun.key](request) if noun.key in _counters else 0)
        for noun in NOUNS
        if _leads_somewhere(noun.path) and (noun.key not in _doors or _doors[noun.key](request))
    ]


@dataclass(frozen=True, slots=True)
class Tab:
    """A room as the pages of its noun show it on this request."""

    title: str
    path: str
    now: bool
    count: int


def tabs(request: HttpRequest) -> list[Tab]:
    """Return the rooms of the noun an address belongs to; the longest path that fits is current."""
    doors = [
        (door, reverse(door.url))
        for door in _rooms.get(current(request.path), ())
        if door.open_to is None or door.open_to(request)
    ]
    here = max((p for _, p in doors if request.path.startswith(p)), key=len, default="")
    return [
        Tab(door.title, path, path == here, door.count(request) if door.count else 0)
        for door, path in doors
    ]
