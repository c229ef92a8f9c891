"""A survey report as PDF/A."""

from __future__ import annotations

from kerma.reports.checks import check
from kerma.reports.content import SurveyReport
from kerma.reports.typesetting import typeset
from kerma.reports.view import view


def build(report: SurveyReport) -> bytes:
    """Typeset a survey report; see `kerma.reports.typesetting.typeset`.

    Raises
    ------
    InputError, IntegrityError
        The report contradicts itself or may not be issued; see `kerma.reports.checks.check`.
    TypesetError
        The typesetter refused it.

    """
    digest = report.content_hash
    check(report, digest)
    return typeset("survey.typ", report, view(report, digest))
