"""Dose in the body: by a named method from what the study states, kept, never over two phantoms."""

from __future__ import annotations

import pytest

from kerma.core import InputError, NotEntitled
from kerma.service.doses.estimates import services
from kerma.service.doses.ingest import ingest_bytes
from kerma.service.doses.models import Estimate, Study
from kerma.service.records.integrity import verify
from tests.service import cast as play
from tests.service import doses_world as world
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def who() -> Cast:
    return play.cast()


def scan(phantom: str = "body") -> Study:
    for truth in world.simulated()[1]:
        if truth.modality == "CT":
            ingest_bytes(world.content(truth), name=truth.file)
    for study in Study.objects.filter(modality="CT", not_patient="").exclude(dlp_mgy_cm=None):
        if services.stated(study).phantom == phantom:
            return study
    pytest.skip(f"no simulated scan states the {phantom} phantom alone")


def effective(who: Cast, study: Study, **more: str) -> Estimate:
    given = {"set_name": "AAPM96_EUR16262", "region": "chest", "age": "adult"}
    return services.effective_dose_make(by=who.colleague, study=study, **{**given, **more})


def test_effective_dose_is_the_coefficient_times_what_is_stated(who: Cast) -> None:
    study = scan()
    made = effective(who, study)
    assert made.value == pytest.approx(0.014 * (study.dlp_mgy_cm or 0.0))
    assert made.record["sources"][0]["row"].startswith("ct-k-factors/AAPM96")
    assert "E = k DLP" in made.record["text"]
    assert verify().sound or all("system" in f.kind for f in verify().findings)


def test_a_head_coefficient_on_a_body_phantom_is_refused(who: Cast) -> None:
    with pytest.raises(InputError, match="belong to the head phantom"):
        effective(who, scan(), region="head")
    assert not Estimate.objects.exists()


def test_size_specific_dose_follows_the_size(who: Cast) -> None:
    study = scan()
    small, large = (services.ssde_make(by=who.colleague, study=study, diameter_mm=d, region="body")
                    for d in (200.0, 350.0))  # fmt: skip
    assert small.value > large.value
    with pytest.raises(InputError, match="8 to 45 cm"):
        services.ssde_make(by=who.colleague, study=study, diameter_mm=600.0, region="body")


def test_a_sum_names_what_is_not_in_it(who: Cast) -> None:
    study = scan()
    other = Study.objects.exclude(pk=study.pk).filter(modality="CT").first()
    assert other is not None
    Study.objects.filter(pk__in=[study.pk, other.pk]).update(
        patient_key="k" * 64, date=study.date, not_patient=""
    )
    study.refresh_from_db()
    with pytest.raises(InputError, match="No study of this patient"):
        services.cumulative_make(by=who.colleague, study=study, weeks=52,
                                 set_name="AAPM96_EUR16262")  # fmt: skip
    one = effective(who, study)
    made = services.cumulative_make(by=who.colleague, study=study, weeks=52,
                                    set_name="AAPM96_EUR16262")  # fmt: skip
    assert made.value == one.value
    assert made.record["without"] == 1


def test_only_scientists_estimate(who: Cast) -> None:
    with pytest.raises(NotEntitled):
        services.effective_dose_make(by=who.technologist, study=scan(), region="chest",
                                     set_name="AAPM96_EUR16262", age="adult")  # fmt: skip


def test_pages(who: Cast) -> None:
    study = scan()
    browser = factory.client(who.colleague)
    page = browser.get(f"/doses/{study.pk}/estimates/")
    assert "No estimate yet" in page.content.decode()
    body = {"set_name": "AAPM96_EUR16262", "region": "chest", "age": "adult", "kv": "",
            "weighting": ""}  # fmt: skip
    browser.post(f"/doses/{study.pk}/estimates/effective/", body)
    assert "E = k DLP" in browser.get(f"/doses/{study.pk}/estimates/").content.decode()
    refused = browser.post(f"/doses/{study.pk}/estimates/effective/", {**body, "region": "head"},
                           follow=True)  # fmt: skip
    assert "head phantom" in refused.content.decode()
    assert browser.post(f"/doses/{study.pk}/estimates/guess/", body).status_code == 404
    assert factory.client(who.nurse).get(f"/doses/{study.pk}/estimates/").status_code == 404


def test_a_typical_fetal_dose_is_kept_with_its_limits_and_never_for_a_man(who: Cast) -> None:
    study = scan()
    Study.objects.filter(pk=study.pk).update(sex="F")
    made = services.fetal_make(by=who.colleague, study=Study.objects.get(pk=study.pk),
                               examination="CT abdomen")  # fmt: skip
    assert (made.value, made.unit) == (8.0, "mGy")
    assert made.record["limits"]
    Study.objects.filter(pk=study.pk).update(sex="M")
    with pytest.raises(InputError, match="man"):
        services.fetal_make(by=who.colleague, study=Study.objects.get(pk=study.pk),
                            examination="CT abdomen")  # fmt: skip
    assert verify().sound
