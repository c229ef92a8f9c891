"""What stops a report from being printed: it must not say what its data do not support."""

from __future__ import annotations

from kerma.core import InputError, IntegrityError
from kerma.reports.parts import SignedContent, SourceLine


def check(report: SignedContent, digest: str) -> None:
    """Refuse a report that contradicts itself or is not fit to be issued.

    Raises
    ------
    InputError
        ``no-time-zone``, ``unlisted-source``, ``no-reason`` (an amended issue without one);
        for an issued report also ``unverified-source`` and ``not-signed``.
    IntegrityError
        ``other-content``: a signature was made on content with another hash.

    """
    _check_times(report)
    _check_supersession(report)
    rested_on = sources_used(report)
    for signature in report.signing.signatures:
        if signature.content_hash != digest:
            raise IntegrityError(
                f"{signature.name} signed other content than this report's "
                f"({signature.content_hash[:12]}, not {digest[:12]}). Have it signed again.",
                code="other-content",
            )
    if report.signing.state == "issued":
        _check_issued(report, rested_on)


def sources_used(report: SignedContent) -> list[SourceLine]:
    """Return the sources that the report rests on, in the order they are listed.

    Raises
    ------
    InputError
        Code ``unlisted-source``.

    """
    named = report.rests_on()
    missing = sorted(named - {s.row for s in report.sources})
    if missing:
        raise InputError(
            f"The report rests on rows whose source is not listed: {', '.join(missing)}. "
            "Add the source to the report's content.",
            code="unlisted-source",
            detail={"rows": missing},
        )
    return [s for s in report.verified_sources() if s.row in named]


def _check_times(report: SignedContent) -> None:
    moments = [report.prepared_at, report.signing.issued_at]
    moments += [s.at for s in report.signing.signatures]
    if any(m is not None and m.tzinfo is None for m in moments):
        raise InputError(
            "A date-time in the report has no time zone, so it does not say when it was.",
            code="no-time-zone",
        )


def _check_supersession(report: SignedContent) -> None:
    old = report.supersedes
    amended = report.issue > 1 or old is not None
    if amended and (old is None or not old.reason.strip()):
        raise InputError(
            f"Issue {report.issue} must name the issue it supersedes and the reason.",
            code="no-reason",
        )


def _check_issued(report: SignedContent, rested_on: list[SourceLine]) -> None:
    unverified = [s.row for s in rested_on if not s.verified]
    if unverified:
        raise InputError(
            "The report rests on reference rows nobody has verified and cannot be issued: "
            f"{', '.join(unverified)}.",
            code="unverified-source",
            detail={"rows": unverified},
        )
    approved = any(s.meaning == "approved" for s in report.signing.signatures)
    if not approved or report.signing.issued_at is None:
        raise InputError(
            "An issued report needs the signature of whoever approved it and the time of issue.",
            code="not-signed",
        )
