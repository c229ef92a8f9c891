"""Writes to the instrument register: certificates, quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import transaction

from kerma.core import InputError
from kerma.service.instruments.models import Certificate, Factor, Instrument
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log, store


@transaction.atomic
def certificate_add(
    *,
    by: Person,
    instrument: Instrument,
    number: str,
    laboratory: str,
    calibrated_on: date,
    due_on: date,
    accreditation: str = "",
    factors: Sequence[dict[str, Any]] = (),
    document: tuple[str, bytes] | None = None,
) -> Certificate:
    """Record a calibration certificate with its factors and, if given, its document.

    Raises
    ------
    InputError
        The dates are the wrong way round, the number is taken, or a factor is not positive.
    """
    demand("edit", by=by, work="plan", subject=log.subject_of(instrument))
    if due_on <= calibrated_on:
        raise InputError("The next calibration must be due after this one.", code="bad-dates")
    if instrument.certificates.filter(number=number.strip()).exists():
        raise InputError(
            f"Certificate {number} is recorded for this instrument already.", code="duplicate"
        )
    if any(f["factor"] <= 0 for f in factors):
        raise InputError("A calibration factor is greater than zero.", code="bad-factor")
    kept = None
    if document:
        name, content = document
        kept = store.keep(by=by, content=content, name=name, media_type="application/octet-stream")
    certificate = Certificate.objects.create(
        instrument=instrument, number=number.strip(), laboratory=laboratory.strip(),
        accreditation=accreditation.strip(), calibrated_on=calibrated_on, due_on=due_on,
        document=kept,
    )  # fmt: skip
    kept_factors = [Factor.objects.create(certificate=certificate, **f) for f in factors]
    said = ", ".join(f"{f['quantity']} {f['factor']:g}" for f in factors) or "no factors"
    log.append(
        actor=by,
        kind="certificate.added",
        subject=instrument,
        text=f"Certificate {certificate.number} of {instrument} recorded ({said})",
        data={"due_on": due_on.isoformat()},
        seals=[certificate, *kept_factors],
    )
    return certificate


@transaction.atomic
def quarantine(*, by: Person, instrument: Instrument, on: date, reason: str) -> Instrument:
    """Take an instrument out of use from a day on; reports that rest on it can no longer issue."""
    demand("edit", by=by, work="plan", subject=log.subject_of(instrument))
    if not reason.strip():
        raise InputError("Say why the instrument is not to be relied on.", code="blank")
    if instrument.quarantined_on:
        raise InputError("This instrument is in quarantine already.", code="bad-state")
    instrument.quarantined_on, instrument.quarantine_reason = on, reason.strip()
    instrument.save(update_fields=["quarantined_on", "quarantine_reason"])
    log.append(
        actor=by,
        kind="instrument.quarantined",
        subject=instrument,
        text=f"{instrument} quarantined from {on:%-d %b %Y}: {reason.strip()}",
        data=_state(instrument),
        seals=[instrument],
    )
    return instrument


@transaction.atomic
def release(*, by: Person, instrument: Instrument, reason: str) -> Instrument:
    """End an instrument's quarantine, saying what was found."""
    demand("edit", by=by, work="plan", subject=log.subject_of(instrument))
    if not reason.strip():
        raise InputError("Say what was found and why it may be used again.", code="blank")
    if not instrument.quarantined_on:
        raise InputError("This instrument is not in quarantine.", code="bad-state")
    instrument.quarantined_on, instrument.quarantine_reason = None, ""
    instrument.save(update_fields=["quarantined_on", "quarantine_reason"])
    log.append(
        actor=by,
        kind="instrument.released",
        subject=instrument,
        text=f"{instrument} released from quarantine: {reason.strip()}",
        data=_state(instrument),
        seals=[instrument],
    )
    return instrument


def _state(instrument: Instrument) -> dict[str, Any]:
    on = instrument.quarantined_on
    return {
        "state": {
            f"instruments.instrument:{instrument.pk}": {
                "quarantined_on": on.isoformat() if on else ""
            }
        }
    }
