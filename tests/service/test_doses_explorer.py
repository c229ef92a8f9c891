"""The explorer: what is asked is counted, drawn and exported; nobody sees another's doses."""

from __future__ import annotations

import io
import json
from datetime import date

import polars as pl
import pytest
from django.utils import timezone

from kerma.doses.levels import national_levels
from kerma.doses.queries import Filter, measure
from kerma.service.doses import columnar
from kerma.service.doses.explorer.selectors import reference_lines
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
    body, head = (
        next(n for n in national_levels() if (n.quantity, n.phantom) == ("dlp", phantom))
        for phantom in ("body", "head")
    )
    name = StandardName.objects.create(
        key="trunk", title="Trunk", modality="CT", levels=[body.row.id]
    )
    Study.objects.exclude(dlp_mgy_cm=None).update(standard_name=name, changed_at=timezone.now())
    asked, client = "/doses/explorer/?measure=dlp", here.client("technologist")
    page = client.get(f"{asked}&standard=trunk&phantom=body").content.decode()
    assert f"National {body.year}" in page
    assert f"National {body.year}" not in client.get(asked).content.decode()
    StandardName.objects.update(levels=[head.row.id])
    other = client.get(f"{asked}&standard=trunk&phantom=body").content.decode()
    assert f"National {head.year}" not in other
    assert "not drawn" in other


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


@pytest.mark.parametrize(("until", "year"), [(None, 2019), ("2015-06-01", 2011)])
def test_only_the_level_in_force_is_drawn(until: str | None, year: int) -> None:
    """The adult cephalometric level of 2019 took the place of that of 2011."""
    rows = [
        n.row.id for n in national_levels()
        if (n.examination, n.population) == ("Lateral cephalometric", "adult")
    ]  # fmt: skip
    assert len(rows) == 2
    StandardName.objects.create(key="ceph", title="Cephalometric", modality="PX", levels=rows)
    chosen = Filter(equal={"standard": ["ceph"]}, until=until and date.fromisoformat(until))
    (line,), told = reference_lines(measure("kap"), chosen, frozenset())
    assert f"National {year}" in line.text
    assert told == ""


@pytest.mark.parametrize(
    ("phantoms", "drawn"),
    [({"head"}, 1), ({"body"}, 0), ({"head", "body"}, 0), ({"head", "not stated"}, 0)],
)
def test_a_ct_level_is_drawn_beside_its_own_phantom_only(phantoms: set[str], drawn: int) -> None:
    level = next(n for n in national_levels() if n.quantity == "dlp" and n.phantom == "head")
    StandardName.objects.create(key="head", title="Head", modality="CT", levels=[level.row.id])
    chosen = Filter(equal={"standard": ["head"]})
    lines, told = reference_lines(measure("dlp"), chosen, frozenset(phantoms))
    assert len(lines) == drawn
    assert bool(told) != bool(drawn)
