"""A protocol as data: how one kind of system is tested."""

from __future__ import annotations

import typing
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kerma.core import InputError, Level, Quantity, Unit
from kerma.protocols.formula import Formula

PHASES = (
    "critical_exam",
    "acceptance",
    "commissioning",
    "routine_a",
    "routine",
    "after_repair",
)
# Where a test belongs when its file does not say: every visit of the physics service.
USUAL_PHASES = ("acceptance", "commissioning", "routine", "after_repair")
# In these phases a value has nothing to be compared with yet: it is to become the baseline.
BASELINE_PHASES = ("acceptance", "commissioning")


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """A part an instrument plays in the survey."""

    id: str
    title: str
    kind: str


@dataclass(frozen=True, slots=True)
class SetupSpec:
    """The conditions an exposure is made under; numbers with units, and words."""

    id: str
    title: str
    values: Mapping[str, Quantity | str]


@dataclass(frozen=True, slots=True)
class ReadingSpec:
    """One field of the form, or a row of equal fields.

    Attributes
    ----------
    repeats
        How many values there is room for.
    minimum
        How many are needed before a test that uses them is judged (the rest may be struck out).
    quantity
        What is measured, in words: chooses the factor of the instrument's certificate.
    functional
        A yes/no check: 1 is satisfactory, 0 is not.
    points
        For a series: what each value was taken at, by name (``k_al.al`` in formulas).

    """

    id: str
    title: str
    unit: Unit
    setup: str | None = None
    repeats: int = 1
    minimum: int = 1
    instrument: str | None = None
    quantity: str = ""
    functional: bool = False
    hint: str = ""
    points: Mapping[str, tuple[Quantity, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnalysisSpec:
    """An image measurement the protocol asks for."""

    id: str
    analysis: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Unit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """A slot for images, and the measurements made on them.

    A slot of no images (`count` 0) holds measurements of readings alone. The analysis ``auto`` is
    that of the phantom recognised in the images.
    """

    id: str
    title: str
    count: int = 1
    setup: str | None = None
    hint: str = ""
    analyses: tuple[AnalysisSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class TestSpec:
    """One test: what is judged, how it is worked out, and against which levels.

    Attributes
    ----------
    test_ids
        Rows of the reference data the levels come from, as ``modality/test_id`` with an optional
        ``#case``.
    formula, unit
        The value, and the unit it is given in.
    nominal, context
        What deviations and lookups are taken from, as formulas.
    default
        False: not part of a survey unless it is asked for by name.
    basis
        Whose level this is, where that needs saying.
    local
        Levels of the service's own, from the protocol file.
    record_only
        Why the value is recorded without being judged; empty for an ordinary test.

    """

    # Not a test class of pytest, whatever its name.
    __test__ = False

    id: str
    title: str
    section: str
    formula: Formula
    unit: Unit
    test_ids: tuple[str, ...] = ()
    setup: str | None = None
    nominal: Formula | None = None
    context: Mapping[str, Formula] = field(default_factory=dict)
    phases: tuple[str, ...] = USUAL_PHASES
    level: str = "B"
    frequency_months: float | None = None
    performer: str = ""
    default: bool = True
    basis: str = ""
    method: str = ""
    local: tuple[Level, ...] = ()
    record_only: str = ""

    @property
    def formulas(self) -> tuple[Formula, ...]:
        """Every formula of the test: value, nominal, context."""
        more = [self.nominal] if self.nominal else []
        return (self.formula, *more, *self.context.values())


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol file, read and checked. `source` is its text, `sha256` the text's hash."""

    id: str
    version: int
    title: str
    equipment: tuple[str, ...]
    levels_from: tuple[str, ...]
    instruments: Mapping[str, InstrumentSpec]
    setups: Mapping[str, SetupSpec]
    readings: tuple[ReadingSpec, ...]
    images: tuple[ImageSpec, ...]
    tests: tuple[TestSpec, ...]
    source: str
    sha256: str
    description: str = ""

    @property
    def sections(self) -> tuple[str, ...]:
        """Sections in the order a physicist works."""
        return tuple(dict.fromkeys(t.section for t in self.tests))

    @property
    def analyses(self) -> tuple[AnalysisSpec, ...]:
        """Every image measurement, in order."""
        return tuple(a for image in self.images for a in image.analyses)

    def test(self, name: str) -> TestSpec:
        """Return a test by id; raises `InputError` ``unknown-test``."""
        return _found(self.tests, name, "test", self)

    def reading(self, name: str) -> ReadingSpec:
        """Return a reading by id; raises `InputError` ``unknown-reading``."""
        return _found(self.readings, name, "reading", self)

    def image(self, name: str) -> ImageSpec:
        """Return an image slot by id; raises `InputError` ``unknown-image``."""
        return _found(self.images, name, "image", self)

    def analysis(self, name: str) -> AnalysisSpec:
        """Return an image measurement by id; raises `InputError` ``unknown-analysis``."""
        return _found(self.analyses, name, "analysis", self)

    def active(
        self, phase: str | None = None, include: Collection[str] = ()
    ) -> tuple[TestSpec, ...]:
        """Return the tests of a survey.

        Parameters
        ----------
        phase
            One of `PHASES`; ``None`` for all.
        include
            Ids of tests that are off by default and wanted this time.

        Raises
        ------
        InputError
            Code ``unknown-phase`` or ``unknown-test``.

        """
        if phase is not None and phase not in PHASES:
            raise InputError(
                f"“{phase}” is not a phase. The phases are {', '.join(PHASES)}.",
                code="unknown-phase",
            )
        for name in include:
            self.test(name)
        return tuple(
            t
            for t in self.tests
            if (t.default or t.id in include) and (phase is None or phase in t.phases)
        )

    def names_used(self, tests: Collection[TestSpec]) -> frozenset[str]:
        """Return the ids of readings and analyses that tests refer to."""
        return frozenset(
            name.partition(".")[0] for t in tests for f in t.formulas for name in f.names
        )


class _Named(typing.Protocol):
    @property
    def id(self) -> str: ...


_T = TypeVar("_T", bound=_Named)


def _found(things: Sequence[_T], name: str, kind: str, protocol: Protocol) -> _T:
    for thing in things:
        if thing.id == name:
            return thing
    raise InputError(
        f"Protocol {protocol.id} has no {kind} “{name}”.",
        code=f"unknown-{kind}",
        detail={"protocol": protocol.id, kind: name},
    )
