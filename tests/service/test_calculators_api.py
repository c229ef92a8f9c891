"""Calculations by other systems and by command: the same figures, refusals by code."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kerma.core import InputError
from kerma.service.people.tokens import token_make
from kerma.service.protection.calculators.calculator import work_out
from kerma.service.protection.calculators.kinds import calculators, find
from kerma.service.protection.models import SavedCalculation
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db
API = "/api/v1/calculations/"
KEY = "ct-effective-dose"


@pytest.fixture
def who() -> Cast:
    return play.cast()


def bearer(who: Cast, person: Any) -> Client:
    token = token_make(by=None, person=person, name="A script",
                       ends=timezone.localdate() + timedelta(days=9))  # fmt: skip
    return Client(headers={"Authorization": f"Bearer {token}"})


def test_a_token_calculates_and_nothing_is_kept(who: Cast) -> None:
    answer = bearer(who, who.technologist).get(f"{API}{KEY}/", find(KEY).example)
    data = answer.json()
    made = work_out(find(KEY), find(KEY).example)
    assert data["value"] == made.value.as_dict()
    assert data["sha256"] == made.sha256
    assert "E = k DLP" in data["text"]
    assert not SavedCalculation.objects.exists()
    listed = bearer(who, who.colleague).get(API).json()["calculators"]
    assert [c["key"] for c in listed] == list(calculators())
    assert {"mGy.cm", "Gy.cm"} == set(
        next(f for c in listed if c["key"] == KEY for f in c["fields"] if f["name"] == "dlp")
        ["units"]
    )  # fmt: skip


def test_without_a_good_token_nothing_is_told(who: Cast) -> None:
    assert Client().get(API).status_code == 401
    assert Client(headers={"Authorization": "Bearer x"}).get(f"{API}{KEY}/").status_code == 401
    assert bearer(who, who.nurse).get(API).status_code == 403


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"dlp": "x"}, "not-a-number"), ({"dlp-unit": "s"}, "wrong-unit"),
        ({"dpl": "4"}, "unknown-input"), ({"phantom": "head"}, "other-phantom"),
        ({"dlp": ""}, "missing"), ({"dlp": "1" * 500}, "too-long"),
    ],
)  # fmt: skip
def test_a_refusal_has_a_code(who: Cast, change: dict[str, str], code: str) -> None:
    answer = factory.client(who.colleague).get(f"{API}{KEY}/", {**find(KEY).example, **change})
    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert factory.client(who.colleague).get(f"{API}nothing/").status_code == 404


# The command ---------------------------------------------------------------------------------


def said(*words: str) -> None:
    from kerma.cli import app

    app(args=list(words), standalone_mode=False)


def inputs(key: str = KEY) -> list[str]:
    return [f"{name}={text}" for name, text in find(key).example.items()]


def test_the_command_prints_what_can_be_checked_by_hand(capsys: Any) -> None:
    said("calculate", KEY, *inputs())
    printed = capsys.readouterr().out
    assert "E = k DLP = 0.014 mSv/(mGy cm) × 400 mGy cm" in printed
    assert "U = 0.56 mSv (k = 2)" in printed.replace("\xa0", " ")
    said("calculate", KEY, "set_name=AAPM96_EUR16262", "region=chest", "age=adult", "phantom=body",
         "dlp=0.4 Gy.cm", "--json")  # fmt: skip
    assert json.loads(capsys.readouterr().out)["value"]["value"] == pytest.approx(5.6)


def test_the_command_names_calculators_and_what_each_takes(capsys: Any) -> None:
    said("calculate", "list", "--json")
    assert [c["key"] for c in json.loads(capsys.readouterr().out)] == list(calculators())
    said("calculate", "shielding-bir-histogram")
    assert "histogram" in capsys.readouterr().out
    said("calculate", "shielding-bir-histogram", "histogram=70 140; 80 260", "angle=117 deg",
         "distance=2.5 m")  # fmt: skip
    assert "0.3936" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [("nothing",), (KEY, "dlp"), (KEY, "dlp=4"), (KEY, "bla=3"), (KEY, *inputs(), "x=1")]
)
def test_a_wrong_command_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        said("calculate", *words)
