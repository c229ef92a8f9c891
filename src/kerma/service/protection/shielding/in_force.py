"""Which version of a design is in force: the one its newest issued paper was written from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kerma.service.protection.models import DesignVersion
from kerma.service.records.models import Issue, Paper

# Papers of a version that are not the design itself.
AS_BUILT = "As-built verification"
_SUBJECT = "designversion:"


@dataclass(frozen=True, slots=True)
class InForce:
    """A version in force and the issue of its report.

    Attributes
    ----------
    issue
        Key of the newest issue; ``None`` when the paper says it was issued and no issue is there.
    """

    design: int
    version: int
    number: int
    kept_at: datetime
    paper: int
    report: str
    issue: int | None
    issued_at: datetime | None


def in_force(designs: Iterable[int] | None = None) -> dict[int, InForce]:
    """Return what is in force of the designs with these keys, or of all, by key of the design.

    Four queries at most, whatever the number of designs.
    """
    wanted = None if designs is None else set(designs)
    if wanted is not None and not wanted:
        return {}
    papers = list(
        Paper.objects.filter(work="shielding", state="issued", subject__startswith=_SUBJECT)
        .exclude(report__title__startswith=AS_BUILT)
        .order_by("pk")
        .values_list("pk", "subject", "report_id", "report__number")
    )
    if not papers:
        return {}
    keys = {int(subject.removeprefix(_SUBJECT)) for _, subject, _, _ in papers}
    rows = DesignVersion.objects.order_by("pk").values_list("pk", "design_id", "number", "at")
    if wanted is not None and len(wanted) == 1:
        rows = rows.filter(design_id=next(iter(wanted)))
    versions = {r[0]: r for r in rows if r[0] in keys and (wanted is None or r[1] in wanted)}
    issues = dict[int, tuple[int, datetime]]()
    for report, pk, at in (
        Issue.objects.filter(report__kind="shielding")
        .order_by("pk")
        .values_list("report_id", "pk", "issued_at")
    ):
        issues[report] = (pk, at)
    found: dict[int, InForce] = {}
    for paper, subject, report, number in papers:
        version = versions.get(int(subject.removeprefix(_SUBJECT)))
        if version is None:
            continue
        issue = issues.get(report, (None, None))
        found[version[1]] = InForce(
            design=version[1], version=version[0], number=version[2], kept_at=version[3],
            paper=paper, report=number, issue=issue[0], issued_at=issue[1],
        )  # fmt: skip
    return found
