"""What goes into the engine, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kerma.core import Analysis, Judgement, Level, Quantity, Verdict
from kerma.protocols.model import TestSpec


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a survey has so far.

    Attributes
    ----------
    readings
        By reading id, in the order of the repeats; ``None`` for a field that is empty or struck
        out. The standard uncertainty of a reading (`Quantity.u`) is its instrument's calibration.
    analyses
        By analysis id of the protocol.
    refused
        Analysis id and reason, for images a measurement would not take.
    baselines
        By test id: the signed baseline in force.
    not_done, not_applicable
        Test id and the reason given.

    """

    readings: Mapping[str, Sequence[Quantity | None]] = field(default_factory=dict)
    analyses: Mapping[str, Analysis] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    baselines: Mapping[str, Quantity] = field(default_factory=dict)
    not_done: Mapping[str, str] = field(default_factory=dict)
    not_applicable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InputUsed:
    """One thing a formula drew on: a reading with all its values, a setup value, a measurement."""

    name: str
    title: str
    values: tuple[Quantity | None, ...]

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """Say it in a few words: ``Tube voltage (86.1, 86.2, 86.3 kV)``."""
        there = [v for v in self.values if v is not None]
        if not there:
            return f"{self.title} (none)"
        numbers = ", ".join("–" if v is None else v.number() for v in self.values)
        return f"{self.title} ({numbers} {there[0].unit})".replace(" 1)", ")")

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "title": self.title,
            "values": [v.as_dict() if v else None for v in self.values],
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one test and what was made of it.

    Attributes
    ----------
    value
        In the test's unit, with its standard uncertainty where every reading brought one.
    judgement
        Verdict, reason, levels applied.
    formula, formula_sha256, language
        The calculation: its text, the hash that fixes it, the version of the formula language.
    inputs
        What it drew on, by name.
    levels
        Every level in force for the test, compared or not.
    context
        The quantities its lookup levels depend on.
    nominal, baseline
        What the value was compared with, where a level asks for it.
    explanation
        One line a physicist can follow.
    error
        Why there is no value, when something was wrong rather than missing.
    becomes_baseline
        The value has no baseline yet and this phase is where one is set.

    """

    test: TestSpec
    value: Quantity | None
    judgement: Judgement
    formula: str
    formula_sha256: str
    language: str
    inputs: Mapping[str, InputUsed] = field(default_factory=dict)
    levels: tuple[Level, ...] = ()
    context: Mapping[str, Quantity | None] = field(default_factory=dict)
    nominal: Quantity | None = None
    baseline: Quantity | None = None
    explanation: str = ""
    error: str = ""
    becomes_baseline: bool = False

    @property
    def verdict(self) -> Verdict:
        """Short for ``judgement.verdict``."""
        return self.judgement.verdict

    def as_dict(self) -> dict[str, Any]:
        """Return plain data: the frozen copy that is stored when a survey is handed over."""
        return {
            "test": self.test.id,
            "title": self.test.title,
            "section": self.test.section,
            "value": self.value.as_dict() if self.value else None,
            "judgement": self.judgement.as_dict(),
            "formula": self.formula,
            "formula_sha256": self.formula_sha256,
            "language": self.language,
            "inputs": {name: i.as_dict() for name, i in self.inputs.items()},
            "levels": [level.as_dict() for level in self.levels],
            "nominal": self.nominal.as_dict() if self.nominal else None,
            "baseline": self.baseline.as_dict() if self.baseline else None,
            "explanation": self.explanation,
            "error": self.error,
            "becomes_baseline": self.becomes_baseline,
        }


@dataclass(frozen=True, slots=True)
class Missing:
    """A test that cannot be judged yet, and what it lacks."""

    test: str
    title: str
    section: str
    what: tuple[str, ...]
    readings: tuple[str, ...] = ()
    analyses: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.title}: {'; '.join(self.what)}."
