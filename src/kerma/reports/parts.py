"""What every signed report is made of: who, sources, methods, signatures, the signed content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar, Literal, Self

from kerma.core import Region, Source, content_hash
from kerma.core.codec import decode, encode

Meaning = Literal["performed", "checked", "approved", "advised"]


@dataclass(frozen=True, slots=True)
class Organisation:
    """An employer, a site or the physics service: name, address lines, contact."""

    name: str
    address: tuple[str, ...] = ()
    contact: str = ""


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


class SignedContent:
    """The signed part of a report: everything but its `signing`, with one hash.

    A report is a frozen dataclass with at least the attributes named here.
    """

    __slots__ = ()

    # Name of the attached file that holds the content.
    attachment: ClassVar[str]

    report_number: str
    issue: int
    prepared_at: datetime
    service: Organisation
    supersedes: Supersession | None
    sources: tuple[SourceLine, ...]
    methods: tuple[Method, ...]
    distribution: tuple[str, ...]
    software: str
    demo: bool
    signing: Signing

    @property
    def running_title(self) -> str:
        """What stands at the head of every page after the first."""
        raise NotImplementedError

    def rests_on(self) -> set[str]:
        """Return the rows of reference data that the report's statements rest on."""
        raise NotImplementedError

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
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild a report from `as_dict` (or from `content`, as a draft)."""
        return decode(cls, data)
