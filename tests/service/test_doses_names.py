"""Standard names: rules are published, applied to all, and never over what a person named."""

from __future__ import annotations

import pytest

from kerma.core import InputError, NotEntitled
from kerma.service.doses import edits
from kerma.service.doses.ingest import ingest_bytes
from kerma.service.doses.models import NameRule, NamingVersion, StandardName, Study
from kerma.service.doses.naming import selectors, services
from kerma.service.records.integrity import verify
from tests.service import cast as play
from tests.service import doses_world as world
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def who() -> Cast:
    made = play.cast()
    for truth in world.simulated()[1][:24]:
        ingest_bytes(world.content(truth), name=truth.file)
    return made


def described() -> Study:
    """Return a study of a patient whose description others share."""
    return Study.objects.exclude(description="").filter(not_patient="", modality="CT").first()


def named(who: Cast, text: str, key: str = "first") -> StandardName:
    standard = services.standard_add(by=who.colleague, key=key, title=key.title(), modality="CT")
    services.rule_add(by=who.colleague, standard=standard, field="description", how="is", text=text)
    return standard


def test_published_rules_name_what_is_there_and_what_comes(who: Cast) -> None:
    text = described().description
    standard = named(who, text)
    assert not Study.objects.exclude(standard_name=None).exists(), "nothing before it is published"
    version = services.publish(by=who.colleague, reason="Begun")
    wanted = Study.objects.filter(modality="CT", description=text).count()
    assert version.named == wanted == standard.studies.count()
    assert set(standard.studies.values_list("named_by", flat=True)) == {1}
    later = [t for t in world.simulated()[1][24:] if b"" != None]
    for truth in later:
        ingest_bytes(world.content(truth), name=truth.file)
    assert standard.studies.count() == Study.objects.filter(modality="CT", description=text).count()
    assert verify().sound


def test_what_a_person_named_keeps_its_name(who: Cast) -> None:
    study = described()
    mine = services.standard_add(by=who.colleague, key="mine", title="Mine", modality="CT")
    edits.study_correct(by=who.colleague, study=study, field="standard_name", value="mine",
                        reason="It was another examination")  # fmt: skip
    named(who, study.description)
    services.publish(by=who.colleague, reason="Begun")
    study.refresh_from_db()
    assert study.standard_name == mine
    assert study.named_by is None


def test_versions_are_frozen_numbered_and_need_a_change(who: Cast) -> None:
    named(who, described().description)
    services.publish(by=who.colleague, reason="Begun")
    with pytest.raises(InputError, match="Nothing has changed"):
        services.publish(by=who.colleague, reason="Again")
    services.rule_remove(by=who.colleague, rule=NameRule.objects.get())
    second = services.publish(by=who.colleague, reason="Taken out")
    assert [v.number for v in NamingVersion.objects.all()] == [2, 1]
    assert second.named == 0
    assert not Study.objects.exclude(standard_name=None).exists()
    assert NamingVersion.objects.get(number=1).rules[0]["name"] == "first"


def test_contradicting_rules_are_not_published(who: Cast) -> None:
    text = described().description
    named(who, text)
    other = services.standard_add(by=who.colleague, key="other", title="Other", modality="CT")
    with pytest.raises(InputError, match="already"):
        services.rule_add(by=who.colleague, standard=other, field="description", how="is",
                          text=text.upper())  # fmt: skip
    same = NameRule.objects.get()
    same.pk, same.standard = None, other
    same.save(force_insert=True)
    with pytest.raises(InputError, match="mean different"):
        services.publish(by=who.colleague, reason="Begun")
    assert not NamingVersion.objects.exists()


def test_who_may_name(who: Cast) -> None:
    for person in (who.technologist, who.administrator, who.nurse):
        with pytest.raises(NotEntitled):
            services.standard_add(by=person, key="x", title="x", modality="CT")


def test_suggestions_come_with_a_reason(who: Cast) -> None:
    study = described()
    services.standard_add(by=who.colleague, key="same", title=study.description, modality="CT")
    found = next(u for u in selectors.unnamed() if u.description == study.description)
    assert found.suggestions[0].name == "same"
    assert found.suggestions[0].reason


def test_pages(who: Cast) -> None:
    browser = factory.client(who.colleague)
    study = described()
    assert "No standard name yet" in browser.get("/doses/names/").content.decode()
    body = {"title": "Head <i>", "key": "head", "modality": "CT"}
    assert browser.post("/doses/names/new/", body).status_code == 302
    assert browser.post("/doses/names/new/", body).status_code == 422
    standard = StandardName.objects.get()
    rule = {"standard": standard.pk, "field": "description", "how": "is",
            "text": study.description}  # fmt: skip
    assert browser.post("/doses/names/rules/", rule).status_code == 302
    assert browser.post("/doses/names/publish/", {"reason": "Begun"}).status_code == 302
    page = browser.get("/doses/names/").content.decode()
    assert "Head &lt;i&gt;" in page
    correction = {"field": "mass_kg", "value": "72.5", "reason": "Weighed"}
    assert browser.post(f"/doses/{study.pk}/correct/", correction).status_code == 302
    wrong = browser.post(f"/doses/{study.pk}/correct/", {**correction, "value": "7250"})
    assert wrong.status_code == 422
    assert factory.client(who.nurse).get("/doses/names/").status_code == 404
