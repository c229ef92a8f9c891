"""Reads of the instrument register."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from kerma.service.instruments.models import Certificate, Factor, Instrument, kind_text


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


# Pages --------------------------------------------------------------------------------------------

SOON_DAYS = 60


def filtered(query: dict[str, Any]) -> QuerySet[Instrument]:
    """Return instruments narrowed by words, kind, and whether they are retired."""
    rows = Instrument.objects.prefetch_related("certificates")
    for word in query.get("q", "").split():
        rows = rows.filter(
            Q(manufacturer__icontains=word)
            | Q(model__icontains=word)
            | Q(serial__icontains=word)
            | Q(key__icontains=word)
            | Q(certificates__number__icontains=word)
        )
    if query.get("kind"):
        rows = rows.filter(kind=query["kind"])
    if not query.get("retired"):
        rows = rows.filter(retired_on=None)
    return rows.distinct()


def kinds() -> list[tuple[str, str]]:
    """Return the kinds of instrument there are."""
    found = Instrument.objects.order_by("kind").values_list("kind", flat=True).distinct()
    return [(kind, kind_text(kind)) for kind in found]


def last_certificate(instrument: Instrument, on: date) -> Certificate | None:
    """Return the newest certificate that had begun by a day, in force or not."""
    begun = [c for c in instrument.certificates.all() if c.calibrated_on <= on]
    return max(begun, key=lambda c: c.calibrated_on, default=None)


def state_of(instrument: Instrument, on: date) -> str:
    """Say how an instrument stands on a day.

    One of ``retired``, ``quarantined``, ``not needed``, ``never calibrated``, ``out of
    calibration``, ``due soon`` or ``in calibration``.
    """
    if instrument.retired_on and instrument.retired_on <= on:
        return "retired"
    if instrument.quarantined_on and instrument.quarantined_on <= on:
        return "quarantined"
    if not instrument.needs_calibration:
        return "not needed"
    if last_certificate(instrument, on) is None:
        return "never calibrated"
    current = certificate_in_force(instrument, on)
    if current is None:
        return "out of calibration"
    return "due soon" if current.due_on <= on + timedelta(days=SOON_DAYS) else "in calibration"


def used_since(instrument: Instrument, since: date) -> QuerySet[Any]:
    """Return the surveys that relied on an instrument from a day on: the impact search.

    A survey counts when a live reading names the instrument or the instrument was assigned to it;
    `uses` is the number of its live readings.
    """
    from kerma.service.testing.models import Survey

    live = Q(readings__instrument=instrument, readings__struck_at=None)
    return (
        Survey.objects.filter(performed_on__gte=since)
        .filter(live | Q(instruments__instrument=instrument))
        .annotate(uses=Count("readings", filter=live, distinct=True))
        .select_related("system__room__site__employer", "performer")
        .defer("protocol_text")
        .order_by("-performed_on", "-pk")
    )
