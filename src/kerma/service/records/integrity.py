"""Prove that what is stored is what was written: the whole of ``kerma verify``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models

from kerma.core import IntegrityError, content_hash
from kerma.service.records import log, store
from kerma.service.records.models import Attachment, Event, Issue, Signature
from kerma.service.records.sealing import digest, sealed_models


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not agree."""

    kind: str
    subject: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """Return plain data."""
        return {"kind": self.kind, "subject": self.subject, "text": self.text}


@dataclass(slots=True)
class Outcome:
    """What was examined and what was found."""

    findings: list[Finding]
    counts: dict[str, int]

    @property
    def sound(self) -> bool:
        """Whether everything agreed."""
        return not self.findings


def _plural(model: type[models.Model]) -> str:
    """Return what many rows of a table are called; Django only adds an s."""
    one, many = str(model._meta.verbose_name), str(model._meta.verbose_name_plural)
    if many != f"{one}s":
        return many
    if one.endswith("sis"):
        return f"{one.removesuffix('sis')}ses"
    ends_in_y = one.endswith("y") and one[-2:-1] not in "aeiou"
    return f"{one.removesuffix('y')}ies" if ends_in_y else many


def verify() -> Outcome:
    """Recompute every hash there is and return what does not agree."""
    counts: dict[str, int] = {"events": Event.objects.count()}
    findings = [
        Finding("event log", f"event:{event.pk}", f"Event {event.pk} (“{event.text}”): {why}.")
        for event, why in log.broken_links()
    ]
    cut = log.cut_short()
    if cut:
        findings.append(Finding("event log", "event:last", cut))
    seals, states = _seals_and_states()
    for label, model in sealed_models().items():
        expected = seals.get(label, {})
        counts[_plural(model).title()] = model._default_manager.count()
        findings += _rows(label, model, expected)
    findings += _files(counts)
    findings += _issues()
    findings += _states(states)
    return Outcome(findings, counts)


def _seals_and_states() -> tuple[dict[str, dict[Any, str]], dict[str, dict[str, Any]]]:
    seals: dict[str, dict[Any, str]] = {}
    states: dict[str, dict[str, Any]] = {}
    for subject, data in Event.objects.order_by("id").values_list("subject", "data").iterator():
        for label, pk, value in data.get("sealed", ()):
            seals.setdefault(label, {})[pk] = value
        for where, values in data.get("state", {}).items():
            states.setdefault(where or subject, {}).update(values)
    return seals, states


def _rows(label: str, model: type[models.Model], expected: dict[Any, str]) -> Iterator[Finding]:
    seen = set()
    for row in model._default_manager.order_by("pk").iterator(chunk_size=2000):
        seen.add(row.pk)
        if row.pk not in expected:
            text = f"{_named(row)} was added without the event log."
            yield Finding(label, log.subject_of(row), text)
        elif digest(row) != expected[row.pk]:
            text = f"{_named(row)} was changed after it was recorded."
            yield Finding(label, log.subject_of(row), text)
    name = model._meta.model_name
    for pk in expected.keys() - seen:
        yield Finding(label, f"{name}:{pk}", f"{name} {pk} was removed.")


def _named(row: models.Model) -> str:
    survey = getattr(row, "survey_id", None)
    where = f" of survey {survey}" if survey else ""
    return f"{str(row._meta.verbose_name).capitalize()} {row.pk}{where} ({row})"


def _files(counts: dict[str, int]) -> Iterator[Finding]:
    counts["Files"] = 0
    for attachment in Attachment.objects.order_by("pk").iterator():
        counts["Files"] += 1
        try:
            store.read(attachment)
        except IntegrityError as error:
            yield Finding("file", f"attachment:{attachment.pk}", error.message)


def _issues() -> Iterator[Finding]:
    approved = {
        (s.subject, s.content_sha256): s for s in Signature.objects.filter(meaning="approved")
    }
    for issue in Issue.objects.select_related("report").order_by("pk").iterator():
        where = f"issue:{issue.pk}"
        if content_hash(issue.content) != issue.content_sha256:
            yield Finding("report", where, f"The content of {issue} was changed after signing.")
        if (issue.subject, issue.content_sha256) not in approved:
            yield Finding("report", where, f"{issue} has no approving signature on its content.")


def _states(states: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    from django.apps import apps

    for subject, values in states.items():
        label, _, pk = subject.rpartition(":")
        model = apps.get_model(label)
        row = model._default_manager.filter(pk=pk).first()
        if row is None:
            yield Finding("state", subject, f"{subject} was removed.")
            continue
        for name, value in values.items():
            held = getattr(row, name)
            if str(held if held is not None else "") != str(value):
                text = f"{name} of {subject} is “{held}”; the event log says “{value}”."
                yield Finding("state", subject, text)
