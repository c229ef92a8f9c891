"""What the tests of skin dose share: a room that states its geometry, and reports of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from kerma.physics import skin
from kerma.service.doses.ingest import ingest_bytes
from kerma.service.doses.models import RoomProfile, Study
from kerma.service.doses.skin import services
from kerma.service.estate.models import System
from kerma.service.records import log, store
from kerma.simulate.department import build_department
from kerma.simulate.skin_reports import profile_found, write_skin_reports
from tests.service import factory
from tests.service.cast import Cast
from tests.service.doses_world import TODAY, edited, recognise

ROOM = "sq-hyb"
MEASURED = date(2024, 3, 1)
LONG, LOW, GAP, PLAIN = 4, 3, 2, 5  # 2.2 Gy, steady; 0.3 Gy; a rotation without its end; 1 Gy


@cache
def reports() -> tuple[bytes, ...]:
    """Write the reports of the room once."""
    department = build_department(today=TODAY)
    folder = Path(mkdtemp(prefix="kerma-skin-"))
    write_skin_reports(folder, department, department.system(ROOM), TODAY)
    return tuple(p.read_bytes() for p in sorted(folder.glob("*.dcm")))


@cache
def measured_profile() -> skin.RoomProfile:
    """Return what commissioning the room finds."""
    return profile_found(build_department(today=TODAY).system(ROOM), MEASURED)


def room(who: Cast, raw: bytes, **fields: Any) -> System:
    """A system of ours that sent a report."""
    given = {"modality": "interventional", "manufacturer": "Maker", "model": "C-arm",
             "name": "Hybrid theatre"}  # fmt: skip
    system = factory.system(factory.room(factory.site(who.ours)), **{**given, **fields})
    log.append(actor=None, kind="test.room", subject="service:test", text="Made", seals=[system])
    recognise(system, raw)
    return system


def taken(raw: bytes) -> Study:
    result = ingest_bytes(raw, name="a.dcm")
    assert result.outcome == "stored", result
    return Study.objects.get(study_uid=result.study)


def dated(raw: bytes, day: str) -> bytes:
    """Return a report of the same examination on another day, in the header at least."""
    return edited(raw, StudyDate=day)


def commission(who: Cast, system: System, **more: Any) -> RoomProfile:
    """Put the measured profile in force, with evidence, by the MPE."""
    evidence = store.keep(
        by=who.approver, content=b"film", name="film.txt", media_type="text/plain"
    )
    given: dict[str, Any] = {
        "by": who.approver, "system": system, "profile": measured_profile(),
        "status": "validated", "valid_from": MEASURED, "reason": "Measured.",
        "evidence": evidence,
    }  # fmt: skip
    return services.profile_set(**{**given, **more})


def aside(by_mm: float) -> skin.RoomProfile:
    """Return the profile with the table moved across, so that beams meet another place or none."""
    profile = measured_profile()
    assert profile.across is not None
    return replace(profile, across=replace(profile.across, offset_mm=by_mm))
