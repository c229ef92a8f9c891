"""Reads of the standard names: what studies call themselves and have no name for."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from kerma.doses.naming import Suggestion, suggest
from kerma.service.doses.models import NameRule, NamingVersion, StandardName, Study
from kerma.service.doses.naming.services import draft_rules


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A description that has no standard name, how often it came, and what it may mean."""

    modality: str
    description: str
    count: int
    suggestions: list[Suggestion]


def unnamed(most: int = 100) -> list[Unnamed]:
    """Return the commonest descriptions without a standard name, each with suggestions."""
    rows = (
        Study.objects.filter(standard_name=None, not_patient="")
        .exclude(description="")
        .values("modality", "description")
        .annotate(count=Count("pk"))
        .order_by("-count", "modality", "description")[:most]
    )
    titles: dict[str, dict[str, str]] = {}
    for standard in StandardName.objects.filter(retired=False):
        titles.setdefault(standard.modality, {})[standard.key] = standard.title
    return [
        Unnamed(r["modality"], r["description"], r["count"],
                suggest(r["description"], titles.get(r["modality"], {})))
        for r in rows
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """How far naming has come."""

    version: NamingVersion | None
    named: int
    total: int
    changed: bool


def standing() -> Standing:
    """Return the newest version, how many studies have a name, and whether rules wait."""
    version = NamingVersion.objects.order_by("-number").first()
    studies = Study.objects.filter(not_patient="")
    drafts = [{n: getattr(r, n) for n in ("name", "modality", "field", "how", "text")}
              for r in draft_rules()]  # fmt: skip
    return Standing(
        version, studies.exclude(standard_name=None).count(), studies.count(),
        drafts != (version.rules if version else []),
    )  # fmt: skip


def standards() -> list[StandardName]:
    """Return the standard names with how many rules and studies each has."""
    rows = StandardName.objects.filter(retired=False).annotate(
        studies_named=Count("studies", distinct=True)
    )
    live = NameRule.objects.filter(removed_at=None).select_related("standard")
    rules: dict[int, list[NameRule]] = {}
    for rule in live:
        rules.setdefault(rule.standard_id, []).append(rule)
    found = list(rows)
    for standard in found:
        standard.live_rules = rules.get(standard.pk, [])
    return found
