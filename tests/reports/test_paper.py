"""Signed papers: what is said is printed, what nothing supports is not issued, bytes repeat."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256

import pypdf
import pytest

from kerma import charts
from kerma.core import Curve, InputError, IntegrityError
from kerma.reports.paper import Block, Column, Paper, Proposal, Section, Table, build
from kerma.reports.parts import Chart, Organisation, Signature, Signing, SourceLine, Verification
from kerma.reports.shared_view import _note

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SOURCE = SourceLine("drl/1", "National DRLs", "seen", sha256="a" * 64)
RISE = Curve("DLP", (1.0, 2.0, 3.0), (200.0, 240.0, 230.0), "Month", "1", "DLP", "mGy.cm")


def paper(**more: object) -> Paper:
    fields: dict[str, object] = {
        "report_number": "KR-2026-00077",
        "issue": 1,
        "prepared_at": AT,
        "service": Organisation("Example Physics", ("1 Test Street",)),
        "employer": Organisation("Example Hospitals"),
        "kind": "Local DRL audit",
        "title": "Adult head CT, 2026",
        "facts": (("Period", "1 Jan to 31 Oct 2026"),),
        "statement": "Two of four rooms exceed the national reference level.",
        "summary": ("Four rooms, 412 examinations.",),
        "sections": (
            Section(
                "Rooms",
                (
                    Block(text="Median of each room with its 95 % interval."),
                    Block(
                        table=Table(
                            (Column("Room", share=2), Column("n", "right"),
                             Column("Median DLP, mGy·cm", "right")),
                            (("CT 1", "104", "970"), ("CT 2", "98", "1020")),
                        )
                    ),
                    Block(chart=Chart("DLP by month", charts.svg(charts.curve([RISE])), "a chart")),
                    Block(working="E = k DLP\n  = 0.0021 * 970\n  = 2.0 mSv"),
                    Block(points=("No child was included.",)),
                ),
            ),
        ),
        "proposals": (Proposal("Review the head protocol.", "CT lead", date(2026, 12, 31)),),
        "assumptions": ("The phantom stated is the one used.",),
        "sources": (SOURCE,),
        "rests_on_rows": ("drl/1",),
    }  # fmt: skip
    return Paper(**{**fields, **more})  # type: ignore[arg-type]


def signed(given: Paper) -> Paper:
    marks = tuple(
        Signature(name, meaning, "MPE", AT, given.content_hash)
        for name, meaning in (
            ("A. One", "performed"),
            ("B. Two", "checked"),
            ("C. Three", "approved"),
        )
    )
    verified = Verification("drl/1", SOURCE.sha256, "C. Three", date(2026, 11, 1))
    return replace(given, signing=Signing("issued", marks, AT, (verified,)))


def text_of(pdf: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(p.extract_text().split()) for p in pages).replace("\u200b", "")


def test_everything_said_is_printed() -> None:
    text = text_of(build(paper()))
    for words in (
        "Local DRL audit", "Adult head CT, 2026", "Two of four rooms exceed", "CT 2", "1020",
        "0.0021 * 970", "No child was included", "Review the head protocol", "31 Dec 2026",
        "The phantom stated is the one used", "National DRLs", "Not verified", "DRAFT",
    ):  # fmt: skip
        assert words in text, words


def test_the_attached_content_has_the_printed_hash() -> None:
    pdf = pypdf.PdfReader(io.BytesIO(build(signed(paper()))))
    (attached,) = pdf.attachments["paper-content.json"]
    assert sha256(attached).hexdigest() == paper().content_hash
    assert Paper.from_dict(json.loads(attached)) == paper()
    assert "Prepared" in text_of(build(signed(paper())))


def test_the_same_content_gives_the_same_bytes() -> None:
    assert build(signed(paper())) == build(signed(paper()))


def test_markup_in_the_words_prints_literally() -> None:
    text = text_of(build(paper(title="#sys.inputs *bold* $x$")))
    assert "#sys.inputs *bold* $x$" in text


def test_a_paper_on_an_unverified_row_is_not_issued() -> None:
    given = signed(paper())
    bare = replace(given, signing=replace(given.signing, verifications=()))
    with pytest.raises(InputError, match="nobody has verified"):
        build(bare)


def test_a_row_that_is_not_listed_is_refused() -> None:
    with pytest.raises(InputError, match="not listed"):
        build(paper(rests_on_rows=("drl/2",)))


def test_a_signature_on_other_content_is_refused() -> None:
    other = replace(signed(paper()), title="Something else")
    with pytest.raises(IntegrityError, match="other content"):
        build(other)


def test_a_ragged_table_is_refused() -> None:
    with pytest.raises(InputError, match="as many cells"):
        Table((Column("a"), Column("b")), (("1",),))


def test_an_amended_paper_says_why() -> None:
    with pytest.raises(InputError, match="supersedes"):
        build(paper(issue=2))


def test_many_rows_of_one_document_take_one_line_and_stay_in_the_content() -> None:
    many = tuple(SourceLine(f"bsf/{n}", "Backscatter table", "seen", sha256="b" * 64)
                 for n in range(147))  # fmt: skip
    given = paper(sources=(SOURCE, *many), rests_on_rows=("drl/1",))
    pdf = build(given)
    text = text_of(pdf)
    assert text.count("Backscatter table") == 1
    assert "147 rows" in text
    assert "bsf/0" in text
    assert "bsf/146" in text
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) <= 3
    attached = pypdf.PdfReader(io.BytesIO(pdf)).attachments["paper-content.json"][0]
    assert len(json.loads(attached)["sources"]) == 148


def test_what_a_verified_row_said_of_being_unverified_is_not_printed() -> None:
    line = SourceLine("a/b", "A document", "recalled", note="for 70 kV; VERIFY before use")
    assert _note(line) == "for 70 kV; VERIFY before use"
    verified = replace(line, verified_by="A. Person", verified_on=date(2026, 1, 2))
    assert _note(verified) == "for 70 kV"
