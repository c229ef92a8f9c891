"""Measured barriers: compared with their design, kept, shown, written up, and made into actions."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from kerma.core import InputError, NotEntitled, quantity
from kerma.physics.calculation import Calculation
from kerma.physics.shielding.archer import Beam, curve
from kerma.service.protection.models import AsBuilt, DesignVersion
from kerma.service.protection.shielding import as_built, as_built_words
from kerma.service.protection.shielding.as_built import Reading
from kerma.service.protection.shielding.in_force import in_force
from kerma.service.records import store
from kerma.service.records.integrity import verify
from kerma.service.records.models import Paper
from tests.service import factory, shielding_world
from tests.service.cast import Cast, cast, upload

pytestmark = pytest.mark.django_db
KV = 100.0
B = float(curve("lead", Beam("primary", kv=KV)).transmission(2.0))


@pytest.fixture
def who() -> Cast:
    return cast()


@pytest.fixture
def version(who: Cast) -> DesignVersion:
    design = shielding_world.design(who, "CT suite")
    design.rooms.add(who.system.room)
    source = shielding_world.ct_source(who.system.asset)
    shielding_world.drawn(design, shielding_world.document(source))
    return shielding_world.kept(design)


def measured(version: DesignVersion, times: float = 1.0, **given: Any) -> AsBuilt:
    """A measurement of a transmission so many times the design's, 2 % each reading."""
    return as_built.as_built_add(**{
        "by": version.by, "version": version, "barrier": "w1", "kv": KV,
        "without": Reading(1e4, 200.0), "behind": Reading(1e4 * B * times, 200.0 * B * times),
        "unit": "uGy", "measured_on": factory.days(-2), "filtration": "3 mm Al", **given,
    })  # fmt: skip


def airmeter(**given: Any) -> Any:
    """A meter whose certificate states 5 % (k = 2) for air kerma."""
    meter = factory.instrument()
    held = factory.certificate(meter, **given)
    held.factors.create(quantity="air kerma", factor=1.02, u_percent=5.0)
    return meter


# Comparing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "outcome"), [(1.0, "agrees"), (1.04, "agrees"), (2.0, "less"), (0.5, "more")]
)
def test_a_barrier_agrees_is_less_or_more(
    version: DesignVersion, times: float, outcome: str
) -> None:
    row = measured(version, times)
    assert row.outcome == outcome
    found = Calculation.from_dict(row.record["measured"]).value
    assert found.value == pytest.approx(B * times)
    assert found.u == pytest.approx(B * times * 0.02 * 2**0.5, rel=1e-3)
    assert Calculation.from_dict(row.record["designed"]).value.value == pytest.approx(B)
    thickness = Calculation.from_dict(row.record["thickness"]).value.to("mm").value
    assert (thickness < 2.0) is (times > 1.0) or times == 1.0


def test_what_is_kept_is_sealed_and_has_what_was_typed(version: DesignVersion) -> None:
    row = measured(version, evidence=("scan.pdf", b"%PDF-"))
    row = AsBuilt.objects.get(pk=row.pk)
    assert row.readings["without"] == {"value": 1e4, "u": 200.0}
    assert (row.readings["unit"], row.readings["kv"]) == ("uGy", KV)
    assert store.read(row.evidence) == b"%PDF-"
    assert verify().findings == []


def test_the_uncertainty_is_the_calibrations_where_none_was_typed(version: DesignVersion) -> None:
    meter = airmeter()
    row = measured(
        version, instrument=meter, without=Reading(1e4), behind=Reading(1e4 * B),
    )  # fmt: skip
    found = Calculation.from_dict(row.record["measured"]).value
    assert found.value == pytest.approx(B)  # the factor they share cancels
    assert found.u == pytest.approx(B * 0.025 * 2**0.5, rel=1e-3)
    given = Calculation.from_dict(row.record["measured"]).inputs[0].value
    assert given == quantity(1.02e4, "uGy", 0.025 * 1.02e4)
    assert row.readings["certificate"]


def refused(version: DesignVersion, **given: Any) -> str:
    with pytest.raises(InputError) as caught:
        measured(version, **given)
    assert not AsBuilt.objects.exists()
    return caught.value.code


def test_nothing_is_compared_without_an_uncertainty(version: DesignVersion) -> None:
    plain = {"without": Reading(1e4), "behind": Reading(1e4 * B)}
    assert refused(version, **plain) == "no-uncertainty"
    # A certificate for tube voltage only, and one of air kerma for a rate.
    other = factory.instrument()
    factory.certificate(other)
    assert refused(version, instrument=other, **plain) == "no-uncertainty"
    assert refused(version, instrument=airmeter(), unit="uGy/h", **plain) == "no-uncertainty"


def test_an_instrument_out_of_calibration_is_not_relied_on(version: DesignVersion) -> None:
    assert refused(version, instrument=airmeter(since=-900, until=-500)) == "not-calibrated"
    meter = airmeter()
    meter.quarantined_on, meter.quarantine_reason = factory.days(-9), "Dropped"
    meter.save()
    assert refused(version, instrument=meter) == "not-calibrated"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"barrier": "nothing"}, "no-barrier"), ({"measured_on": factory.days(1)}, "future"),
        ({"unit": "mSv"}, "bad-unit"), ({"radiation": "leakage"}, "bad-radiation"),
        ({"behind": Reading(0.0, 1.0)}, "bad-reading"),
        ({"without": Reading(1.0, 0.0)}, "bad-reading"),
        ({"without": Reading(float("nan"), 1.0)}, "bad-reading"), ({"kv": 400.0}, "outside-domain"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(
    version: DesignVersion, given: dict[str, Any], code: str
) -> None:
    assert refused(version, **given) in (code, "no-coefficient")


@pytest.mark.parametrize("by", ["technologist", "nurse", "administrator"])
def test_only_who_does_shielding_work_may(who: Cast, version: DesignVersion, by: str) -> None:
    with pytest.raises(NotEntitled):
        measured(version, by=getattr(who, by))
    with pytest.raises(NotEntitled):
        as_built_words.as_built_write(
            by=getattr(who, by), version=version, summary="x", owner="x", due=factory.days(9)
        )


def test_the_newest_measurement_of_a_barrier_holds(version: DesignVersion) -> None:
    measured(version, 3.0)
    last = measured(version, measured_on=factory.days(-1))
    measured(version, 3.0, measured_on=factory.days(-5))  # written later, measured before
    assert as_built.newest(version) == [last]
    assert len(as_built.rows(version)) == 3


# The paper ----------------------------------------------------------------------------------------


def written(version: DesignVersion, **given: Any) -> Paper:
    return as_built_words.as_built_write(**{
        "by": version.by, "version": version, "summary": "Measured on site.",
        "owner": "Estates", "due": factory.days(30), **given,
    })  # fmt: skip


def test_less_shielding_becomes_a_proposal_and_agreement_does_not(version: DesignVersion) -> None:
    measured(version, 3.0)
    paper = written(version)
    content = paper.drafts.first().content
    assert content["kind"] == "As-built verification"
    (proposal,) = content["proposals"]
    assert proposal["text"].startswith("Bring Wall to the corridor")
    assert (proposal["owner"], proposal["priority"]) == ("Estates", "High")
    assert "less shielding than designed" in content["statement"]
    assert any(row.startswith("ncrp147-") or "archer" in row for row in content["rests_on_rows"])
    measured(version, measured_on=factory.days(-1))
    again = written(version)
    assert again == paper
    assert again.drafts.first().content["proposals"] == []
    assert Paper.objects.count() == 1


def test_the_paper_is_typeset_with_its_working(version: DesignVersion) -> None:
    from kerma.reports.paper import build
    from kerma.service.records.papers.compose import content_of

    measured(version, 3.0, instrument=airmeter())
    paper = written(version)
    rows = as_built.newest(version)
    words = as_built_words.words_of(
        version, rows, summary="Found.", owner="Estates", due=factory.days(30)
    )
    content = content_of(paper, words, prepared_at=paper.opened_at)
    assert build(content).startswith(b"%PDF-")
    sections = [s.title for s in content.sections]
    assert sections == ["What was found", "How it was measured", "Working"]


def test_the_paper_of_a_measurement_never_takes_the_place_of_the_design(
    version: DesignVersion,
) -> None:
    from kerma.service.protection.shielding.papers import design_write

    measured(version)
    built = written(version)
    design = design_write(
        by=version.by, version=version, summary="Build it.", owner="Estates", due=factory.days(30)
    )
    assert design != built
    assert built.drafts.count() == 1
    Paper.objects.filter(pk=built.pk).update(state="issued")
    assert in_force() == {}


def test_nothing_is_written_of_nothing(version: DesignVersion) -> None:
    with pytest.raises(InputError, match="No barrier"):
        written(version)
    measured(version)
    with pytest.raises(InputError, match="your own words"):
        written(version, summary=" ")


# Pages --------------------------------------------------------------------------------------------


def typed(**given: Any) -> dict[str, Any]:
    return {
        "barrier": "w1", "measured_on": factory.days(-2).isoformat(), "radiation": "primary",
        "kv": KV, "filtration": "3 mm Al", "unit": "uGy", "without": 1e4, "without_u": 200,
        "behind": 1e4 * B * 3, "behind_u": 600 * B, **given,
    }  # fmt: skip


def test_a_barrier_is_measured_on_the_page_and_written_up(
    who: Cast, version: DesignVersion
) -> None:
    browser, url = factory.client(who.checker), reverse("as-built", args=[version.pk])
    empty = browser.get(url).content.decode()
    assert "Nothing is measured yet" in empty
    assert "1 barrier not measured" in empty
    answer = browser.post(url, {**typed(), "evidence": upload(b"photo", "wall.jpg")})
    assert answer.status_code == 302
    text = browser.get(url).content.decode()
    assert "Less shielding than designed" in text
    assert "becomes an action" in text
    write = reverse("as-built-write", args=[version.pk])
    assert f'href="{write}"' in text
    given = {"summary": "Less.", "owner": "Estates", "due": factory.days(30).isoformat()}
    assert browser.get(write).status_code == 200
    assert browser.post(write, given).status_code == 302
    assert re.search(r"/papers/\d+/", browser.get(url).content.decode())
    shown = browser.get(reverse("design-version", args=[version.pk])).content.decode()
    assert f'href="{url}"' in shown


def test_evidence_is_sent_as_a_file_to_keep(who: Cast, version: DesignVersion) -> None:
    row = measured(version, evidence=("x.html", b"<script>alert(1)</script>"))
    bare = measured(version)
    browser = factory.client(who.checker)
    answer = browser.get(reverse("as-built-evidence", args=[version.pk, row.pk]))
    assert answer["Content-Disposition"].startswith("attachment")
    assert "html" not in answer["Content-Type"]
    gone = browser.get(reverse("as-built-evidence", args=[version.pk, bare.pk]))
    assert gone.status_code == 404


def test_what_was_typed_stays_when_it_is_refused(who: Cast, version: DesignVersion) -> None:
    browser, url = factory.client(who.checker), reverse("as-built", args=[version.pk])
    for given, words in (
        ({"without_u": ""}, "type the standard uncertainty"), ({"kv": ""}, "required"),
        ({"measured_on": factory.days(2).isoformat()}, "not come yet"),
        ({"behind": "0"}, "above zero"),
    ):  # fmt: skip
        answer = browser.post(url, typed(**given))
        assert answer.status_code == 422
        text = answer.content.decode()
        assert words in text
        assert "3 mm Al" in text
    assert not AsBuilt.objects.exists()


def test_the_page_is_of_staff_and_its_form_of_who_may(who: Cast, version: DesignVersion) -> None:
    url = reverse("as-built", args=[version.pk])
    assert factory.client(who.nurse).get(url).status_code == 403
    reader = factory.client(who.technologist)
    assert "Compare and keep" not in reader.get(url).content.decode()
    assert reader.post(url, typed()).status_code == 403
    assert not AsBuilt.objects.exists()


def test_readings_that_are_exchanged_are_refused(version: DesignVersion) -> None:
    with pytest.raises(InputError) as refused:
        measured(version, without=Reading(100.0, 1.0), behind=Reading(150.0, 1.0))
    assert refused.value.code == "bad-reading"
    near = measured(version, without=Reading(100.0, 2.0), behind=Reading(101.0, 2.0))
    assert near.outcome == "less"  # within the uncertainties it may be no barrier at all
    assert not AsBuilt.objects.exclude(pk=near.pk).exists()


def test_what_is_designed_is_never_said_to_be_nothing(version: DesignVersion) -> None:
    row = measured(version, 1.0, without=Reading(1e4, 200.0), behind=Reading(3e3, 500.0))
    said = row.record["why"].rsplit("designed ", 1)[1].removesuffix(" %.")
    assert float(said) == pytest.approx(100.0 * B, rel=0.05)
