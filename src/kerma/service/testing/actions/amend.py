"""Amend: an issued report is never changed; a new survey record carries the correction."""

from __future__ import annotations

from typing import Any

from kerma.authority import Decision
from kerma.service.testing.actions.base import Act, Blocker
from kerma.service.testing.guard import record, said
from kerma.service.testing.models import Survey


class Amend(Act):
    """Issued → a new survey in progress that names the old one and the reason."""

    name = "amend"
    label = "Amend"
    states = ("issued",)
    right = "perform"

    def blockers(self) -> list[Blocker]:
        """The reason is printed on the new issue, so there must be one."""
        found = []
        if not self.options.get("reason", "").strip():
            found.append(Blocker("no-reason", "Say why the report is amended; it is printed."))
        if Survey.objects.filter(amends=self.survey).exists():
            found.append(Blocker("already", "An amendment of this report is already under way."))
        return found

    def execute(self, decision: Decision) -> Survey:
        """Copy everything that was measured; the copies say where they came from."""
        old = self.survey
        new = Survey.objects.create(
            system=old.system,
            protocol=old.protocol,
            protocol_version=old.protocol_version,
            protocol_sha256=old.protocol_sha256,
            protocol_text=old.protocol_text,
            purpose=old.purpose,
            state="in_progress",
            planned_for=old.planned_for,
            performed_on=old.performed_on,
            performer=self.by,
            recommendation=old.recommendation,
            summary=old.summary,
            proposals=old.proposals,
            extra_tests=old.extra_tests,
            amends=old,
            amend_reason=said(self.options["reason"], 400, "Say why the report is amended."),
            retest_of=old.retest_of,
        )
        copies = [
            *self._copy(old.instruments.all(), new),
            *self._copy(old.readings.filter(struck_at=None), new, source=f"survey {old.pk}"),
            *self._copy(old.notes.filter(withdrawn_at=None), new),
            *self._copy(old.images.filter(removed_at=None), new),
            *self._copy(old.analyses.filter(replaced_by=None), new, replaces=None),
            *self._copy(old.contacts.all(), new),
        ]
        record(
            new,
            by=self.by,
            kind="survey.amended",
            text=f"{self.by.name} began to amend survey {old.pk}: {new.amend_reason}",
            seals=copies,
            amends=old.pk,
        )
        return new

    @staticmethod
    def _copy(rows: Any, survey: Survey, **changes: Any) -> list[Any]:
        copies = []
        for row in rows:
            row.pk, row._state.adding, row.survey = None, True, survey
            for name, value in changes.items():
                setattr(row, name, value)
            row.save()
            copies.append(row)
        return copies
