"""The survey as a sheet: sections of rows with fields, as the page shows them. No HTML here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kerma.core import InputError, Level, Quantity, Verdict
from kerma.protocols import Outcome, ReadingSpec, TestSpec
from kerma.service.testing.evaluation import Evaluation, names_used
from kerma.service.testing.models import Reading, Result


@dataclass(frozen=True, slots=True)
class Field:
    """One field: what is in it and which stored row that is (0 for none)."""

    name: str
    value: str
    version: int
    label: str
    functional: bool
    column: str


@dataclass(frozen=True, slots=True)
class Line:
    """A reading's fields on one line."""

    title: str
    setup: str
    unit: str
    hint: str
    fields: list[Field]
    instrument: str


@dataclass(frozen=True, slots=True)
class Row:
    """One test: its own readings, its value, what it was last time, its levels and verdict."""

    id: str
    title: str
    setup: str
    lines: list[Line]
    borrowed: str
    value: Quantity | None
    shown: str
    previous: Quantity | str | None
    levels: str
    verdict: Verdict
    near: bool
    reason: str
    note: str
    result: dict[str, Any]
    optional: bool = False

    @property
    def exceeded(self) -> bool:
        """Whether a level was breached."""
        return self.verdict.exceeded


@dataclass(slots=True)
class Section:
    """A section of the protocol."""

    title: str
    rows: list[Row] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Tests with a value or a reason."""
        return sum(r.verdict is not Verdict.NOT_DONE or bool(r.note) for r in self.rows)


_BASES = (" of nominal", " from nominal", " of baseline", " from baseline")


def levels_text(levels: Sequence[Level], context: Mapping[str, Quantity | None]) -> str:
    """Say the levels in one line, the milder first: ``±5 % … ±10 % of nominal``."""
    texts: list[str] = []
    bases: list[str] = []
    for level in sorted(levels, key=lambda entry: entry.level_class == "suspension"):
        text = level_text(level, context).removesuffix(", the larger")
        bases += [words.split()[-1] for words in _BASES if words in text]
        for words in _BASES:
            text = text.replace(words, "")
        if text not in texts:
            texts.append(text)
    # What the deviations are from is said once, at the end, when it is the same for all.
    basis = f" of {bases[0]}" if len(set(bases)) == 1 else ""
    if len(set(bases)) > 1:
        texts = [level_text(level, context) for level in levels]
    return " … ".join(texts) + basis


def level_text(level: Level, context: Mapping[str, Quantity | None]) -> str:
    """Return a level's text; a lookup's is its bound where what it depends on is known."""
    criterion = level.criterion
    if criterion.kind != "lookup" or not criterion.points:
        return level.text()
    try:
        low, high = criterion.bounds(unit_of=criterion.points[0][1], context=context)
    except InputError:
        return level.text().replace("_", " ")
    return f"≥ {low}" if low else f"≤ {high}"


def sheet(evaluation: Evaluation) -> list[Section]:
    """Return the sections of a survey in the protocol's order.

    Each reading is shown once, on the first test that uses it; later tests say where theirs come
    from.
    """
    sections: dict[str, Section] = {}
    owner: dict[str, str] = {}
    for outcome in evaluation.outcomes:
        test = outcome.test
        mine, theirs = [], []
        for spec in _readings_of(evaluation, test):
            if owner.setdefault(spec.id, test.title) == test.title:
                mine.append(_line(spec, evaluation))
            else:
                theirs.append(owner[spec.id])
        section = sections.setdefault(test.section, Section(test.section))
        section.rows.append(row(evaluation, outcome, mine, list(dict.fromkeys(theirs))))
    return list(sections.values())


def _readings_of(evaluation: Evaluation, test: TestSpec) -> list[ReadingSpec]:
    names = names_used(evaluation.protocol, [test])
    return [spec for spec in evaluation.protocol.readings if spec.id in names]


def _line(spec: ReadingSpec, evaluation: Evaluation) -> Line:
    stored = {r.index: r for r in evaluation.readings.get(spec.id, ())}
    setup = evaluation.protocol.setups.get(spec.setup or "")
    points = next(iter(spec.points.values()), ())
    return Line(
        title=spec.title,
        setup=setup.title if setup else "",
        unit=str(spec.unit) if not spec.functional else "",
        hint=spec.hint,
        fields=[
            _field(spec, i, stored.get(i), points[i].text() if i < len(points) else "")
            for i in range(spec.repeats)
        ],
        instrument=spec.instrument or "",
    )


def _field(spec: ReadingSpec, index: int, stored: Reading | None, at: str) -> Field:
    number = f"{index + 1} of {spec.repeats}" if spec.repeats > 1 else ""
    return Field(
        name=f"{spec.id}.{index}",
        value=stored.text if stored else "",
        version=stored.pk if stored else 0,
        label=", ".join(filter(None, (spec.title, at or number))),
        functional=spec.functional,
        column=f"{spec.unit}.{index}",
    )


def row(evaluation: Evaluation, outcome: Outcome, lines: list[Line], borrowed: list[str]) -> Row:
    """Return one test as a row."""
    record = evaluation.record_of(outcome)
    earlier = evaluation.previous.get(outcome.test.id)
    judgement = outcome.judgement
    note = evaluation.inputs.not_done.get(outcome.test.id) or evaluation.inputs.not_applicable.get(
        outcome.test.id, ""
    )
    return Row(
        id=outcome.test.id,
        title=outcome.test.title,
        setup=record["setup"],
        lines=lines,
        borrowed=", ".join(borrowed),
        value=None if record["functional"] else outcome.value,
        shown=record["shown"],
        previous=_previous(earlier, functional=record["functional"]),
        levels=levels_text(outcome.levels, outcome.context),
        verdict=judgement.verdict,
        near=judgement.near_limit,
        reason=judgement.reason,
        note=note,
        result=obtained(record, judgement.reason, outcome.value),
        optional=not outcome.test.default,
    )


def _previous(result: Result | None, *, functional: bool) -> Quantity | str | None:
    if result is None or result.value is None:
        return None
    if functional:
        return "satisfactory" if result.value else "not satisfactory"
    return Quantity.from_dict({"value": result.value, "unit": result.unit, "u": result.u})


def obtained(
    record: dict[str, Any], reason: str, value: Quantity | None, verified: str = ""
) -> dict[str, Any]:
    """Return what the “how was this obtained” drawer shows for a live or frozen result."""
    judgement = record["judgement"]
    level = judgement["breached"] or next(iter(judgement["applied"] or record["levels"]), None)
    return {
        "sentence": reason,
        "value": value,
        "formula": record["formula"],
        "given": record["inputs_text"],
        "instrument": record["instrument"],
        "level": level,
        "others": [x for x in record["levels"] if x != level],
        "algorithm": record["provenance"]["edition"] or record["provenance"]["version"],
        "package": record["provenance"]["package"],
        "verified": verified,
    }
