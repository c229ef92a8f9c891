"""Rows changed behind the application's back: every one is named by `verify`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, models
from django.utils import timezone

from kerma.core import IntegrityError
from kerma.service.people.models import Person, User
from kerma.service.people.services import appointment_add, credential_add, sign_in_create
from kerma.service.records import log, services
from kerma.service.records.integrity import verify
from kerma.service.records.models import Action, Event, Signature
from kerma.service.records.papers.compose import Words, paper_open
from kerma.service.records.sealing import sealed_models
from kerma.service.testing import actions as acts
from kerma.service.testing import services as testing
from kerma.service.testing.baselines import baselines_set
from kerma.service.testing.models import Baseline, Draft, Note, Result, Survey
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def who() -> Cast:
    return play.cast()


def a_paper(who: Cast) -> None:
    """A paper with its draft, not yet submitted."""
    paper_open(by=who.colleague, work="dose_audit", subject="audit:1",
               words=Words("Local DRL audit", "Chest"), employer=who.ours)  # fmt: skip


def a_full_life(who: Cast) -> Survey:
    """An issued survey with something in every table, baselines, a response and an amendment."""
    play.verify_rows(who)
    survey = play.started(who)
    play.read(who, survey, "95", "95", "95")
    play.read(who, survey, "92", "92", "92")
    play.with_image(who, survey)
    told = {"told": "Sister", "how": "In person", "text": "Stop"}
    testing.contact_record(by=who.technologist, survey=survey, **told)
    note = {"test": "kv_accuracy_80", "kind": "comment", "reason": "Loud fan"}
    testing.note_set(by=who.technologist, survey=survey, **note)
    survey = play.acts_on(acts.HandOver, survey, who.technologist)
    survey = play.acts_on(acts.ComposeDraft, survey, who.technologist, recommendation="do_not_use")
    survey = play.acts_on(acts.Submit, survey, who.technologist)
    survey = play.acts_on(acts.Check, survey, who.checker)
    survey = play.acts_on(acts.IssueReport, survey, who.approver)
    results = list(survey.results.filter(test="kv_accuracy_80", withdrawn_at=None))
    for _ in "ab":
        baselines_set(by=who.approver, survey=survey, results=results, reason="First")
    services.action_respond(by=who.nurse, action=Action.objects.get(), text="Booked", status="done")
    given = {"number": "1", "issuing_body": "x", "issued": factory.days(-1)}
    credential_add(by=who.manager, person=who.trainee, type="HCPC", **given)
    appointment_add(
        by=who.manager, employer=who.ours, person=who.checker, role="RPS", scope="x",
        start=factory.days(-1),
    )  # fmt: skip
    a_paper(who)
    return survey


def a_row_of(model: type[models.Model]) -> models.Model:
    """The last row of a table, or a first one (and what it must point to) sealed as services do."""
    held = model._default_manager.order_by("pk").last()
    if held is not None:
        return held
    row, kinds = model(), (models.CharField, models.TextField)
    for f in model._meta.concrete_fields:
        if f.is_relation and not f.null:
            setattr(row, f.name, a_row_of(f.related_model))  # type: ignore[arg-type]
        elif isinstance(f, kinds) and not f.choices and not f.primary_key:
            setattr(row, f.attname, f"x{f.attname}"[: f.max_length or 40])
        elif isinstance(f, models.JSONField) and getattr(row, f.attname) is None and not f.null:
            setattr(row, f.attname, {})
        elif isinstance(f, models.DateField) and not getattr(row, f.attname) and not f.null:
            now = timezone.now()
            setattr(row, f.attname, now if isinstance(f, models.DateTimeField) else now.date())
        elif isinstance(f, models.IntegerField | models.FloatField) and not f.null:
            setattr(row, f.attname, getattr(row, f.attname) or 1)
    row.save()
    if model._meta.label_lower in sealed_models():
        log.append(actor=None, kind="test.row", subject="service:test", text="Made", seals=[row])
    return row


def _other(value: Any) -> Any:
    """A neighbouring value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return (value[:-1] + chr(ord(value[-1]) ^ 1)) if value else "x"


def _field(model: type[models.Model]) -> str:
    kinds = (models.CharField, models.TextField, models.FloatField, models.IntegerField)
    return next(
        f.attname
        for f in model._meta.concrete_fields
        if isinstance(f, kinds) and not (f.unique or f.is_relation or f.choices)
    )


def test_one_changed_byte_in_any_sealed_table_is_named(who: Cast) -> None:
    a_full_life(who)
    assert verify().sound, verify().findings
    made = {label: a_row_of(model) for label, model in sealed_models().items()}
    assert verify().sound, verify().findings
    unnoticed = []
    for label, model in sealed_models().items():
        row = made[label]
        name = _field(model)
        held = getattr(row, name)
        rows = model._default_manager.filter(pk=row.pk)
        rows.update(**{name: _other(held)})
        if not any(f.kind == label and str(row.pk) in f.subject for f in verify().findings):
            unnoticed.append(f"{label}.{name}")
        rows.update(**{name: held})
    assert unnoticed == []
    assert verify().sound


def test_the_facts_of_a_survey_and_of_those_who_sign_are_sealed(who: Cast) -> None:
    survey = a_full_life(who)
    changes: list[tuple[models.QuerySet[Any], dict[str, Any]]] = [
        (Survey.objects.filter(pk=survey.pk), {"performed_on": factory.days(-200)}),
        (Survey.objects.filter(pk=survey.pk), {"performer": who.colleague}),
        (Survey.objects.filter(pk=survey.pk), {"protocol_text": survey.protocol_text + " "}),
        (survey.instruments.all(), {"instrument": factory.instrument()}),
        (who.meter.certificates.all(), {"due_on": factory.days(9000)}),
        (who.checker.credentials.all(), {"expires": factory.days(9000)}),
        (who.approver.appointments.all(), {"employer": who.theirs}),
        (who.technologist.authorisations.all(), {"level": "approve"}),
        (type(who.assistant).objects.filter(pk=who.assistant.pk), {"role": "consultant"}),
        (type(who.system).objects.filter(pk=who.system.pk), {"modality": "ct"}),
        (Action.objects.all(), {"due": factory.days(999)}),
    ]
    before = {f.text for f in verify().findings}  # the new instrument is not in the log
    for rows, change in changes:
        back = _put_back(rows.get())
        rows.update(**change)
        assert {f.text for f in verify().findings} - before, change
        back()
    assert {f.text for f in verify().findings} == before


def _put_back(row: models.Model) -> Callable[[], None]:
    fields = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}
    return lambda: type(row)._default_manager.filter(pk=row.pk).update(**fields)


def test_an_older_copy_of_a_row_put_back_is_named(who: Cast) -> None:
    survey = play.started(who)
    by = who.technologist
    outlier = testing.reading_record(by=by, survey=survey, reading="part", index=0, text="9")
    reading = _put_back(outlier)
    testing.reading_strike(by=by, reading=outlier, reason="Outlier")
    begun = _put_back(Survey.objects.get())
    play.read(who, survey, "86", "86", "86")
    decision = {"test": "kv_accuracy_80", "kind": "decision", "reason": "x"}
    testing.note_set(by=by, survey=survey, **decision)
    note = _put_back(Note.objects.get())
    survey = play.acts_on(acts.HandOver, survey, who.technologist)
    result = _put_back(Result.objects.get(test="kv_accuracy_80"))
    survey = play.acts_on(acts.TakeBack, survey, who.technologist)
    play.read(who, survey, "80", "80", "80")
    survey = play.acts_on(acts.HandOver, survey, who.technologist)
    assert verify().sound, verify().findings
    for named, back in (
        ("Reading", reading), ("Survey", begun), ("Note", note), ("Result", result),
    ):  # fmt: skip
        back()
        assert any(named in f.text for f in verify().findings), named


def test_a_baseline_revived_is_named(who: Cast) -> None:
    a_full_life(who)
    Baseline.objects.filter(ended_on__isnull=False).update(ended_on=None, ended_reason="")
    assert any(f.kind == "testing.baseline" for f in verify().findings)


# The end of the log -------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", [1, 3])
def test_a_log_cut_short_is_noticed(
    who: Cast, gone: int, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for i in range(5):
            log.append(actor=None, kind="test", subject="service:test", text=f"Nothing sealed {i}")
    assert verify().sound, verify().findings
    last = Event.objects.order_by("-id").values_list("pk", flat=True)[:gone]
    Event.objects.filter(pk__in=list(last)).delete()
    assert [f.kind for f in verify().findings] == ["event log"]
    assert "once reached entry" in verify().findings[0].text


def test_entries_written_since_do_not_hide_that_the_end_was_replaced(
    who: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        log.append(actor=None, kind="test", subject="service:test", text="To be removed")
    last = Event.objects.order_by("-id").first()
    Event.objects.filter(pk=last.pk).delete()
    with connection.cursor() as cursor:  # a forged entry, chained but without the key
        cursor.execute(
            "INSERT INTO records_event (id, at, kind, subject, text, data, previous, digest) "
            "VALUES (%s, %s, 'test', 'service:test', 'Forged', '{}', %s, %s)",
            [last.pk, last.at, last.previous, "f" * 64],
        )
    texts = [f.text for f in verify().findings]
    assert any("changed after it was written" in t for t in texts)
    assert any("once reached entry" in t for t in texts)


# A draft on its way -------------------------------------------------------------------------------


def test_a_draft_changed_between_signing_and_issuing_is_not_issued(who: Cast) -> None:
    play.verify_rows(who)
    survey = play.checked(who)
    draft = Draft.objects.get()
    content = {**draft.content, "summary": ["All is well."]}
    Draft.objects.update(content=content)
    with pytest.raises(IntegrityError) as refusal:
        acts.IssueReport(survey=survey, by=who.approver).perform()
    assert refusal.value.code == "draft-changed"
    from kerma.core import content_hash

    Draft.objects.update(content=content, content_sha256=content_hash(content))
    assert "not-checked" in {
        b.code for b in acts.IssueReport(survey=survey, by=who.approver).blockers()
    }
    assert any("Draft" in f.text for f in verify().findings)
    assert not Signature.objects.filter(meaning="approved").exists()


def test_the_mark_checked_alone_does_not_open_the_gate(who: Cast) -> None:
    play.verify_rows(who)
    survey = play.in_review(who)
    Survey.objects.update(checked=True)
    survey.refresh_from_db()
    blockers = acts.IssueReport(survey=survey, by=who.approver).blockers()
    assert [b.code for b in blockers] == ["not-checked"]


def test_what_was_examined_is_counted_under_its_name(who: Cast) -> None:
    a_full_life(who)
    counts = verify().counts
    assert counts["Surveys"] == Survey.objects.count() == 1
    assert {"Barriers As Built", "Image Analyses", "Action Entries"} <= set(counts)
    assert not [name for name in counts if name.endswith(("yies", "eies", "Builts", "sises"))]


def test_a_sign_in_given_to_another_person_is_named(who: Cast) -> None:
    word = "a-long-Password-2026"
    own, other = (
        Person.objects.create(key=key, name=key.title(), role="clinical_scientist")
        for key in ("owner", "other")
    )
    user = sign_in_create(person=own, username="own", password=word)
    assert not _states()
    for change in ({"person": other}, {"person": None}, {"is_superuser": True}):
        kept = {name: getattr(user, name) for name in change}
        User.objects.filter(pk=user.pk).update(**change)
        assert _states() == [f"people.user:{user.pk}"]
        User.objects.filter(pk=user.pk).update(**kept)
    assert not _states()


def _states() -> list[str]:
    return [f.subject for f in verify().findings if f.kind == "state"]
