"""Choose who performs, checks and approves a simulated survey, and with which instruments.

Follows the service's own sign-off rules on the facts of the day: authorisation at the level
needed, credential current, appointment by the employer for acceptance and commissioning, and three
different persons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from kerma.simulate.department import load
from kerma.simulate.models import Department, System
from kerma.simulate.seeding import stream

_ORDER = ("observe", "supervised", "independent", "approve")
_PERFORMERS = ("technologist", "technologist", "senior_technologist", "trainee_scientist")
_SCIENTISTS = ("clinical_scientist", "consultant")


@dataclass(frozen=True, slots=True)
class Signatories:
    """Questions about people, answered from a department's records."""

    department: Department

    def level(self, person: str, modality: str, on: date) -> str:
        """Return the highest authorisation held, or an empty string."""
        held = [
            a.level
            for a in self.department.authorisations
            if a.person == person and a.given <= on and a.modality in ("*", modality)
        ]
        return max(held, key=_ORDER.index, default="")

    def at_least(self, person: str, modality: str, level: str, on: date) -> bool:
        """Return whether an authorisation reaches a level."""
        held = self.level(person, modality, on)
        return bool(held) and _ORDER.index(held) >= _ORDER.index(level)

    def holds(self, person: str, kind: str, on: date) -> bool:
        """Return whether a credential of a kind is current."""
        return any(
            c.person == person
            and c.type == kind
            and c.issued <= on
            and (c.expires is None or on <= c.expires)
            for c in self.department.credentials
        )

    def appointed(self, person: str, role: str, system: System, on: date) -> bool:
        """Return whether the system's employer has appointed the person for its modality."""
        return any(
            a.person == person
            and a.role == role
            and a.employer == system.employer
            and a.start <= on
            and (a.end is None or on <= a.end)
            and (not a.modalities or system.equipment_type in a.modalities)
            for a in self.department.appointments
        )

    def choose(
        self, system: System, day: date, phase: str, *, breach: bool
    ) -> tuple[str, str, str]:
        """Return performer, checker and approver; empty where nobody was entitled."""
        rng = stream(self.department.seed, system.key, day, phase, "people")
        kind = system.equipment_type
        approver = self._approver(system, day, phase, breach=breach)
        checker = self._first(
            day, lambda p: self._may_check(p, kind, day, breach or phase != "routine"), {approver}
        )
        able = [
            p.key
            for role in _PERFORMERS
            for p in self.department.persons
            if p.role == role
            and p.started <= day
            and self.at_least(p.key, kind, "supervised", day)
            and p.key not in (approver, checker)
        ]
        performer = able[int(rng.integers(len(able)))] if able else ""
        return performer, checker, approver

    def _may_check(self, person: str, kind: str, day: date, strict: bool) -> bool:
        if not self.at_least(person, kind, "independent", day):
            return False
        role = next(p.role for p in self.department.persons if p.key == person)
        if role in _SCIENTISTS:
            return self.holds(person, "HCPC", day)
        return role == "senior_technologist" and not strict and self.holds(person, "RCT", day)

    def _approver(self, system: System, day: date, phase: str, *, breach: bool) -> str:
        need = {"acceptance": "MPE", "commissioning": "MPE", "critical_exam": "RPA"}.get(phase)
        lead = next(
            m.person
            for m in self.department.modality_leads
            if m.equipment_type == system.equipment_type
        )
        if need:
            return self._first(
                day,
                lambda p: self.holds(p, need, day) and self.appointed(p, need, system, day),
                set(),
                prefer=lead,
            )

        def may_approve(person: str) -> bool:
            role = next(p.role for p in self.department.persons if p.key == person)
            return (
                role in _SCIENTISTS
                and self.at_least(person, system.equipment_type, "approve", day)
                and self.holds(person, "HCPC", day)
            )

        return self._first(day, may_approve, set(), prefer=lead)

    def _first(
        self, day: date, test: Callable[[str], bool], other_than: set[str], *, prefer: str = ""
    ) -> str:
        names = [p.key for p in self.department.persons if not p.employer and p.started <= day]
        names.sort(key=lambda key: key != prefer)
        return next((key for key in names if key not in other_than and test(key)), "")

    def instruments(self, system: System, day: date) -> Mapping[str, str]:
        """Return instrument keys by kind, as carried on the round that day."""
        carried = {i.kind: i.key for i in reversed(self.department.instruments)}
        change = load("truth")["meter_change"]
        if system.equipment_type in ("mammography", "tomosynthesis"):
            carried["multimeter"] = "xm2"
        elif system.employer == change["employer"]:
            changed = self.department.today - timedelta(days=change["days_ago"])
            carried["multimeter"] = change["after"] if day >= changed else change["before"]
        return carried
