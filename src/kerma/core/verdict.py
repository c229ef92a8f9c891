"""The one function that turns a value and its levels into a verdict.

Screen, PDF, API and trend all show what this returned; nothing else in Kerma compares a value
with a limit.
"""

from __future__ import annotations

import math
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


# Why a level cannot be compared with a value, as opposed to a mistake in the call.
_NOT_COMPARED = ("missing-context", "zero-reference", "outside-table")
# As for bounds: a difference this small beside its terms is floating-point noise.
_NOISE = 1e-9
_MOST_DECIMALS = 10

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
        True when the distance to a bound is smaller than the expanded uncertainty U (with that of
        a measured nominal in quadrature), so that the verdict could turn over within the
        measurement's own uncertainty (simple acceptance is used; JCGM 106:2012, 8.2).
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
        decides. A level whose reference is missing (no baseline yet) or of which no percentage can
        be taken (zero) cannot be compared: unless another level is breached the verdict is then
        *not enough data*, never a pass.
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
            if error.code not in _NOT_COMPARED:
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
    rule = level.criterion
    # A baseline's own uncertainty is left out: mostly the same meter's, it is common to both.
    nominal = known.get("nominal") if "nominal" in rule.needs() else None
    reference = nominal.to(value.unit) if nominal else None
    if rule.kind == "functional" or not (value.expanded or (reference and reference.expanded)):
        return False
    bounds = rule.bounds(unit_of=value, context=known)
    return any(
        b is not None
        and abs(value.value - b.value)
        < math.hypot(value.expanded or 0.0, _expanded_of_bound(b, rule.kind, reference))
        for b in bounds
    )


def _expanded_of_bound(bound: Quantity, kind: str, reference: Quantity | None) -> float:
    """Return U of a bound taken from a reference that was itself measured (a KAP, a force)."""
    if reference is None or not reference.expanded:
        return 0.0
    share = abs(bound.value / reference.value) if kind == "percent" else 1.0
    return reference.expanded * share


def _sentence(
    value: Quantity,
    breached: Level | None,
    applied: Sequence[Level],
    known: Mapping[str, Quantity | None],
) -> str:
    level = breached or applied[0]
    rule = level.criterion
    if rule.kind == "functional":
        return "The check was satisfied." if breached is None else "The check was not satisfied."
    low, high = rule.bounds(unit_of=value, context=known)
    shown, bounds = _apart(value, (low, high), strict=rule.strict, outside=breached is not None)
    basis = rule.basis or (rule.parts[0].basis if rule.parts else None)
    reference = known.get(basis) if basis else None
    against = "" if reference is None else _against(value, reference.to(value.unit), level)
    span = " to ".join(bounds)
    if high is None or low is None:
        least, most = ("more than", "less than") if rule.strict else ("at least", "at most")
        word = least if high is None else most
    else:
        word = "within"
    outcome = f"outside the {level.level_class} level" if breached else "within the level"
    return f"{shown}{against}: {outcome} ({word} {span})."


def _apart(
    value: Quantity, bounds: tuple[Quantity | None, Quantity | None], *, strict: bool, outside: bool
) -> tuple[str, list[str]]:
    """Return value and bounds with the fewest decimals that do not contradict the verdict.

    5.04 HU with U = 1 HU is 5.0 HU rounded, which is no breach of 5 HU: then it is 5.04 HU here.
    """
    there = [value, *(b for b in bounds if b is not None)]
    plain = [q.number() for q in there]
    decimals = [len(text.partition(".")[2]) for text in plain]
    for more in range(_MOST_DECIMALS):
        texts = [
            q.number(n + more) if more else text
            for q, n, text in zip(there, decimals, plain, strict=True)
        ]
        x, *ends = (float(text.replace("\N{MINUS SIGN}", "-")) for text in texts)
        low = ends[0] if bounds[0] is not None else -math.inf
        high = ends[-1] if bounds[1] is not None else math.inf
        if outside == ((x <= low or x >= high) if strict else (x < low or x > high)):
            plain = texts
            break
    shown = [f"{text} {q.unit}".removesuffix(" 1") for text, q in zip(plain, there, strict=True)]
    return shown[0], shown[1:]


def _against(value: Quantity, reference: Quantity, level: Level) -> str:
    """Say how far the value is from what its level is taken from."""
    rule, base = level.criterion, reference.value
    shift = value.value - base
    if abs(shift) <= _NOISE * max(abs(value.value), abs(base)):
        shift = 0.0
    percent = ""
    if base:
        parts = rule.parts or (rule,)
        limits = [q.value for p in parts if p.kind == "percent" for q in (p.low, p.high) if q]
        percent = f" ({_percent(100 * shift / abs(base), limits)} %)"
    side = "above" if shift >= 0 else "below"
    basis = rule.basis or rule.parts[0].basis
    return f", {Quantity(abs(shift), value.unit).text()}{percent} {side} the {basis} of {reference}"


def _percent(value: float, limits: Sequence[float]) -> str:
    """Return a percentage without its sign, with decimals that show which limits it is beyond."""
    for decimals in range(1, _MOST_DECIMALS):
        shown = round(value, decimals)
        if all((shown > a) - (shown < a) == _sign(value, a) for a in limits):
            return f"{abs(value):.{decimals}f}"
    return f"{abs(value):.1f}"


def _sign(a: float, b: float) -> int:
    near = abs(a - b) <= _NOISE * max(abs(a), abs(b), 1.0)
    return 0 if near else (a > b) - (a < b)
