"""From readings and measurements to results and verdicts.

The only place where a protocol's formulas are worked out; the only judge is `kerma.core.judge`.
Nothing here stops a survey: whatever is missing or wrong with one test is said in that test's
outcome, and the others go on.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from kerma.core import InputError, Judgement, Level, Quantity, Unit, Verdict, judge
from kerma.protocols.drawn import Drawn, Shared, draw, worked_out
from kerma.protocols.formula import Formula, NotEnoughError, infer
from kerma.protocols.levels import levels_of_test
from kerma.protocols.model import BASELINE_PHASES, Protocol, TestSpec
from kerma.protocols.names import shapes
from kerma.protocols.outcome import Inputs, Missing, Outcome


def evaluate(
    protocol: Protocol,
    inputs: Inputs,
    *,
    levels: Mapping[str, Sequence[Level]] | None = None,
    phase: str | None = "routine",
    include: Collection[str] = (),
) -> list[Outcome]:
    """Work out and judge every test of a survey.

    Parameters
    ----------
    protocol
        What is tested.
    inputs
        What there is so far; missing things stay missing.
    levels
        By test id, levels that replace the protocol's (a site's own limit). A test that is not
        named keeps the protocol's.
    phase
        Chooses the tests; ``None`` for all of them.
    include
        Ids of tests that are off by default and wanted in this survey.

    Returns
    -------
    list of Outcome
        In the protocol's order, one for each test of the phase.

    Raises
    ------
    InputError
        Code ``unknown-phase``, ``unknown-test`` or ``unknown-input``: the call itself is wrong.
        Nothing about the values raises.

    """
    _known(protocol, inputs)
    survey = _Survey(protocol, inputs, phase, levels or {}, Shared())
    return [
        replace(
            _outcome(survey, test),
            levels=tuple(survey.levels(test)),
            context=_context_so_far(survey, test),
        )
        for test in protocol.active(phase, include)
    ]


def missing(
    protocol: Protocol,
    inputs: Inputs,
    phase: str | None = "routine",
    include: Collection[str] = (),
) -> list[Missing]:
    """Return the tests of a phase that lack readings or images and have no reason for it.

    An empty list opens the completeness gate. A measurement that gave no value is complete: its
    verdict carries the reason.
    """
    _known(protocol, inputs)
    shared = Shared()
    found = []
    for test in protocol.active(phase, include):
        if test.id in inputs.not_done or test.id in inputs.not_applicable:
            continue
        try:
            drawn = draw(protocol, test, inputs, shared)
        except InputError as error:
            found.append(Missing(test.id, test.title, test.section, (error.message,)))
            continue
        if drawn.lacks or drawn.absent:
            found.append(
                Missing(
                    test.id,
                    test.title,
                    test.section,
                    tuple(said for _, said in [*drawn.lacks, *drawn.absent]),
                    tuple(name for name, _ in drawn.lacks),
                    tuple(name for name, _ in drawn.absent),
                )
            )
    return found


def _known(protocol: Protocol, inputs: Inputs) -> None:
    tests = {t.id for t in protocol.tests}
    analyses = {a.id for a in protocol.analyses}
    for given, known, kind in (
        (inputs.readings, {r.id for r in protocol.readings}, "reading"),
        (inputs.analyses, analyses, "analysis"),
        (inputs.refused, analyses, "analysis"),
        (inputs.baselines, tests, "test"),
        (inputs.not_done, tests, "test"),
        (inputs.not_applicable, tests, "test"),
    ):
        strange = sorted(set(given) - known)
        if strange:
            raise InputError(
                f"Protocol {protocol.id} version {protocol.version} has no {kind} “{strange[0]}”. "
                "Was the survey begun with another version?",
                code="unknown-input",
                detail={"kind": kind, "names": strange},
            )


@dataclass(frozen=True, slots=True)
class _Survey:
    """What one call of `evaluate` works with."""

    protocol: Protocol
    inputs: Inputs
    phase: str | None
    replaced: Mapping[str, Sequence[Level]]
    shared: Shared

    def levels(self, test: TestSpec) -> list[Level]:
        """Return the levels in force for a test in this phase."""
        found = (
            self.replaced[test.id]
            if test.id in self.replaced
            else levels_of_test(self.protocol, test)
        )
        return [
            lv for lv in found if not lv.phases or self.phase is None or self.phase in lv.phases
        ]


def _outcome(survey: _Survey, test: TestSpec) -> Outcome:
    for verdict, reasons in (
        (Verdict.NOT_APPLICABLE, survey.inputs.not_applicable),
        (Verdict.NOT_DONE, survey.inputs.not_done),
    ):
        if test.id in reasons:
            return _made(test, Judgement(verdict, reasons[test.id]))
    try:
        drawn = draw(survey.protocol, test, survey.inputs, survey.shared)
    except InputError as error:
        return _made(test, _not_enough(error.message), error=error.message)
    if drawn.unmeasurable:
        return _made(test, Judgement(Verdict.NOT_MEASURABLE, drawn.unmeasurable), drawn)
    if drawn.absent or drawn.nothing:
        said = [what for _, what in [*drawn.absent, *drawn.lacks]]
        return _made(test, Judgement(Verdict.NOT_DONE, f"{_joined(said)}."), drawn)
    return _worked(survey, test, drawn)


def _worked(survey: _Survey, test: TestSpec, drawn: Drawn) -> Outcome:
    baseline = survey.inputs.baselines.get(test.id)
    lacks = f"{_joined([what for _, what in drawn.lacks])}." if drawn.lacks else ""
    try:
        value = worked_out(test.formula, drawn, test.unit)
    except InputError as error:
        wrong = "" if isinstance(error, NotEnoughError) else error.message
        verdict = _not_enough(lacks or error.message)
        return _made(test, verdict, drawn, baseline=baseline, error=wrong)
    nominal = _given(test.nominal, drawn, test.unit)
    if lacks:
        verdict = _not_enough(lacks)
        return _made(test, verdict, drawn, value=value, nominal=nominal, baseline=baseline)
    levels = survey.levels(test)
    setting = baseline is None and survey.phase in BASELINE_PHASES
    waiting = [lv for lv in levels if setting and "baseline" in lv.criterion.needs()]
    left = [lv for lv in levels if lv not in waiting]
    wrong = ""
    if test.record_only and not levels:
        verdict = Judgement(Verdict.NOT_APPLICABLE, f"Recorded only: {test.record_only}")
    elif waiting and not left:
        said = "There is no baseline yet: this value is to become it."
        verdict = Judgement(Verdict.NOT_APPLICABLE, said)
    else:
        context = _context(survey.protocol, test, drawn)
        try:
            verdict = judge(value, left, nominal=nominal, baseline=baseline, context=context)
        except InputError as error:
            verdict, wrong = _not_enough(error.message), error.message
    return _made(
        test,
        verdict,
        drawn,
        value=value,
        nominal=nominal,
        baseline=baseline,
        error=wrong,
        becomes_baseline=bool(waiting),
    )


def _given(formula: Formula | None, drawn: Drawn, unit: Unit) -> Quantity | None:
    """Return a formula's value, or ``None``: a level that needs it then cannot be compared."""
    if formula is None:
        return None
    try:
        return worked_out(formula, drawn, unit)
    except InputError:
        return None


def _context(protocol: Protocol, test: TestSpec, drawn: Drawn) -> dict[str, Quantity | None]:
    names = shapes(protocol, test)
    found: dict[str, Quantity | None] = {}
    for name, formula in test.context.items():
        shape = infer(formula, names)
        coherent = Unit(str(shape), 1.0, shape.dimensions or ())
        found[name] = _given(formula, drawn, coherent)
    return found


def _context_so_far(survey: _Survey, test: TestSpec) -> dict[str, Quantity | None]:
    """Return what the test's lookups depend on, as far as it is known before there is a value."""
    if not test.context:
        return {}
    try:
        drawn = draw(survey.protocol, test, survey.inputs, survey.shared)
    except InputError:
        return {}
    return _context(survey.protocol, test, drawn)


def _not_enough(reason: str) -> Judgement:
    return Judgement(Verdict.NOT_ENOUGH_DATA, reason)


def _joined(parts: Sequence[str]) -> str:
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


def _made(
    test: TestSpec,
    judgement: Judgement,
    drawn: Drawn | None = None,
    *,
    value: Quantity | None = None,
    nominal: Quantity | None = None,
    baseline: Quantity | None = None,
    error: str = "",
    becomes_baseline: bool = False,
) -> Outcome:
    return Outcome(
        test=test,
        value=value,
        judgement=judgement,
        formula=test.formula.text,
        formula_sha256=test.formula.sha256,
        language=test.formula.version,
        inputs={i.name: i for i in drawn.used} if drawn else {},
        nominal=nominal,
        baseline=baseline,
        explanation=_explained(test, drawn, value),
        error=error,
        becomes_baseline=becomes_baseline,
    )


def _explained(test: TestSpec, drawn: Drawn | None, value: Quantity | None) -> str:
    if drawn is None or value is None:
        return ""
    from_ = "; ".join(i.text() for i in drawn.used)
    u = value.expanded
    uncertainty = f", U = {Quantity(u, value.unit).text(_digits(u))} (k = {value.k:g})" if u else ""
    return f"{test.formula} = {value.text()}{uncertainty}; {from_}."


def _digits(u: float) -> int:
    """Decimals that show two significant digits of an uncertainty."""
    return min(8, max(0, 1 - math.floor(math.log10(u))))
