"""Signatures and verifications as a report prints them."""

from __future__ import annotations

from django.utils import timezone

from kerma.reports.parts import Signature, SignedContent, Signing, Verification
from kerma.service.records.selectors import signatures, verifications


def signing_of(report: SignedContent, subject: str, content_sha256: str) -> Signing:
    """Return who signed this content, and which of its sources have been verified since.

    The report counts as issued once somebody approved exactly this content.
    """
    signed = [s for s in signatures(subject) if s.content_sha256 == content_sha256]
    printed = tuple(
        Signature(
            name=s.person.name,
            meaning=s.meaning,
            role=", ".join(c["title"] for c in s.capacity),
            at=timezone.localtime(s.at),
            content_hash=s.content_sha256,
            registration=", ".join(c["credential"] for c in s.capacity if c["credential"]),
        )
        for s in signed
    )
    approved = max((s.at for s in signed if s.meaning == "approved"), default=None)
    standing = verifications({source.row for source in report.sources})
    return Signing(
        state="issued" if approved else "draft",
        signatures=printed,
        verifications=tuple(
            Verification(v.row, v.sha256, v.by.name, timezone.localdate(v.at))
            for v in standing.values()
        ),
        issued_at=timezone.localtime(approved) if approved else None,
    )
