"""Files nobody should attach: not images, too many, too large, hostile names, odd corrections."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from kerma.core import InputError
from kerma.service.records.models import Attachment
from kerma.service.testing import images
from kerma.service.testing.models import Survey
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast
from tests.service.test_bad_input import SCRIPT, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def who() -> Cast:
    return play.cast()


@pytest.fixture
def survey(who: Cast) -> Survey:
    return play.started(who)


@pytest.fixture
def browser(who: Cast) -> Client:
    return factory.client(who.technologist)


def attach(browser: Client, survey: Survey, *files: tuple[str, bytes]) -> tuple[int, str]:
    sent = [SimpleUploadedFile(name, content) for name, content in files]
    return post(browser, survey, "images/flat/", files=sent)


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_files_that_are_no_images_attach_nothing(survey: Survey, browser: Client) -> None:
    _, whole = play.image_file()
    for name, content in (
        ("cut.dcm", whole[: len(whole) // 2]),
        ("header.dcm", whole[:200]),
        ("note.txt", b"Dear colleague"),
        ("empty.dcm", b""),
        ("broken.zip", b"PK\x03\x04 and no more"),
        ("none.zip", zipped(a=b"text")),
    ):
        status, page = attach(browser, survey, ("good.dcm", whole), (name, content))
        assert status in (422, 415), name
        assert name in page or name == "empty.dcm", page  # Django knows no empty file
    assert not survey.images.exists()
    assert not Attachment.objects.filter(name="good.dcm").exists()


def test_an_image_without_spacing_is_recorded_as_refused(survey: Survey, browser: Client) -> None:
    status, _ = attach(browser, survey, play.image_file(PixelSpacing=None))
    assert status == 302
    row = survey.analyses.get()
    assert row.status == "refused"
    assert "pixel spacing" in row.message
    assert "pixel spacing" in browser.get(f"/testing/{survey.pk}/").content.decode()


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x.dcm", "..\\..\\x.dcm", f"{SCRIPT}.dcm", "é" * 250 + ".dcm", "-rf"]
)
def test_a_hostile_file_name_is_only_a_name(survey: Survey, browser: Client, name: str) -> None:
    status, _ = attach(browser, survey, play.image_file(name=name))
    assert status == 302
    kept = Attachment.objects.get(media_type="application/dicom")
    assert "/" not in kept.name
    assert survey.analyses.get().status == "measured"
    page = browser.get(f"/testing/{survey.pk}/").content.decode()
    assert SCRIPT not in page
    assert browser.get(f"/testing/{survey.pk}/images/flat/viewer/").status_code == 200


def test_more_files_than_a_browser_usually_sends(survey: Survey, browser: Client) -> None:
    files = [play.image_file(900 + i, f"{i}.dcm", Rows=256) for i in range(120)]
    assert attach(browser, survey, *files)[0] == 302
    assert survey.images.count() == 120


def test_too_many_files_are_refused(survey: Survey, browser: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    assert attach(browser, survey, *[play.image_file(i, f"{i}.dcm") for i in range(3)])[0] == 400
    assert not survey.images.exists()


def test_a_bomb_is_refused_before_it_is_unpacked(
    survey: Survey, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = zipped(**{f"{i}.dcm": b"\0" * 4_000_000 for i in range(5)})
    assert len(bomb) < 40_000
    monkeypatch.setattr(images, "_MOST_UNPACKED", 10_000_000)
    opened: list[str] = []
    monkeypatch.setattr(images, "read_images", lambda paths: opened.append("read"))
    status, page = attach(browser, survey, ("bomb.zip", bomb))
    assert status == 422
    assert "a slot takes" in page
    assert opened == []


def test_an_upload_larger_than_a_slot_needs_is_refused(who: Cast, survey: Survey) -> None:
    with pytest.raises(InputError) as refusal:
        images.refuse_large(600 * 2**20)
    assert refusal.value.code == "too-large"


@pytest.mark.parametrize(
    "overrides",
    [
        "", "side_mm", "nothing = 1", "images = 1", "side_mm = abc", "side_mm = NaN",
        "side_mm = -Infinity", "roi = [1]", 'roi = {"a": 1}', "side_mm = " + "[" * 5000,
    ],
)  # fmt: skip
def test_a_correction_that_makes_no_sense_keeps_the_automatic_result(
    who: Cast, survey: Survey, browser: Client, overrides: str
) -> None:
    play.with_image(who, survey)
    row = survey.analyses.get()
    path = f"analysis/{row.pk}/correct/"
    assert post(browser, survey, path, overrides=overrides, reason="Mine")[0] == 422
    assert post(browser, survey, path, overrides="side_mm = 20", reason=" ")[0] == 422
    assert survey.analyses.get() == row
    assert post(browser, survey, path, overrides="side_mm = 20", reason="Edge")[0] == 302
    assert survey.analyses.get(replaced_by=None).replaces == row
