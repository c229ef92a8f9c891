"""Writes of the standard names: add and remove rules, publish them as a version, name studies."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError, content_hash
from kerma.dicom.dose import StudyRecord
from kerma.doses.naming import Described, Rule, named, normal, require_consistent
from kerma.service.doses.models import NameRule, NamingVersion, StandardName, Study
from kerma.service.doses.storing_record import unpacked
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log

_BATCH = 500


def described(record: StudyRecord, modality: str) -> Described:
    """Return what a study says of itself, for the rules."""
    header = record.header
    procedure = next((r.procedure for r in record.reports if r.procedure), None)
    return Described(
        modality=modality,
        description=header.description or "",
        requested=header.requested_procedure or "",
        code=procedure.value if procedure else "",
        protocols=tuple(dict.fromkeys(e.protocol for e in record.events if e.protocol)),
    )


def name_study(study: Study, record: StudyRecord) -> None:
    """Name a study by the newest published version; the caller saves it.

    A study a person has named by hand keeps that name.
    """
    version = _newest()
    if version is None:
        return
    key = named(described(record, study.modality), version[1])
    study.standard_name = _standards().get(key) if key else None
    study.named_by = version[0] if study.standard_name else None


def _newest() -> tuple[int, tuple[Rule, ...]] | None:
    number = NamingVersion.objects.order_by("-number").values_list("number", flat=True).first()
    return None if number is None else (number, _rules_of(number))


@lru_cache(maxsize=8)
def _rules_of(number: int) -> tuple[Rule, ...]:
    rules: list[dict[str, Any]] = NamingVersion.objects.get(number=number).rules
    return tuple(Rule(**rule) for rule in rules)


def _standards() -> dict[str, StandardName]:
    return {s.key: s for s in StandardName.objects.filter(retired=False)}


@transaction.atomic
def standard_add(
    *, by: Person, key: str, title: str, modality: str, region: str = "", indication: str = "",
    levels: list[str] | None = None,
) -> StandardName:  # fmt: skip
    """Add a standard name.

    Raises
    ------
    InputError
        ``blank`` or ``name-taken``.
    """
    demand("perform", by=by, work="dose_audit", subject="doses:naming")
    if not key.strip() or not title.strip() or not modality.strip():
        raise InputError("A standard name has a key, a title and a kind.", code="blank")
    if StandardName.objects.filter(key=key).exists():
        raise InputError(f"There is a standard name “{key}” already.", code="name-taken")
    made = StandardName.objects.create(
        key=key, title=title.strip(), modality=modality, region=region.strip(),
        indication=indication.strip(), levels=levels or [],
    )  # fmt: skip
    log.append(actor=by, kind="naming.added", subject=f"standard:{made.pk}", text=made.title)
    return made


@transaction.atomic
def rule_add(*, by: Person, standard: StandardName, field: str, how: str, text: str) -> NameRule:
    """Add a rule; it counts once it is published.

    Raises
    ------
    InputError
        ``blank``, ``bad-rule`` or ``rule-exists``.
    """
    demand("perform", by=by, work="dose_audit", subject="doses:naming")
    if not normal(text):
        raise InputError("Give the words the rule looks for.", code="blank")
    if field not in dict(NameRule.FIELDS) or how not in dict(NameRule.HOW):
        raise InputError("A rule says where it looks, and how.", code="bad-rule")
    live = NameRule.objects.filter(
        removed_at=None, modality=standard.modality, field=field, how=how
    )
    if any(normal(rule.text) == normal(text) for rule in live):
        raise InputError(f"There is a rule for “{text}” already. Remove it first.",
                         code="rule-exists")  # fmt: skip
    rule = NameRule.objects.create(
        standard=standard, modality=standard.modality, field=field, how=how, text=text.strip(),
        added_by=by, added_at=timezone.now(),
    )  # fmt: skip
    log.append(actor=by, kind="naming.rule", subject=f"standard:{standard.pk}",
               text=f"{rule} means {standard}")  # fmt: skip
    return rule


@transaction.atomic
def rule_remove(*, by: Person, rule: NameRule) -> None:
    """Take a rule out; studies keep their names until the next version is published."""
    demand("perform", by=by, work="dose_audit", subject="doses:naming")
    rule.removed_at = timezone.now()
    rule.save(update_fields=["removed_at"])
    log.append(actor=by, kind="naming.removed", subject=f"standard:{rule.standard_id}",
               text=f"{rule} no longer means {rule.standard}")  # fmt: skip


def draft_rules() -> tuple[Rule, ...]:
    """Return the rules as they would be published now."""
    rows = NameRule.objects.filter(removed_at=None).select_related("standard")
    return tuple(
        Rule(r.standard.key, r.modality, r.field, r.how, r.text)
        for r in rows.order_by("modality", "field", "how", "text")
        if not r.standard.retired
    )


@transaction.atomic
def publish(*, by: Person, reason: str) -> NamingVersion:
    """Publish the rules as the next version and name every study by them.

    Raises
    ------
    InputError
        ``no-reason``, ``naming-conflict``, or ``unchanged``.
    """
    demand("perform", by=by, work="dose_audit", subject="doses:naming")
    if not reason.strip():
        raise InputError("Say what changed in the names.", code="no-reason")
    rules = draft_rules()
    require_consistent(rules)
    plain = [
        {n: getattr(r, n) for n in ("name", "modality", "field", "how", "text")} for r in rules
    ]
    last = NamingVersion.objects.order_by("-number").first()
    if last and last.rules_sha256 == content_hash(plain):
        raise InputError("Nothing has changed since the last version.", code="unchanged")
    number = last.number + 1 if last else 1
    count = _name_all(rules, number)
    version = NamingVersion(
        number=number, rules=plain, rules_sha256=content_hash(plain), at=timezone.now(), by=by,
        reason=reason.strip()[:400], named=count,
    )  # fmt: skip
    version.save()
    log.append(
        actor=by, kind="naming.published", subject=f"naming:{number}",
        text=f"Naming version {number}: {count} studies named. {version.reason}",
        data={"rules_sha256": version.rules_sha256}, seals=[version],
    )  # fmt: skip
    return version


def _name_all(rules: tuple[Rule, ...], number: int) -> int:
    """Name every study anew that no person has named; returns how many have a name by it."""
    by_key = _standards()
    count, last, now = 0, 0, timezone.now()
    rows = Study.objects.exclude(edits__field="standard_name").order_by("pk")
    while batch := list(rows.filter(pk__gt=last)[:_BATCH]):
        last = batch[-1].pk
        changed = []
        for study in batch:
            key = named(described(unpacked(study), study.modality), rules)
            standard = by_key.get(key) if key else None
            count += standard is not None
            before = (study.standard_name_id, study.named_by)
            study.standard_name, study.named_by = standard, number if standard else None
            if (study.standard_name_id, study.named_by) != before:
                study.changed_at = now
                changed.append(study)
        Study.objects.bulk_update(changed, ["standard_name", "named_by", "changed_at"])
    return count
