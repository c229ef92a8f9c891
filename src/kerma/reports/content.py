"""What a survey report says, as plain frozen data.

The content is everything the signatories put their names to. Its hash (`SurveyReport.content_hash`)
is printed on every page, signed, and equal to the SHA-256 of the JSON file attached to the PDF.
`Signing` (state, signatures, time of issue) is added afterwards and is the only part outside the
hash: people sign a hash that already exists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar, Literal

from kerma.core import Level, Quantity, Verdict
from kerma.reports.parts import (
    Chart,
    Method,
    Organisation,
    Picture,
    SignedContent,
    Signing,
    SourceLine,
    Supersession,
)

Recommendation = Literal["use", "use with conditions", "do not use", "no recommendation"]


@dataclass(frozen=True, slots=True)
class ComponentLine:
    """A component with its own serial number: tube, generator, detector, dose meter, display.

    `facts` are printed after the serial, for example ``("software", "VE 4.2")``.
    """

    kind: str
    maker: str = ""
    model: str = ""
    serial: str = ""
    installed: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SystemIdentity:
    """The X-ray installation that was tested; years as text because they may be unknown."""

    name: str
    equipment_type: str
    maker: str = ""
    model: str = ""
    serial: str = ""
    asset: str = ""
    software: str = ""
    year_made: str = ""
    year_installed: str = ""
    components: tuple[ComponentLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ProtocolIdentity:
    """The protocol that was followed and the hash of its file."""

    id: str
    version: int
    title: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Headline:
    """What the physics service recommends; whether to use the system is the employer's decision.

    `told` states who was told of a suspension-level result, when and by whom, if anyone was.
    """

    recommendation: Recommendation
    text: str = ""
    conditions: tuple[str, ...] = ()
    told: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """An exceeded level (or another matter) with what must happen next, by whom and when."""

    title: str
    verdict: Verdict
    found: str
    level: str
    action: str
    priority: str = ""
    owner: str = ""
    due: date | None = None
    reference: str = ""  # the number of the Action in the service


@dataclass(frozen=True, slots=True)
class InstrumentLine:
    """A measuring instrument and the certificate that was in force on the day."""

    name: str
    maker: str = ""
    model: str = ""
    serial: str = ""
    certificate: str = ""
    laboratory: str = ""
    calibrated_on: date | None = None
    due_on: date | None = None
    factor: str = ""  # as applied, with the quantity it applies to
    used_for: str = ""


@dataclass(frozen=True, slots=True)
class LevelShown:
    """A level as applied: its class, its text and the row of its source (`SourceLine.row`)."""

    level_class: str
    text: str
    source: str

    @classmethod
    def of(cls, level: Level) -> LevelShown:
        """Make the printed form of a level."""
        return cls(level.level_class, level.text(), level.source.row)


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision, printed beside the computed verdict and never in its place."""

    text: str
    by: str
    on: date


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One test: what was set, what was found, what it was judged against, and the verdict.

    Attributes
    ----------
    value
        The result with its uncertainty, or ``None`` (then `reason` says why there is none).
    shown
        Words for a result that has no number, such as “satisfactory”.
    reason
        The judgement's sentence, or why the test was not done or does not apply.
    basis, previous
        What the deviation is from (printed with `basis_kind`), and the last survey's result.
    near_limit
        The value lies within its expanded uncertainty of a bound.
    formula
        How the value was obtained, with `inputs` as text.

    """

    test_id: str
    title: str
    section: str
    verdict: Verdict
    setup: str = ""
    value: Quantity | None = None
    shown: str = ""
    reason: str = ""
    levels: tuple[LevelShown, ...] = ()
    basis: Quantity | None = None
    basis_kind: Literal["", "baseline", "nominal"] = ""
    previous: Quantity | None = None
    previous_on: date | None = None
    near_limit: bool = False
    note: str = ""
    formula: str = ""
    inputs: str = ""
    instrument: str = ""
    decision: Decision | None = None

    @property
    def tested(self) -> bool:
        """Whether the row belongs in the result tables (it has a value or a judged outcome)."""
        return self.verdict.judged or self.value is not None


@dataclass(frozen=True, slots=True)
class SurveyReport(SignedContent):
    """Everything a survey report says.

    Attributes
    ----------
    prepared_at
        When the content was fixed (with a time zone); it also dates a draft's PDF.
    summary
        Paragraphs in the author's words.
    measured_by
        Name and role of each person who took part in the measurement.
    decision_notes
        Printed under “How these verdicts were reached”, after the standing text.

    """

    attachment: ClassVar[str] = "survey-report-content.json"

    report_number: str
    issue: int
    prepared_at: datetime
    service: Organisation
    employer: Organisation
    site: Organisation
    room: str
    system: SystemIdentity
    purpose: str
    surveyed_on: date
    protocol: ProtocolIdentity
    headline: Headline
    surveyed_to: date | None = None
    supersedes: Supersession | None = None
    summary: tuple[str, ...] = ()
    measured_by: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    instruments: tuple[InstrumentLine, ...] = ()
    results: tuple[ResultRow, ...] = ()
    charts: tuple[Chart, ...] = ()
    pictures: tuple[Picture, ...] = ()
    sources: tuple[SourceLine, ...] = ()
    methods: tuple[Method, ...] = ()
    decision_notes: tuple[str, ...] = ()
    distribution: tuple[str, ...] = ()
    software: str = ""
    demo: bool = False
    signing: Signing = field(default_factory=Signing)

    @property
    def running_title(self) -> str:
        """What was surveyed and where."""
        return f"{self.system.name}, {self.site.name}, {self.room}"

    def rests_on(self) -> set[str]:
        """Return the rows of the levels that results were judged by."""
        return {level.source for row in self.results for level in row.levels}
