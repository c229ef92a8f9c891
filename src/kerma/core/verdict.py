"""The one function that turns a value and its levels into a verdict.

Screen, PDF, API and trend all show what this returned; nothing else in Kerma compares a value
with a limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kerma.core.errors import InputError
from kerma.core.levels import Level
from kerma.core.quantity import Quantity


class Verdict(StrEnum):
    """What can be said of a test. Missing is never a pass and never zero."""

    PASS = "pass"
    REMEDIAL = "remedial"
    SUSPENSION = "suspension"
    NOT_DONE = "not done"
    NOT_APPLICABLE = "not applicable"
    NOT_ENOUGH_DATA = "not enough data"
    NOT_MEASURABLE = "not measurable"

    @property
    def exceeded(self) -> bool:
        """Whether a level was breached."""
        return self in (Verdict.REMEDIAL, Verdict.SUSPENSION)

    @property
    def judged(self) -> bool:
        """Whether a value was compared with a level."""
        return self.exceeded or self is Verdict.PASS


_SEVERITY = {"suspension": Verdict.SUSPENSION, "legal limit": Verdict.SUSPENSION}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reason.

    Attributes
    ----------
    verdict
        The outcome.
    reason
        One sentence a physicist can check by hand.
    applied
        Every level that was compared, in the order given.
    breached
        The most serious level breached, if any.
    near_limit
        True when the distance to a bound is smaller than the expanded uncertainty U, so that the
        verdict could turn over within the measurement's own uncertainty (simple acceptance is
        used; JCGM 106:2012, 8.2).
    """

    verdict: Verdict
    reason: str
    applied: tuple[Level, ...] = ()
    breached: Level | None = None
    near_limit: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for storage."""
        return {
            "verdict": str(self.verdict),
            "reason": self.reason,
            "applied": [level.as_dict() for level in self.applied],
            "breached": self.breached.as_dict() if self.breached else None,
            "near_limit": self.near_limit,
        }


def judge(
    value: Quantity | None,
    levels: Sequence[Level],
    *,
    nominal: Quantity | None = None,
    baseline: Quantity | None = None,
    context: Mapping[str, Quantity | None] | None = None,
) -> Judgement:
    """Compare a value with its levels.

    Parameters
    ----------
    value
        The result; ``None`` gives *not done* (the caller states a better reason if it has one).
    levels
        Remedial and suspension levels, possibly from several documents; the most serious breach
        decides. A level whose reference is missing (no baseline yet) cannot be compared: unless
        another level is breached the verdict is then *not enough data*, never a pass.
    nominal, baseline, context
        What deviations and lookups are taken from.

    Raises
    ------
    InputError
        The value's unit does not fit a level (code ``wrong-unit``).
    """
    if value is None:
        return Judgement(Verdict.NOT_DONE, "No value was entered.")
    known = {**(context or {}), "nominal": nominal, "baseline": baseline}
    applied: list[Level] = []
    missing: list[str] = []
    breached: Level | None = None
    worst = Verdict.PASS
    near = False
    for level in levels:
        try:
            exceeded = level.criterion.exceeded(value, known)
        except InputError as error:
            if error.code not in ("missing-context", "outside-table"):
                raise
            missing.append(error.message)
            continue
        applied.append(level)
        near = near or _near(value, level, known)
        verdict = _SEVERITY.get(level.level_class, Verdict.REMEDIAL)
        if exceeded and (breached is None or verdict is Verdict.SUSPENSION is not worst):
            breached, worst = level, verdict
    if breached is None and (missing or not applied):
        # A value inside one level has not passed while another could not be compared.
        why = missing[0] if missing else "No level applies to this test."
        return Judgement(Verdict.NOT_ENOUGH_DATA, why, tuple(applied), None, near)
    return Judgement(
        worst, _sentence(value, breached, applied, known), tuple(applied), breached, near
    )


def _near(value: Quantity, level: Level, known: Mapping[str, Quantity | None]) -> bool:
    if not value.expanded or level.criterion.kind == "functional":
        return False
    bounds = level.criterion.bounds(unit_of=value, context=known)
    return any(b is not None and abs(value.value - b.value) < value.expanded for b in bounds)


def _sentence(
    value: Quantity,
    breached: Level | None,
    applied: Sequence[Level],
    known: Mapping[str, Quantity | None],
) -> str:
    level = breached or applied[0]
    if level.criterion.kind == "functional":
        return "The check was satisfied." if breached is None else "The check was not satisfied."
    shown = value.text()
    reference = known.get(level.criterion.basis or "nominal") if level.criterion.basis else None
    if level.criterion.parts:
        part = level.criterion.parts[0]
        reference = known.get(part.basis or "nominal")
    against = ""
    if reference is not None:
        shift = value.value - reference.to(value.unit).value
        side = "above" if shift >= 0 else "below"
        base = reference.to(value.unit).value
        percent = f" ({abs(shift / base) * 100:.1f} %)" if base else ""
        difference = Quantity(abs(shift), value.unit).text()
        basis = level.criterion.basis or level.criterion.parts[0].basis
        against = f", {difference}{percent} {side} the {basis} of {reference.to(value.unit)}"
    low, high = level.criterion.bounds(unit_of=value, context=known)
    span = " to ".join(str(b) for b in (low, high) if b is not None)
    word = "at least" if high is None else "at most" if low is None else "within"
    outcome = f"outside the {level.level_class} level" if breached else "within the level"
    return f"{shown}{against}: {outcome} ({word} {span})."
