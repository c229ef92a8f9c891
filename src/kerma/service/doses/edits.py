"""Corrections people make to a study; they stand over whatever its devices send later."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError
from kerma.service.doses.models import StandardName, Study, StudyEdit
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log

# Heights and masses outside these are misspelt units, not people. Design choice.
_LIMITS = {"height_m": (0.2, 2.6), "mass_kg": (0.2, 400.0)}
_MODALITIES = ("CT", "RF", "DX", "MG", "PX", "NM")


@transaction.atomic
def study_correct(
    *, by: Person | None, study: Study, field: str, value: str, reason: str
) -> StudyEdit:
    """Correct one fact of a study, with a reason; what was there before stays on record.

    Raises
    ------
    InputError
        ``bad-field``, ``bad-value`` or ``no-reason``.
    """
    if by is not None:
        demand("ingest", by=by, work="doses", subject=log.subject_of(study))
    if not reason.strip():
        raise InputError("Say why this is corrected.", code="no-reason")
    study = Study.objects.select_for_update().get(pk=study.pk)
    was = _shown(study, field)
    _set(study, field, value.strip())
    study.changed_at = timezone.now()
    study.save()
    edit = StudyEdit(
        study=study, field=field, value=value.strip()[:200], was=was[:200],
        reason=reason.strip()[:300], by=by, at=timezone.now(),
    )  # fmt: skip
    edit.save()
    log.append(
        actor=by, kind="dose.corrected", subject=study,
        text=f"{edit.get_field_display()}: {was or 'nothing'} to {edit.value or 'nothing'}",
        data={"reason": edit.reason}, seals=[edit],
    )  # fmt: skip
    return edit


def stand(study: Study) -> None:
    """Put a study's corrections over what was just read; the latest of each field counts."""
    if study.pk is None:
        return
    latest = {edit.field: edit.value for edit in study.edits.all()}
    for field, value in latest.items():
        _set(study, field, value)


def corrected(study: Study) -> set[str]:
    """Return the fields a person has corrected."""
    return set(study.edits.values_list("field", flat=True)) if study.pk else set()


def _shown(study: Study, field: str) -> str:
    if field == "standard_name":
        return study.standard_name.key if study.standard_name else ""
    held = getattr(study, field, None)
    return "" if held is None else str(held)


def _set(study: Study, field: str, value: str) -> None:
    if field in _LIMITS:
        setattr(study, field, _number(field, value))
    elif field == "standard_name":
        study.standard_name = StandardName.objects.filter(key=value).first() if value else None
        if value and study.standard_name is None:
            raise InputError(f"There is no standard name “{value}”.", code="bad-value")
        study.named_by = None
    elif field == "not_patient":
        study.not_patient = value[:200]
    elif field == "modality":
        if value not in _MODALITIES:
            raise InputError(f"The kind is one of {', '.join(_MODALITIES)}.", code="bad-value")
        study.modality = value
    else:
        raise InputError(f"“{field}” cannot be corrected here.", code="bad-field")


def _number(field: str, value: str) -> float | None:
    if not value:
        return None
    low, high = _LIMITS[field]
    words: dict[str, Any] = {"height_m": "a height in metres", "mass_kg": "a mass in kilograms"}
    try:
        number = float(value)
    except ValueError:
        raise InputError(f"“{value}” is not {words[field]}.", code="bad-value") from None
    if not low <= number <= high:
        raise InputError(
            f"{value} is not {words[field]}; it lies between {low:g} and {high:g}.",
            code="bad-value",
        )
    return number
