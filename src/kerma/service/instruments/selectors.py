"""Reads of the instrument register."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import QuerySet

from kerma.service.instruments.models import Certificate, Factor, Instrument


def certificate_in_force(instrument: Instrument, on: date) -> Certificate | None:
    """Return the newest certificate that covers a day, or ``None``."""
    found = [c for c in instrument.certificates.all() if c.in_force(on)]
    return max(found, key=lambda c: c.calibrated_on, default=None)


def calibration_problem(instrument: Instrument, on: date) -> str:
    """Say why an instrument may not be relied on that day; empty when it may."""
    if instrument.quarantined_on and instrument.quarantined_on <= on:
        return f"{instrument} is quarantined: {instrument.quarantine_reason}."
    if instrument.retired_on and instrument.retired_on <= on:
        return f"{instrument} was retired on {instrument.retired_on:%-d %b %Y}."
    if not instrument.needs_calibration or certificate_in_force(instrument, on):
        return ""
    last = max((c.due_on for c in instrument.certificates.all()), default=None)
    when = f"its calibration ran out on {last:%-d %b %Y}" if last else "it has no certificate"
    return f"{instrument} was out of calibration on {on:%-d %b %Y}: {when}."


@dataclass(frozen=True, slots=True)
class Correction:
    """A calibration factor and its relative standard uncertainty."""

    factor: float
    u_relative: float | None


def correction(
    certificate: Certificate | None, quantity: str, *, mammographic: bool = False
) -> Correction:
    """Return the factor for a quantity; without one on the certificate, 1 and no uncertainty.

    Mammographic beams take a factor determined in a mammographic quality (RQR-M, RQA-M of
    IEC 61267) where the certificate has one; general beams never do.
    """
    found: Factor | None = None
    if certificate:
        fitting = [f for f in certificate.factors.all() if f.quantity == quantity]
        exact = [f for f in fitting if f.beam_quality.endswith("-M") is mammographic]
        found = next(iter(exact or ([] if not mammographic else fitting)), None)
    if found is None:
        return Correction(1.0, None)
    relative = found.u_percent / 100 / found.k if found.u_percent is not None else None
    return Correction(found.factor, relative)


def instruments() -> QuerySet[Instrument]:
    """Return the register with certificates."""
    return Instrument.objects.prefetch_related("certificates__factors")


def running_out(on: date, days: int = 60) -> list[tuple[Instrument, date]]:
    """Return instruments in use whose last certificate ends within `days` (or has ended)."""
    found = []
    for instrument in instruments().filter(retired_on=None, needs_calibration=True):
        due = max((c.due_on for c in instrument.certificates.all()), default=None)
        if due is not None and due <= on + timedelta(days=days):
            found.append((instrument, due))
    return sorted(found, key=lambda pair: pair[1])
