"""Estimates of dose in the body, each kept with everything it was worked out from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError, quantity
from kerma.physics import ct, fetal
from kerma.physics.calculation import Calculation
from kerma.service.doses.models import Estimate, Study
from kerma.service.doses.storing_record import unpacked
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.sealing import settled


@dataclass(frozen=True, slots=True)
class Stated:
    """What a CT study states for an estimate; each is missing where devices disagree on it."""

    dlp_mgy_cm: float | None
    ctdivol_mgy: float | None
    phantom: str
    diameter_mm: float | None


def stated(study: Study) -> Stated:
    """Return DLP, mean CTDIvol, phantom and size as the study's events state them."""
    from kerma.doses.rows import event_rows, study_row

    record = unpacked(study)
    whole = study_row(record, {})
    events = list(event_rows(record, {}))
    known = [e for e in events if e["ctdivol_mgy"] is not None and e["dlp_mgy_cm"]]
    sizes = [e["size_mm"] for e in events if e["size_mm"] is not None]
    # The CTDIvol of the whole scan is the average over its length, DLP over length.
    length = sum(e["dlp_mgy_cm"] / e["ctdivol_mgy"] for e in known if e["ctdivol_mgy"])
    mean = sum(e["dlp_mgy_cm"] for e in known) / length if length else None
    size = sum(sizes) / len(sizes) if sizes else None
    return Stated(whole["dlp_mgy_cm"], mean, whole["phantom"] or "", size)


@transaction.atomic
def ssde_make(*, by: Person, study: Study, diameter_mm: float, region: str) -> Estimate:
    """Estimate the size-specific dose of a CT study.

    Raises
    ------
    InputError
        ``not-stated``, and those of `kerma.physics.ct.ssde`.
    """
    said = stated(study)
    if said.ctdivol_mgy is None:
        raise InputError("This study states no CTDIvol.", code="not-stated")
    made = ct.ssde(
        quantity(said.ctdivol_mgy, "mGy"), quantity(diameter_mm, "mm"),
        phantom=said.phantom, region=region,
    )  # fmt: skip
    return _kept(by, study, "ssde", made, f"{region}, {said.phantom} phantom")


@transaction.atomic
def effective_dose_make(
    *,
    by: Person,
    study: Study,
    set_name: str,
    region: str,
    age: str,
    kv: str = "",
    weighting: str = "",
) -> Estimate:
    """Estimate the effective dose of a CT study by one named set of coefficients.

    Raises
    ------
    InputError
        ``not-stated``, and those of `kerma.physics.ct.effective_dose`.
    """
    said = stated(study)
    if said.dlp_mgy_cm is None:
        raise InputError("This study states no DLP.", code="not-stated")
    made = ct.effective_dose(
        quantity(said.dlp_mgy_cm, "mGy.cm"), set_name=set_name, region=region, age=age, kv=kv,
        weighting=weighting, phantom=said.phantom,
    )  # fmt: skip
    return _kept(by, study, "effective", made, f"{set_name}, {region}")


@transaction.atomic
def fetal_make(*, by: Person, study: Study, examination: str) -> Estimate:
    """Keep the typical fetal dose of an examination for a study.

    Raises
    ------
    InputError
        ``sex``: the study is of a man; ``unknown-examination``.
    """
    if study.sex == "M":
        raise InputError("The study says that the patient is a man.", code="sex")
    return _kept(by, study, "fetal", fetal.typical(examination), f"typical, {examination}")


@transaction.atomic
def cumulative_make(*, by: Person, study: Study, weeks: int, set_name: str) -> Estimate:
    """Add up a patient's effective doses by one set over the weeks that end with a study.

    Only estimates already made by that set are added; studies without one are counted and named, so
    that the sum is never taken for the whole.

    Raises
    ------
    InputError
        ``no-patient``; ``no-estimates``.
    """
    demand("perform", by=by, work="patient_estimate", subject=log.subject_of(study))
    if not study.patient_key or study.date is None:
        raise InputError("This study has no patient key, so nothing can be added to it.",
                         code="no-patient")  # fmt: skip
    since = study.date - timedelta(weeks=weeks)
    studies = Study.objects.filter(
        patient_key=study.patient_key, not_patient="", date__gt=since, date__lte=study.date
    ).defer("record")
    total, used, without = 0.0, [], 0
    for item in studies:
        known = item.estimates.filter(kind="effective", method__startswith=f"{set_name},").first()
        if known is None:
            without += 1
            continue
        total += known.value
        used.append({"study": item.pk, "date": str(item.date), "value": known.value})
    if not used:
        raise InputError(
            f"No study of this patient has an effective dose by {set_name} yet.",
            code="no-estimates",
        )
    record = {
        "title": "Cumulative effective dose", "set": set_name, "weeks": weeks, "studies": used,
        "without": without,
        "limits": ["A sum of effective doses of reference persons; it is for the record and for "
                   "justification of the next examination, not an individual's risk.",
                   f"{without} examination{'s' * (without != 1)} of the period without an "
                   "estimate by this set are not in the sum."],
    }  # fmt: skip
    return _row(by, study, "cumulative", f"{set_name}, {weeks} weeks", total, None, "mSv", record)


def _kept(by: Person, study: Study, kind: str, made: Calculation, method: str) -> Estimate:
    demand("perform", by=by, work="patient_estimate", subject=log.subject_of(study))
    record = {**made.as_dict(), "text": made.text()}
    return _row(by, study, kind, method, made.value.value, made.value.u, str(made.value.unit),
                record)  # fmt: skip


def _row(
    by: Person,
    study: Study,
    kind: str,
    method: str,
    value: float,
    u: float | None,
    unit: str,
    record: dict[str, object],
) -> Estimate:
    from kerma.core import content_hash

    plain = settled(record)
    made = Estimate(
        study=study, kind=kind, method=method[:120], value=value, u=u, unit=unit, record=plain,
        record_sha256=content_hash(plain), at=timezone.now(), by=by,
    )  # fmt: skip
    made.save()
    log.append(actor=by, kind="dose.estimated", subject=study, text=str(made), seals=[made])
    return made
