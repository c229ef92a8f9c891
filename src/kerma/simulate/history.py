"""Three years of surveys of the simulated service: when, why, by whom, and what was then true.

`build_history` plans; `History.readings_for` gives the readings a survey would have produced. Who
performs, checks and approves follows the department's own credentials, authorisations and
appointments as they stood on the day, so that the history can be signed for real.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kerma.simulate.department import load
from kerma.simulate.models import Department, System
from kerma.simulate.people import Signatories
from kerma.simulate.phantom_images import (
    PhantomTruth,
    kind_of_analysis,
    kinds_for,
    phantom_images,
)
from kerma.simulate.seeding import stream
from kerma.simulate.truth import Fault, State, planned_faults, state_of

if TYPE_CHECKING:
    from kerma.protocols.model import Protocol


@dataclass(frozen=True, slots=True)
class PlannedSurvey:
    """One survey of the history.

    Attributes
    ----------
    key
        Unique; ``<system>/<date>/<phase>``.
    phase
        ``critical_exam``, ``acceptance``, ``commissioning``, ``routine`` or ``after_repair``.
    state
        ``issued``, ``in review``, ``measured``, ``in progress`` or ``planned``.
    performer, checker, approver
        Person keys. An empty approver means that nobody was entitled on the day: the survey stays
        in review, and a gate shows why.
    instruments
        Instrument keys by kind.
    sets_baseline
        Why its values become baselines; empty when they do not.
    fault
        Titles of planned faults that this survey finds or, after repair, clears.
    """

    key: str
    system: str
    day: date
    phase: str
    reason: str
    state: str
    performer: str
    checker: str
    approver: str
    instruments: Mapping[str, str]
    sets_baseline: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """The surveys of the window, oldest first, and the truth behind them."""

    department: Department
    surveys: tuple[PlannedSurvey, ...]
    faults: tuple[Fault, ...]

    def of(self, system: str) -> tuple[PlannedSurvey, ...]:
        """Return the surveys of one system, oldest first."""
        return tuple(s for s in self.surveys if s.system == system)

    def state(self, system: str, day: date) -> State:
        """Return the true state of a system on a day."""
        found = self.department.system(system)
        return state_of(found, day, seed=self.department.seed, faults=self.faults)

    def readings_for(self, protocol: Protocol, survey: PlannedSurvey) -> dict[str, list[str]]:
        """Return the readings of a survey: by reading id, values as typed on the form."""
        from kerma.simulate.readings import readings_for

        rng = stream(self.department.seed, survey.key, protocol.id)
        return readings_for(
            protocol,
            self.department.system(survey.system),
            survey.day,
            rng,
            history=self,
            instruments=survey.instruments,
        )

    def images_for(
        self, protocol: Protocol, survey: PlannedSurvey, folder: Path
    ) -> dict[str, PhantomTruth]:
        """Write the phantom images of a survey; return their truth by the protocol's image id.

        Image slots the system cannot fill (no such phantom simulated) are left out.
        """
        system = self.department.system(survey.system)
        state = self.state(survey.system, survey.day)
        found: dict[str, PhantomTruth] = {}
        for slot in protocol.images:
            kinds = [kind_of_analysis(a.analysis) for a in slot.analyses]
            kind = next((k for k in kinds if k in kinds_for(system)), None)
            if kind is not None:
                found[slot.id] = phantom_images(
                    kind,
                    system,
                    survey.day,
                    state=state,
                    folder=folder,
                    seed=self.department.seed,
                    count=slot.count if slot.count > 1 else None,
                )
        return found


def build_history(department: Department) -> History:
    """Plan three years of surveys for every system of a department."""
    today = department.today
    window = today - timedelta(days=load("truth")["schedule"]["window_days"])
    routine = {s.key: _routine_days(s, department) for s in department.systems}
    faults = planned_faults(routine)
    names = Signatories(department)
    surveys: list[PlannedSurvey] = []
    for system in department.systems:
        drafts = sorted(_drafts(system, routine[system.key], faults, window, today))
        first = True
        for day, phase, reason, fault in drafts:
            baseline = _baseline(system, day, phase, first)
            first = False
            surveys.append(
                _survey(names, system, day, phase, reason, fault=fault, baseline=baseline)
            )
        surveys += _upcoming(names, system, routine[system.key], today)
    return History(department, tuple(sorted(surveys, key=lambda s: (s.day, s.key))), faults)


Draft = tuple[date, str, str, str]


def _routine_days(system: System, department: Department) -> list[date]:
    """Return routine survey days within the window, oldest first, the schedule jittered."""
    plan = load("truth")["schedule"]
    intervals = plan["interval_days"]
    interval = intervals.get(system.equipment_type, intervals["default"])
    rng = stream(department.seed, system.key, "schedule")
    # The latest survey lies up to nine tenths of an interval back: nearly everything is in date.
    last = plan["last_routine"].get(system.key, int(rng.uniform(0.08, 0.9) * interval))
    earliest = max(
        department.today - timedelta(days=plan["window_days"]),
        system.installed + timedelta(days=interval // 2),
    )
    days, ago = [], last
    while (day := _weekday(department.today - timedelta(days=int(ago)))) >= earliest:
        days.append(day)
        ago += interval + int(rng.integers(-12, 13))
    return sorted(days)


def _weekday(day: date) -> date:
    return day - timedelta(days=max(0, day.weekday() - 4))


def _drafts(
    system: System, routine: list[date], faults: tuple[Fault, ...], window: date, today: date
) -> Iterator[Draft]:
    mine = [f for f in faults if f.system == system.key]
    commissioning = load("truth")["schedule"]["commissioning_days"]
    if system.installed >= window:
        for phase, after in commissioning.items():
            if phase == "critical_exam" and system.equipment_type == "display":
                continue
            yield system.installed + timedelta(days=after), phase, "New installation", ""
    for day in routine:
        found = "; ".join(f.title for f in mine if f.found == day)
        yield day, "routine", "Routine level B", found
    for fault in mine:
        if fault.repaired and fault.repaired <= today:
            yield fault.repaired, "after_repair", f"Re-test: {fault.title.lower()}", fault.title
    for part in system.components:
        fitted_again = any(f.repaired == part.removed for f in mine)
        if part.removed and part.removed >= window and not fitted_again:
            yield part.removed + timedelta(days=1), "after_repair", part.reason_removed, ""


def _baseline(system: System, day: date, phase: str, first: bool) -> str:
    """Say why a survey sets baselines: commissioning, a new component, or the first on record."""
    if phase == "commissioning":
        return "Commissioning"
    if phase == "after_repair":
        near = [
            p.reason_removed
            for p in system.components
            if p.removed and 0 <= (day - p.removed).days <= 1
        ]
        return near[0] if near else ""
    if first and phase == "routine":
        return "First survey on record; commissioned before the window"
    return ""


def _survey(
    names: Signatories,
    system: System,
    day: date,
    phase: str,
    reason: str,
    *,
    fault: str,
    baseline: str,
) -> PlannedSurvey:
    performer, checker, approver = names.choose(system, day, phase, breach=bool(fault))
    state = _state(phase, (names.department.today - day).days)
    if state == "issued" and not approver:
        state = "in review"
    return PlannedSurvey(
        key=f"{system.key}/{day.isoformat()}/{phase}",
        system=system.key,
        day=day,
        phase=phase,
        reason=reason,
        state=state,
        performer=performer,
        checker=checker,
        approver=approver,
        instruments=names.instruments(system, day),
        sets_baseline=baseline,
        fault=fault,
    )


def _state(phase: str, days_ago: int) -> str:
    for limit, state in load("truth")["schedule"]["states"]:
        if days_ago <= limit:
            return str(state)
    return "issued"


def _upcoming(
    names: Signatories, system: System, routine: list[date], today: date
) -> Iterator[PlannedSurvey]:
    """Book some of the surveys that fall due within six weeks."""
    intervals = load("truth")["schedule"]["interval_days"]
    interval = intervals.get(system.equipment_type, intervals["default"])
    last = routine[-1] if routine else system.installed
    due = last + timedelta(days=interval)
    booked = stream(names.department.seed, system.key, "booked").random() < 0.6
    if not (today < due <= today + timedelta(days=42)) or not booked:
        return
    survey = _survey(
        names, system, _weekday(due), "routine", "Routine level B", fault="", baseline=""
    )
    yield replace(survey, state="planned", checker="", approver="")
