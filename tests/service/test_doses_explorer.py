"""The explorer: what is asked is counted, drawn and exported; nobody sees another's doses."""

from __future__ import annotations

import io
import json

import polars as pl
import pytest
from django.utils import timezone

from kerma.service.doses import columnar
from kerma.service.doses.ingest import ingest_bytes
from kerma.service.doses.models import SavedView, StandardName, Study
from tests.service import doses_world as world
from tests.service.doses_world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def here() -> World:
    made = world.build_world()
    for truth in world.simulated()[1][:36]:
        ingest_bytes(world.content(truth), name=truth.file)
    half = list(Study.objects.values_list("pk", flat=True))[::2]
    Study.objects.filter(pk__in=half).update(system=made.quill, changed_at=timezone.now())
    Study.objects.exclude(pk__in=half).update(system=made.fenwick, changed_at=timezone.now())
    columnar.refresh()
    return made


def test_the_page_draws_and_lists_what_is_asked(here: World) -> None:
    page = here.client("technologist").get("/doses/explorer/?measure=dlp&by=system")
    text = page.content.decode()
    assert page.status_code == 200
    assert "CT of quill" in text
    assert "CT of fenwick" in text
    assert "Distribution by group" in text
    assert "Over time" in text
    assert f'href="/doses/?system={here.quill.asset}"' in text


@pytest.mark.parametrize("form", ["csv", "xlsx", "json", "parquet"])
def test_a_file_holds_the_rows_of_the_page(here: World, form: str) -> None:
    asked = f"/doses/explorer/?measure=kap&by=system&format={form}"
    content = here.client("technologist").get(asked).content
    assert content
    rows = json.loads(here.client("technologist").get(asked.replace(form, "json")).content)
    total = sum(row["number"] for row in rows)
    assert total == Study.objects.exclude(kap_gy_m2=None).filter(not_patient="").count()
    if form == "parquet":
        assert pl.read_parquet(io.BytesIO(content))["number"].sum() == total


def test_a_hospital_sees_no_doses_of_another(here: World) -> None:
    assert here.client("user-quill").get("/doses/explorer/").status_code == 404
    assert here.client("administrator").get("/doses/explorer/").status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "age=old",
        "since=2026-03-01&until=2026-02-01",
        "measure=dlp&by=protocol",
        "measure=nothing",
        "least=much",
        "measure=dlp&against=size_mm",
    ],
)
def test_a_question_that_cannot_be_meant_is_said(here: World, query: str) -> None:
    page = here.client("technologist").get(f"/doses/explorer/?{query}")
    assert page.status_code == 422
    assert "Traceback" not in page.content.decode()


def test_nothing_fits_says_so(here: World) -> None:
    page = here.client("technologist").get("/doses/explorer/?words=unheard-of")
    assert "No dose fits" in page.content.decode()


def test_an_empty_service_is_no_error() -> None:
    client = world.build_world().client("technologist")
    assert "No dose fits" in client.get("/doses/explorer/").content.decode()
    assert client.get("/doses/explorer/compare/").status_code == 200


def test_two_systems_beside_each_other(here: World) -> None:
    asked = f"measure=events&by=system&first={here.quill.asset}&second={here.fenwick.asset}"
    page = here.client("technologist").get(f"/doses/explorer/compare/?{asked}")
    assert page.status_code == 200
    assert "Mann-Whitney" in page.content.decode()
    gone = here.client("technologist").get("/doses/explorer/compare/?first=X&second=Y&by=system")
    assert gone.status_code == 422
    assert "There are no doses of “X”" in gone.content.decode()


def test_a_level_is_drawn_for_the_one_name_chosen(here: World) -> None:
    row = (
        "ndrl-uk/t1-adult-ct/adult/any/Head/acute-stroke/all-sequences/dlp-per-complete-examination"
    )
    name = StandardName.objects.create(key="head", title="Head", modality="CT", levels=[row])
    Study.objects.exclude(dlp_mgy_cm=None).update(standard_name=name, changed_at=timezone.now())
    page = here.client("technologist").get("/doses/explorer/?measure=dlp&standard=head")
    assert "National 2022" in page.content.decode()
    other = here.client("technologist").get("/doses/explorer/?measure=dlp")
    assert "National 2022" not in other.content.decode()


def test_a_view_is_kept_shared_and_forgotten_by_its_owner(here: World) -> None:
    mine = here.client("technologist")
    mine.post("/doses/explorer/views/", {"name": "CT by room", "query": "measure=dlp&by=system",
                                         "shared": "on"})  # fmt: skip
    view = SavedView.objects.get()
    assert "CT by room" in here.client("service_manager").get("/doses/explorer/").content.decode()
    other = here.client("service_manager").post(f"/doses/explorer/views/{view.pk}/forget/")
    assert other.status_code == 422
    mine.post(f"/doses/explorer/views/{view.pk}/forget/")
    assert not SavedView.objects.exists()


def test_hostile_words_are_words(here: World) -> None:
    asked = "/doses/explorer/?words=%3Cscript%3E&protocol=%27%3B--&by=description"
    asked += "&measure=event_dlp"
    page = here.client("technologist").get(asked)
    assert page.status_code == 200
    assert "<script>" not in page.content.decode().replace('<script src="', "").replace(
        '<script type="application/json"', ""
    )
