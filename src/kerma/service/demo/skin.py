"""One room of the demo commissioned for skin dose: measured, its maps made, one paper issued."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

from django.utils import timezone
from rich.progress import Progress

from kerma import reference
from kerma.service.demo.clock import on
from kerma.service.demo.load import Loaded
from kerma.service.doses.ingest import files_in, ingest_file
from kerma.service.doses.models import SkinDose, Study
from kerma.service.doses.skin.packing import unpacked
from kerma.service.doses.skin.selectors import flags
from kerma.service.doses.skin.services import profile_set, skin_dose_work_out, skin_write
from kerma.service.doses.skin.shown import peak_of
from kerma.service.people.models import Person
from kerma.service.records import store
from kerma.service.records.papers.acts import ACTS
from kerma.service.records.services import verification_add
from kerma.simulate.models import Department
from kerma.simulate.skin_reports import profile_found, write_skin_reports

ROOM = "sq-hyb"
AUTHOR, CHECKER, MPE = "psorrel", "mlarkspur", "waldous"
_MEASURED_AGO = 420  # days
_REASON = (
    "Table zero by laser at two heights, display against a calibrated chamber over voltage and "
    "filter, transmission of table and pad; film at two angles agreed with the map within 9 %."
)
_SUMMARY = (
    "A long procedure with the C-arm almost in one place. The room was measured: the interval is "
    "narrow; the patient is to be followed up."
)


def skin_doses(home: Path, loaded: Loaded, department: Department, progress: Progress) -> str:
    """Commission the hybrid theatre, import its reports, make their maps and issue one paper."""
    folder = home / "dicom" / "skin-dose-reports"
    system = department.system(ROOM)
    studies = write_skin_reports(folder, department, system, department.today)
    task = progress.add_task("Skin dose maps", total=len(studies) + 2)
    _commission(loaded, department)
    progress.advance(task)
    rows = []
    for path in files_in([folder]):
        found = ingest_file(path, by=loaded.persons["htansy"])
        study = Study.objects.get(study_uid=found.study)
        rows.append(skin_dose_work_out(by=None, study=study))
        progress.advance(task)
    highest = max(rows, key=lambda r: r.peak_mgy or 0.0)
    _paper(loaded, highest)
    progress.advance(task)
    refused = _others()
    return (
        f"{len(rows)} maps of one measured room, the highest {peak_of(highest)}; 1 paper issued; "
        f"{refused} examinations of other rooms refused with the reason"
    )


def _commission(loaded: Loaded, department: Department) -> None:
    mpe, room = loaded.persons[MPE], loaded.systems[ROOM]
    day = department.today - timedelta(days=_MEASURED_AGO)
    with on(day, time(16, 20)):
        evidence = store.keep(
            by=mpe, content=b"Simulated measurements of the hybrid theatre.",
            name="skin-dose-commissioning-sq-hyb.txt", media_type="text/plain",
        )  # fmt: skip
        profile_set(
            by=mpe, system=room, profile=profile_found(department.system(ROOM), day),
            status="validated", valid_from=day, reason=_REASON, evidence=evidence,
        )  # fmt: skip


def _paper(loaded: Loaded, item: SkinDose) -> None:
    """Have the rows verified, and one paper written, checked and issued."""
    author, checker, mpe = (loaded.persons[key] for key in (AUTHOR, CHECKER, MPE))
    _verify(checker, item)
    paper = skin_write(
        by=author, item=item, summary=_SUMMARY, owner="Lead interventional radiologist",
        due=timezone.localdate() + timedelta(days=21),
    )  # fmt: skip
    for name, by in (("submit", author), ("check", checker), ("issue", mpe)):
        ACTS[name](paper=paper, by=by).perform()


def _verify(by: Person, item: SkinDose) -> None:
    named = [*unpacked(item).rests_on, *(f.row.id for f in flags(item.low_mgy, item.high_mgy))]
    for name in named:
        document = reference.row(name).document
        verification_add(
            by=by, row=name, document=f"Simulated: {document}"[:300], edition="simulated"
        )


def _others() -> int:
    """Work out what is due of the other rooms: their reports do not say where the table was."""
    refused = 0
    for study in Study.objects.filter(modality="RF", skin_doses=None, dose_rp_gy__gte=1.0):
        refused += skin_dose_work_out(by=None, study=study).status == "refused"
    return refused
