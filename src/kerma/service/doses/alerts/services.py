"""Writes of dose alerts: thresholds, alerts raised once, and what people did about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from kerma.core import InputError, quantity, unit
from kerma.service.doses.alerts.evaluation import QUANTITIES, Passed, later, passed
from kerma.service.doses.models import Alert, AlertEntry, AlertRule, Study
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log

_SENT = "Notice sent"
# From which state an alert may go where; it never goes back.
_NEXT = {
    "raised": ("acknowledged", "investigated", "closed"),
    "acknowledged": ("investigated", "closed"),
    "investigated": ("closed",),
    "closed": (),
}


@transaction.atomic
def rule_set(
    *, by: Person, name: str, kind: str, quantity_key: str, threshold: float, symbol: str,
    source: str, weeks: int | None = None, **about: Any,
) -> AlertRule:  # fmt: skip
    """Set a threshold.

    Parameters
    ----------
    kind
        ``study``, ``cumulative`` (needs `weeks`) or ``skin``.
    quantity_key, threshold, symbol
        What is compared, with what, in which unit.
    source
        Whose threshold it is and why; one without a source is refused.
    by, name, weeks
        Who sets it, under which name; the window of a cumulative one.
    about
        ``modality``, ``standard``, ``system``, ``employer`` it is limited to.

    Raises
    ------
    InputError
        ``blank``, ``bad-rule``, ``bad-threshold``, ``unknown-unit``, ``other-unit``.
    """
    demand("configure", by=by, work="doses", subject="doses:alerts")
    if not name.strip() or not source.strip():
        raise InputError("Give the threshold a name, and say whose it is and why.", code="blank")
    if kind not in dict(AlertRule.KINDS) or quantity_key not in QUANTITIES:
        raise InputError("There is no such kind of threshold.", code="bad-rule")
    if (kind == "cumulative") != bool(weeks):
        raise InputError(
            "A threshold of a patient's studies together needs a number of weeks, and no other "
            "has one.",
            code="bad-rule",
        )
    if not threshold > 0.0 or threshold == float("inf"):
        raise InputError("A threshold is above zero.", code="bad-threshold")
    kept = QUANTITIES[quantity_key][1]
    if not unit(symbol).same_kind(unit(kept)):
        raise InputError(
            f"{quantity(1, symbol)} is not a unit of this dose; use one like {kept}.",
            code="other-unit",
        )
    rule = AlertRule(
        name=name.strip()[:120], kind=kind, quantity=quantity_key, threshold=threshold,
        unit=symbol, weeks=weeks, source=source.strip()[:300], set_by=by, set_at=timezone.now(),
        **about,
    )  # fmt: skip
    rule.save()
    log.append(
        actor=by, kind="alert.rule", subject=rule, seals=[rule],
        text=f"Alert threshold: {rule.name}, {threshold:g} {symbol}",
    )  # fmt: skip
    return rule


@transaction.atomic
def rule_end(*, by: Person, rule: AlertRule) -> None:
    """Take a threshold out of force; the alerts it raised stay."""
    demand("configure", by=by, work="doses", subject=log.subject_of(rule))
    if rule.ended_at is not None:
        raise InputError("This threshold is no longer in force.", code="ended")
    rule.ended_at = timezone.now()
    rule.save()
    log.append(actor=by, kind="alert.rule-ended", subject=rule, seals=[rule],
               text=f"Alert threshold ended: {rule.name}")  # fmt: skip


@transaction.atomic
def study_look_at(study: Study) -> list[Alert]:
    """Raise what a study passes; called whenever a study was stored or its skin dose worked out.

    The same rule and study raise one alert, however often a study is stored. One whose dose has
    grown since keeps its alert, and the new value is noted in it while it is not closed. So are the
    patient's later studies looked at, in whose sums it counts.
    """
    made = _raised(study, passed(study))
    for other in later(study):
        sums = [item for item in passed(other) if item.rule.kind == "cumulative"]
        made += _raised(other, [item for item in sums if study.pk in item.studies])
    return made


def _raised(study: Study, found: Sequence[Passed]) -> list[Alert]:
    made = []
    for item in found:
        alert, new = Alert.objects.get_or_create(
            rule=item.rule, study=study,
            defaults={"value": item.value, "unit": item.rule.unit, "raised_at": timezone.now(),
                      "studies": list(item.studies)},
        )  # fmt: skip
        if new:
            made.append(alert)
            _log(alert, None, "alert.raised", f"Alert raised: {alert}")
        elif alert.value != item.value and alert.state != "closed":
            text = f"The dose is now {item.value:g} {item.rule.unit}"
            alert.value, alert.studies = item.value, list(item.studies)
            alert.save()
            entry = _entry(alert, None, alert.state, text)
            _log(alert, None, "alert.changed", text, entry)
    return made


def _entry(alert: Alert, by: Person | None, state: str, text: str) -> AlertEntry:
    entry = AlertEntry(alert=alert, at=timezone.now(), by=by, state=state, text=text[:1000])
    entry.save()
    return entry


def _log(
    alert: Alert, by: Person | None, kind: str, text: str, entry: AlertEntry | None = None
) -> None:
    log.append(
        actor=by, kind=kind, subject=alert, text=text,
        data={"state": {f"doses.alert:{alert.pk}": {"state": alert.state}}},
        seals=[alert, *([entry] if entry else [])],
    )  # fmt: skip


@transaction.atomic
def alert_answer(
    *, by: Person, alert: Alert, state: str, text: str, incident: str = ""
) -> AlertEntry:
    """Say what was done about an alert, and move it on.

    Raises
    ------
    InputError
        ``blank``; ``bad-state`` when it cannot go there from where it is.
    """
    demand("answer", by=by, work="doses", subject=log.subject_of(alert))
    alert = Alert.objects.select_for_update(of=("self",)).get(pk=alert.pk)
    if not text.strip():
        raise InputError("Say what was done or found.", code="blank")
    if state != alert.state and state not in _NEXT[alert.state]:
        raise InputError(
            f"An alert that is {alert.get_state_display().lower()} does not become "
            f"{dict(Alert.STATES).get(state, state).lower()}.",
            code="bad-state",
        )
    if alert.state == "closed":
        raise InputError("This alert is closed.", code="bad-state")
    alert.state = state
    alert.incident = incident.strip()[:120] or alert.incident
    alert.save()
    entry = _entry(alert, by, state, text.strip())
    _log(alert, by, f"alert.{state}", f"{by.name}: {entry.text}", entry)
    return entry


def alerts_send(to: Sequence[str]) -> int:
    """Send a notice of each alert that has had none; returns how many were sent.

    The entry is committed before the mail goes out: a process that dies between the two has sent
    too few, never one twice.
    """
    sent = 0
    for pk in Alert.objects.exclude(entries__text__startswith=_SENT).values_list("pk", flat=True):
        with transaction.atomic():
            alert = Alert.objects.select_for_update(of=("self",)).select_related("rule").get(pk=pk)
            if alert.entries.filter(text__startswith=_SENT).exists():
                continue
            entry = _entry(alert, None, alert.state, f"{_SENT} to {', '.join(to)}")
            _log(alert, None, "alert.notice", entry.text, entry)
        # The patient and the study stay behind the sign-in: the mail says that something waits.
        send_mail(
            subject=f"Kerma: {alert.rule.name}",
            message=f"A dose alert was raised ({alert.value:g} {alert.unit}; threshold "
                    f"{alert.rule.threshold:g} {alert.rule.unit}). Sign in to read it: "
                    f"alert {alert.pk}.",
            from_email=settings.DEFAULT_FROM_EMAIL, recipient_list=list(to),
        )  # fmt: skip
        sent += 1
    return sent
