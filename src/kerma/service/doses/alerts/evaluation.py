"""Which thresholds a study passes; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q

from kerma.core import quantity
from kerma.service.doses.models import AlertRule, SkinDose, Study

# Quantity of a rule: columns of a study (the largest counts), and the unit they are kept in.
QUANTITIES: dict[str, tuple[tuple[str, ...], str]] = {
    "dlp": (("dlp_mgy_cm",), "mGy.cm"),
    "kap": (("kap_gy_m2",), "Gy.m2"),
    "dose_rp": (("dose_rp_gy",), "Gy"),
    "fluoro_time": (("fluoro_time_s",), "s"),
    "agd": (("agd_left_mgy", "agd_right_mgy"), "mGy"),
    "skin": ((), "mGy"),
}


@dataclass(frozen=True, slots=True)
class Passed:
    """A threshold passed, with the value in the rule's unit and the studies it adds up."""

    rule: AlertRule
    value: float
    studies: tuple[int, ...]


def passed(study: Study) -> list[Passed]:
    """Return the thresholds in force that a study passes.

    Test objects pass none. A dose that is not stated passes none: it is no dose of zero either, and
    is shown as missing where studies are listed.
    """
    if study.not_patient:
        return []
    found = []
    for rule in rules_for(study):
        value, studies = _value(rule, study)
        if value is not None and value >= rule.threshold:
            found.append(Passed(rule, value, studies))
    return found


def later(study: Study) -> list[Study]:
    """Return the patient's later studies that this one counts in, whenever it came.

    Reports arrive out of order: one that comes late can take a sum over its threshold.
    """
    rules = AlertRule.objects.filter(kind="cumulative", ended_at=None)
    longest = max((rule.weeks or 0 for rule in rules), default=0)
    if not longest or not study.patient_key or study.date is None or study.not_patient:
        return []
    until = study.date + timedelta(weeks=longest)
    rows = Study.objects.filter(
        patient_key=study.patient_key, not_patient="", date__gte=study.date, date__lt=until
    )
    return list(rows.exclude(pk=study.pk).defer("record").order_by("date", "pk"))


def rules_for(study: Study) -> Iterable[AlertRule]:
    """Return the rules in force that are about a study's kind, examination, system, employer."""
    employer = study.system.employer.pk if study.system else None
    return AlertRule.objects.filter(
        Q(modality="") | Q(modality=study.modality),
        Q(standard=None) | Q(standard=study.standard_name_id),
        Q(system=None) | Q(system=study.system_id),
        Q(employer=None) | Q(employer=employer),
        ended_at=None,
    )


def _value(rule: AlertRule, study: Study) -> tuple[float | None, tuple[int, ...]]:
    if rule.kind == "skin" or (rule.quantity == "skin" and rule.kind == "study"):
        return _as_rule(rule, _peak(study)), (study.pk,)
    if rule.kind == "study":
        return _as_rule(rule, _dose(rule.quantity, study)), (study.pk,)
    return _cumulative(rule, study)


def _as_rule(rule: AlertRule, kept: float | None) -> float | None:
    if kept is None:
        return None
    unit = QUANTITIES[rule.quantity][1]
    # Ten digits: what is left after a conversion of units must not pass or miss a threshold.
    return float(f"{quantity(kept, unit).to(rule.unit).value:.10g}")


def _dose(name: str, study: Study) -> float | None:
    values = [getattr(study, column) for column in QUANTITIES[name][0]]
    return max((v for v in values if v is not None), default=None)


def _peak(study: Study) -> float | None:
    latest = SkinDose.objects.filter(study=study).order_by("-id").first()
    return latest.peak_mgy if latest else None


def _cumulative(rule: AlertRule, study: Study) -> tuple[float | None, tuple[int, ...]]:
    """Add up a patient's studies of the rule's kind in the weeks that end with this one."""
    if not study.patient_key or study.date is None or not rule.weeks:
        return None, ()
    since = study.date - timedelta(weeks=rule.weeks)
    rows = Study.objects.filter(
        patient_key=study.patient_key, not_patient="", date__gt=since, date__lte=study.date
    ).defer("record")
    if rule.modality:
        rows = rows.filter(modality=rule.modality)
    if rule.standard_id:
        rows = rows.filter(standard_name=rule.standard_id)
    total, used = 0.0, []
    for other in rows.order_by("date", "pk"):
        dose = _peak(other) if rule.quantity == "skin" else _dose(rule.quantity, other)
        if dose is not None:
            total += dose
            used.append(other.pk)
    if len(used) < 2:
        return None, ()  # one study alone is the matter of another rule
    return _as_rule(rule, total), tuple(used)
