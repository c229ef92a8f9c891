"""What a survey report says, as plain frozen data.

The content is everything the signatories put their names to. Its hash (`SurveyReport.content_hash`)
is printed on every page, signed, and equal to the SHA-256 of the JSON file attached to the PDF.
`Signing` (state, signatures, time of issue) is added afterwards and is the only part outside the
hash: people sign a hash that already exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from kerma.core import Level, Quantity, Region, Source, Verdict, content_hash
from kerma.core.codec import decode, encode

Recommendation = Literal["use", "use with conditions", "do not use", "no recommendation"]
Meaning = Literal["performed", "checked", "approved", "advised"]


@dataclass(frozen=True, slots=True)
class Organisation:
    """An employer, a site or the physics service: name, address lines, contact."""

    name: str
    address: tuple[str, ...] = ()
    contact: str = ""


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
class Change:
    """One thing an amended issue changed, before and after."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Supersession:
    """The issue this one replaces, why, and what changed."""

    issue: int
    issued_on: date
    reason: str
    changes: tuple[Change, ...] = ()


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
class Chart:
    """A chart as SVG (from `kerma.charts.svg`) with a caption and a text alternative."""

    title: str
    svg: str
    alt: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A phantom image (PNG) with the regions that were measured on it.

    `regions` are in pixels of `png`; their values are listed beside the picture.
    """

    title: str
    png: bytes
    alt: str
    regions: tuple[Region, ...] = ()
    caption: str = ""
    analysis: str = ""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A reference row the report rests on, and who verified it against the named document."""

    row: str
    document: str
    confidence: str
    edition: str = ""
    sha256: str = ""
    note: str = ""
    verified_by: str = ""
    verified_on: date | None = None

    @property
    def verified(self) -> bool:
        """Whether a named person has checked the row against its document."""
        return bool(self.verified_by and self.verified_on)

    @classmethod
    def of(
        cls, source: Source, *, verified_by: str = "", verified_on: date | None = None
    ) -> SourceLine:
        """Make the printed form of a level's source."""
        return cls(
            row=source.row,
            document=source.document,
            confidence=source.confidence,
            edition=source.edition,
            sha256=source.sha256,
            note=source.note,
            verified_by=verified_by,
            verified_on=verified_on,
        )


@dataclass(frozen=True, slots=True)
class Method:
    """A calculation or image measurement with the version that was used."""

    name: str
    version: str
    edition: str = ""
    parameters: str = ""
    inputs: tuple[str, ...] = ()  # SHA-256 of each input


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, in what capacity, as it stood at the moment of signing.

    `content_hash` is the hash that was signed; an issued report is refused when it is another.
    """

    name: str
    meaning: Meaning
    role: str
    at: datetime
    content_hash: str
    registration: str = ""
    credential: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """A reference row verified between the draft and its issue; it holds for this hash only."""

    row: str
    sha256: str
    by: str
    on: date


@dataclass(frozen=True, slots=True)
class Signing:
    """The state of the report and its signatures; the part outside the content hash.

    `verifications` made after the content was fixed are printed with the sources: they say who
    checked a row against its document and change nothing that was signed.
    """

    state: Literal["draft", "issued"] = "draft"
    signatures: tuple[Signature, ...] = ()
    issued_at: datetime | None = None
    verifications: tuple[Verification, ...] = ()


@dataclass(frozen=True, slots=True)
class SurveyReport:
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

    def content(self) -> dict[str, Any]:
        """Return the hashed and signed part as plain data: all but `signing`."""
        data: dict[str, Any] = encode(self)
        del data["signing"]
        return data

    def verified_sources(self) -> tuple[SourceLine, ...]:
        """Return the sources with the verifications that were made after the content was fixed."""
        later = {(v.row, v.sha256): v for v in self.signing.verifications}
        return tuple(
            replace(s, verified_by=v.by, verified_on=v.on)
            if not s.verified and (v := later.get((s.row, s.sha256)))
            else s
            for s in self.sources
        )

    @property
    def content_hash(self) -> str:
        """SHA-256 of the canonical JSON of `content`."""
        return content_hash(self.content())

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data; `from_dict` gives the report back unchanged."""
        data: dict[str, Any] = encode(self)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SurveyReport:
        """Rebuild a report from `as_dict` (or from `content`, as a draft)."""
        return decode(cls, data)
