"""Calculators in the search of every page."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse

from kerma.service.people.access import is_staff
from kerma.service.protection.calculators.kinds import calculators
from kerma.service.web import nav

_HITS = 8


def find_calculators(request: HttpRequest, text: str) -> Iterator[nav.Hit]:
    """Find calculators by what they are for, for staff of the service."""
    words = text.lower().split()
    if not is_staff(request) or not words:
        return
    found = [
        c for c in calculators().values()
        if all(w in f"{c.title} {c.group} {c.what_for}".lower() for w in words)
    ]  # fmt: skip
    for item in found[:_HITS]:
        yield nav.Hit("Calculator", item.title, reverse("calculator", args=[item.key]),
                      item.what_for)  # fmt: skip
