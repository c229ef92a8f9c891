"""The survey report as a PDF: what is in it, that it is always the same, what stops it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pypdf
import pytest

from kerma.core import InputError, IntegrityError, KermaError, Verdict
from kerma.reports import words
from kerma.reports.content import (
    Headline,
    ResultRow,
    SurveyReport,
    SystemIdentity,
)
from kerma.reports.parts import (
    Organisation,
    Signing,
    Verification,
)
from kerma.reports.survey import build
from tests.reports import example


def text_of(pdf: bytes) -> str:
    """All text on one line, without the invisible break points of long words."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    joined = " ".join(page.extract_text() for page in pages)
    return re.sub(r"\s+", " ", joined.replace("\u200b", ""))


@cache
def issued() -> tuple[SurveyReport, bytes, str]:
    report = example.issued()
    pdf = build(report)
    return report, pdf, text_of(pdf)


@cache
def draft() -> SurveyReport:
    return replace(example.draft(), charts=(), pictures=())


def test_same_content_same_bytes() -> None:
    report, pdf, _ = issued()
    assert build(SurveyReport.from_dict(report.as_dict())) == pdf


def test_same_bytes_in_another_process_time_zone_and_hash_seed() -> None:
    _, pdf, _ = issued()
    code = (
        "import hashlib; from tests.reports import example; from kerma.reports.survey import build;"
        "print(hashlib.sha256(build(example.issued())).hexdigest())"
    )
    env = {**os.environ, "TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env, capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.strip() == hashlib.sha256(pdf).hexdigest()


def test_every_verdict_result_level_and_source_is_printed() -> None:
    report, _, text = issued()
    for row in report.results:
        assert row.title in text
        assert str(row.verdict).capitalize() in text.replace("\u00a0", " ")
    for said in ("86.20 ± 0.90", "51.3 ± 1.4", "118.0 ± 5.8", "1.320 ± 0.020", "Satisfactory"):
        assert said in text
    for level in ("±5 % of nominal [1]", "≤ 100 mGy/min [2]", "≥ 2.9 mm Al [2]", "[3]"):
        assert level in text
    for source in report.sources:
        assert source.document in text
        assert source.row in text
        assert source.edition in text
        assert source.confidence in text
        assert source.verified_by in text


def test_every_signature_is_printed_as_at_signing() -> None:
    report, _, text = issued()
    for signature in report.signing.signatures:
        for part in (signature.name, signature.role, signature.registration, signature.credential):
            assert part in text
    assert "25 Nov 2026, 14:05 UTC" in text
    assert "Measured" in text
    assert "Checked" in text
    assert "Approved" in text


def test_identity_instruments_findings_and_standing_text_are_printed() -> None:
    report, _, text = issued()
    system = report.system
    for part in (
        report.employer.name, report.site.name, report.room, report.purpose, report.protocol.title,
        system.maker, system.model, system.serial, system.software, "T-11820", "2019", "2020",
        "C-2219", "kV 1.004", "2 Mar 2027", "lapsed before the survey", "Urgent", "21 Dec 2026",
        "A-2026-0311", "Near limit", "JCGM 106:2012", "mm⁻¹", "µGy/mAs", "Radiology Manager",
        "planar-mtf-edge", "mean(kv_60)", "Engineer to recalibrate", words.DEMO,
        "Suitable for clinical use with conditions", "High-dose mode stays disabled",
        "decision to use the equipment is the employer",
    ):  # fmt: skip
        assert part in text, part
    for row in report.results:
        if row.verdict is not Verdict.PASS:
            assert row.reason in text.replace("\u00a0", " ")


def test_an_amended_issue_says_why_and_what_changed() -> None:
    report, _, text = issued()
    assert report.supersedes is not None
    assert "Issue 2 supersedes issue 1" in text
    assert report.supersedes.reason in text.replace("\u00a0", " ")
    assert "56.8 ± 1.4 µGy/mAs, remedial" in text.replace("\u00a0", " ")


def test_every_page_is_numbered_and_names_report_issue_and_content() -> None:
    report, pdf, _ = issued()
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    for number, page in enumerate(pages, start=1):
        text = page.extract_text()
        assert f"Page {number} of {len(pages)}" in text
        assert f"{report.report_number}, issue {report.issue}" in text
        assert report.content_hash[:12] in text
        assert words.DEMO in text


def test_printed_hash_is_the_content_hash_and_that_of_the_attachment() -> None:
    report, pdf, text = issued()
    assert report.content_hash in text
    ((name, blobs),) = pypdf.PdfReader(io.BytesIO(pdf)).attachments.items()
    assert name in text
    assert hashlib.sha256(blobs[0]).hexdigest() == report.content_hash
    assert SurveyReport.from_dict(json.loads(blobs[0])).results == report.results


def test_pdf_is_tagged_pdf_a_3a_with_the_time_of_issue() -> None:
    report, pdf, _ = issued()
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    xmp = reader.trailer["/Root"]["/Metadata"].get_data().decode()  # type: ignore[index]
    assert "<pdfaid:part>3</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in xmp
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
    assert "/StructTreeRoot" in reader.trailer["/Root"]  # type: ignore[operator]
    assert reader.metadata is not None
    assert reader.metadata.creation_date == report.signing.issued_at
    assert reader.metadata.title == "SQ-2026-014 issue 2: DR 1, general room"
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    assert all(re.match(r"/[A-Z]{6}\+", name) for name in fonts), "a font is not embedded"


def test_one_changed_value_changes_hash_and_pdf() -> None:
    report, pdf, _ = issued()
    row = report.results[0]
    assert row.value is not None
    other = replace(
        report, results=(replace(row, value=replace(row.value, value=60.91)), *report.results[1:])
    )
    assert other.content_hash != report.content_hash
    with pytest.raises(IntegrityError) as refused:
        build(other)
    assert refused.value.code == "other-content"
    assert build(example.signed(other)) != pdf


def test_signing_does_not_change_the_hash_that_was_signed() -> None:
    assert example.signed(draft()).content_hash == draft().content_hash


def test_a_draft_says_so_on_every_page_and_an_issued_report_does_not() -> None:
    _, _, text = issued()
    assert words.DRAFT not in text
    pdf = build(draft())
    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        # Once in the footer; the large one behind the text is drawn letter by letter.
        assert words.DRAFT in page.extract_text()
    assert words.NO_SIGNATURES in text_of(pdf)


def test_no_demo_banner_on_a_real_report() -> None:
    assert words.DEMO not in text_of(build(replace(draft(), demo=False)))


HOSTILE = (
    '#panic("x") $x^2$ @ref *b* _i_ \\ "q" \'s\' `c` <l> [a] {b} // c /* d */ = h #sys.inputs '
    "https://x.example %s &amp; ~ -- ---"
)
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


def hostile() -> SurveyReport:
    base = draft()
    rows = tuple(
        replace(r, title=f"{HOSTILE} {i}", setup=HOSTILE, reason=HOSTILE, note=LONG_WORD * 3)
        for i, r in enumerate(base.results)
    )
    return replace(
        base,
        report_number="#1/$2",
        service=Organisation(HOSTILE),
        employer=Organisation(HOSTILE),
        room=LONG_WORD,
        purpose=HOSTILE,
        system=SystemIdentity(
            HOSTILE, HOSTILE, serial=LONG_WORD, components=base.system.components
        ),
        headline=Headline("do not use", HOSTILE, (HOSTILE,), HOSTILE),
        summary=(HOSTILE,),
        findings=tuple(replace(f, action=HOSTILE, owner=LONG_WORD) for f in base.findings),
        results=rows,
        sources=tuple(replace(s, document=HOSTILE) for s in base.sources),
        distribution=(HOSTILE,),
    )


def test_markup_in_the_data_is_printed_literally() -> None:
    squeezed = re.sub(r"\s", "", text_of(build(hostile())))
    for piece in ('#panic("x")', "$x^2$", "@ref", "*b*", "_i_", "\\", "<l>", "#sys.inputs", "---"):
        assert piece in squeezed, piece
    assert squeezed.count(re.sub(r"\s", "", HOSTILE)) >= 20


def test_long_words_stay_on_the_page() -> None:
    reader = pypdf.PdfReader(io.BytesIO(build(hostile())))
    width = float(reader.pages[0].mediabox.width)
    for page in reader.pages:
        starts: list[float] = []
        page.extract_text(
            visitor_text=lambda text, _c, tm, _f, _s, seen=starts: (
                seen.append(tm[4]) if text.strip() else None
            )
        )
        assert max(starts) < width - 40
    assert LONG_WORD in re.sub(r"\s", "", text_of(build(hostile())))


def test_a_report_without_results_claims_nothing() -> None:
    bare = replace(draft(), results=(), findings=(), sources=(), supersedes=None, issue=1)
    text = text_of(build(bare))
    assert words.NO_RESULTS in text
    assert words.NOTHING_JUDGED in text
    assert words.NOTHING_EXCEEDED not in text


def test_an_exceeded_level_without_an_action_is_named() -> None:
    text = text_of(build(replace(draft(), findings=())))
    assert "no action is stated for: Tube voltage, 81 kV; Entrance air kerma rate" in text


def test_two_hundred_results() -> None:
    base = draft()
    rows: tuple[ResultRow, ...] = tuple(
        replace(r, test_id=f"{r.test_id}-{i}", title=f"{r.title} no. {i}")
        for i in range(16)
        for r in base.results
    )
    text = text_of(build(replace(base, results=rows)))
    assert all(r.title in text for r in rows)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda r: replace(r, prepared_at=datetime(2026, 1, 1)), "no-time-zone"),
        (lambda r: replace(r, sources=r.sources[:1]), "unlisted-source"),
        (lambda r: replace(r, supersedes=None), "no-reason"),
        (lambda r: replace(r, signing=Signing("issued", (), None)), "not-signed"),
        (
            lambda r: example.signed(
                replace(r, sources=tuple(replace(s, verified_by="") for s in r.sources))
            ),
            "unverified-source",
        ),
        (
            lambda r: replace(r, pictures=(replace(example.picture(), png=b"GIF89a"),)),
            "not-png",
        ),
    ],
)
def test_refusals(change: object, code: str) -> None:
    with pytest.raises(InputError) as refused:
        build(change(draft()))  # type: ignore[operator]
    assert refused.value.code == code


def test_unverified_row_shows_in_a_draft() -> None:
    rows = tuple(replace(s, verified_on=None) for s in draft().sources)
    assert "Not verified" in text_of(build(replace(draft(), sources=rows)))


def test_row_verified_after_the_draft_counts_for_its_own_content_only() -> None:
    rows = tuple(replace(s, verified_by="", verified_on=None) for s in draft().sources)
    report = example.signed(replace(draft(), sources=rows))
    made = tuple(Verification(s.row, s.sha256, "Dr N. Later", date(2026, 11, 25)) for s in rows)
    later = replace(report, signing=replace(report.signing, verifications=made))
    assert later.content_hash == report.content_hash
    assert "Dr N. Later, 25 Nov 2026" in text_of(build(later)).replace("\u00a0", " ")
    changed = tuple(replace(v, sha256="00" * 32) for v in made)
    with pytest.raises(InputError) as refused:
        build(replace(report, signing=replace(report.signing, verifications=changed)))
    assert refused.value.code == "unverified-source"


def test_damaged_chart_is_a_typeset_error_not_a_crash() -> None:
    chart = example.Chart("Trend", "<svg", "alt")
    with pytest.raises(KermaError) as refused:
        build(replace(draft(), charts=(chart,)))
    assert refused.value.code == "typeset"


def test_issue_time_may_be_in_summer_time() -> None:
    assert "UTC+1" not in text_of(build(draft()))
    bst = datetime.fromisoformat("2026-07-01T10:00:00+01:00")
    text = text_of(build(replace(draft(), prepared_at=bst)))
    assert "1 Jul 2026, 10:00 UTC+1" in text.replace("\u00a0", " ")
    assert bst.astimezone(UTC).hour == 9
