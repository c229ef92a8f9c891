"""Keeping a drawing beneath a design: what is kept, who may, and what never reaches a browser."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from kerma.core import InputError, NotEntitled
from kerma.service.protection.models import Design, Underlay
from kerma.service.protection.shielding import underlays
from kerma.service.records import store
from kerma.service.records.integrity import verify
from tests.service import cast, factory, shielding_world
from tests.service.shielding_world import drawing, picture, text_of


@pytest.fixture
def design(db: None) -> Design:
    return shielding_world.design(cast.cast())


def test_original_and_picture_are_kept_sealed_and_logged(design: Design) -> None:
    by, content = design.opened_by, text_of(drawing())
    row = underlays.underlay_add(by=by, design=design, content=content, name="C:\\plans\\L2.dxf")
    row = Underlay.objects.get(pk=row.pk)
    assert store.read(row.original) == content
    assert (row.original.name, row.original.media_type) == ("L2.dxf", "image/vnd.dxf")
    assert (row.picture.name, row.picture.media_type) == ("L2.png", "image/png")
    assert Image.open(io.BytesIO(store.read(row.picture))).size == (row.width, row.height)
    assert row.metres_per_pixel == pytest.approx(8.0 / 3960)
    assert row.lines[0] == [20.0, 20.0, 3980.0, 20.0]
    assert str(row) == "L2.dxf"
    assert verify().findings == []


def test_nothing_of_the_file_is_in_the_picture_but_what_it_looks_like(design: Design) -> None:
    told = PngInfo()
    told.add_text("Comment", "<script>alert(1)</script>")
    row = underlays.underlay_add(
        by=design.opened_by, design=design, name="a.png",
        content=picture("PNG", pnginfo=told) + b"<script>alert(2)</script>",
    )  # fmt: skip
    assert b"script" in store.read(row.original)
    assert b"script" not in store.read(row.picture)


def test_a_refused_drawing_leaves_nothing(design: Design) -> None:
    with pytest.raises(InputError):
        underlays.underlay_add(by=design.opened_by, design=design, content=b"x", name="a.png")
    assert not Underlay.objects.exists()


def test_only_who_works_on_designs_may_add(design: Design) -> None:
    nurse = factory.hospital_user(design.employer)
    for who in (factory.person("technologist"), factory.person("administrator"), nurse):
        with pytest.raises(NotEntitled):
            underlays.underlay_add(by=who, design=design, content=picture(), name="a.png")
    assert not Underlay.objects.exists()


def test_a_design_has_so_many_and_no_more(design: Design, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(underlays, "MOST", 1)
    given = {"by": design.opened_by, "design": design, "name": "a.png"}
    underlays.underlay_add(content=picture(), **given)
    with pytest.raises(InputError, match="already"):
        underlays.underlay_add(content=picture(), **given)
