"""A patient's image is refused at the door; a stranger's image is pointed out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from kerma.core import InputError
from kerma.protocols import load_protocol
from kerma.service.demo.load import Loaded, load_department
from kerma.service.records import store
from kerma.service.records.models import Attachment
from kerma.service.testing import images, services
from kerma.service.testing.models import Survey
from kerma.simulate import planar
from kerma.simulate.department import build_department
from kerma.simulate.dicom_files import Frame, Place, write_image
from kerma.simulate.history import build_history
from tests.simulate.conftest import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def begun() -> tuple[Loaded, Survey]:
    department = build_department(today=TODAY)
    world = load_department(department)
    person = world.persons["rteasel"]
    survey = services.survey_plan(
        by=person,
        system=world.systems["ag-dr2"],
        protocol="radiography-dr",
        purpose="routine",
        planned_for=TODAY,
        performer=person,
    )
    return world, services.survey_start(by=person, survey=survey, performed_on=TODAY)


def test_a_patients_image_is_not_even_kept(begun: tuple[Loaded, Survey], tmp_path: Path) -> None:
    world, survey = begun
    system = build_department(today=TODAY).system("ag-dr2")
    pixels = planar.anatomy(seed=4)
    path = tmp_path / "chest.dcm"
    write_image(path, Frame(pixels, "DX", 0.15), Place(system, datetime(2026, 1, 5), 1, "x"))
    content = path.read_bytes()
    before = Attachment.objects.count()
    with pytest.raises(InputError) as refusal:
        images.images_attach(
            by=world.persons["rteasel"], survey=survey, slot="flat", files=[("chest.dcm", content)]
        )
    assert refusal.value.code == "clinical-looking"
    assert Attachment.objects.count() == before
    assert not store.path_of(store.content_hash(content)).exists()


def test_an_image_of_another_system_is_pointed_out(
    begun: tuple[Loaded, Survey], tmp_path: Path
) -> None:
    world, survey = begun
    history = build_history(build_department(today=TODAY))
    protocol = load_protocol("radiography-dr")
    edge = replace(protocol, images=tuple(i for i in protocol.images if i.id == "edge"))
    for system, strange in (("ag-dr2", False), ("fc-dr1", True)):
        planned = history.of(system)[-1]
        truth = history.images_for(edge, planned, tmp_path / system)["edge"]
        files = [(p.name, p.read_bytes()) for p in truth.files]
        images.images_attach(by=world.persons["rteasel"], survey=survey, slot="edge", files=files)
        assert bool(images.stranger_of(survey, "edge")) is strange
