"""Finding a patient's studies by identifier. The identifier is hashed, compared and forgotten."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet

from kerma.core import InputError
from kerma.service.doses import selectors
from kerma.service.doses.identity import pseudonym
from kerma.service.doses.models import Study
from kerma.service.estate.models import Employer
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log

SUBJECT = "doses:patients"


def _reason(text: str) -> str:
    if len(text.strip()) < 5:
        raise InputError("Say why: it is written to the event log.", code="no-reason")
    return text.strip()[:300]


def _keys(identifier: str, issuers: Iterable[str]) -> list[str]:
    employers = ["", *Employer.objects.values_list("key", flat=True)]
    return [pseudonym(e, identifier, issuer) for e in employers for issuer in issuers]


@transaction.atomic
def patient_find(*, by: Person, identifier: str, issuer: str, reason: str) -> list[str]:
    """Return the keys under which studies of an identifier are stored; write down who asked why.

    Parameters
    ----------
    by, reason
        Who asks, and why. Both are written to the log whether anything is found or not; the
        identifier is not.
    identifier, issuer
        As the devices send them. One sent without its issuer has another key: both are tried.

    Raises
    ------
    NotEntitled
        The person may not look patients up.
    InputError
        ``no-reason``; ``no-identifier``.
    """
    demand("identify", by=by, work="doses", subject=SUBJECT)
    why = _reason(reason)
    if not identifier.strip():
        raise InputError("Give the identifier as the devices send it.", code="no-identifier")
    keys = _keys(identifier, dict.fromkeys(("", issuer)))
    rows = selectors.studies(by).filter(patient_key__in=keys)
    found = list(rows.order_by("patient_key").values_list("patient_key", flat=True).distinct())
    log.append(
        actor=by, kind="patient.looked-up", subject=SUBJECT,
        text=f"Looked up a patient by identifier: {rows.count()} studies found. Reason: {why}",
        data={"keys": [k[:12] for k in found]},
    )  # fmt: skip
    return found


@transaction.atomic
def keys_export(*, by: Person, rows: QuerySet[Study], reason: str) -> QuerySet[Study]:
    """Allow an export that carries patient keys, and write down who took how much and why.

    Raises
    ------
    NotEntitled
        The person may not.
    InputError
        ``no-reason``.
    """
    demand("identify", by=by, work="doses", subject=SUBJECT)
    why = _reason(reason)
    text = f"Exported {rows.count()} studies with patient keys. Reason: {why}"
    log.append(actor=by, kind="patient.exported", subject=SUBJECT, text=text)
    return rows
