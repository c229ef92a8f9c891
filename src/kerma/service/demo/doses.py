"""The dose rooms of the demo in use: names, thresholds and alerts, a view, audits, a test."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from rich.progress import Progress

from kerma.core import InputError
from kerma.doses.levels import national_levels
from kerma.service.demo.load import Loaded
from kerma.service.doses import columnar
from kerma.service.doses.acceptance.services import acceptance_write
from kerma.service.doses.alerts.services import alert_answer, rule_set, study_look_at
from kerma.service.doses.audits.services import audit_make, audit_write
from kerma.service.doses.explorer.services import view_keep
from kerma.service.doses.models import Alert, Audit, StandardName, Study
from kerma.service.doses.naming.services import publish, rule_add, standard_add

AUTHOR, MPE = "psorrel", "waldous"
# Key, title, modality, description as sent, and words of the national level's examination.
_NAMES = (
    ("chest-pa", "Chest PA", "DX", "Chest PA", "Chest PA"),
    ("chest-mobile", "Chest AP, mobile", "DX", "Chest AP mobile", "Chest AP"),
    ("pelvis-ap", "Pelvis AP", "DX", "Pelvis AP", "Pelvis AP"),
    ("lumbar-spine", "Lumbar spine", "DX", "Lumbar spine", ""),
    ("ct-head", "CT head", "CT", "CT head", "Head"),
    ("ct-chest", "CT chest", "CT", "CT chest", "Chest"),
    ("ct-cap", "CT chest, abdomen and pelvis", "CT", "CT chest, abdomen and pelvis",
     "Chest, abdomen and pelvis"),
    ("barium-swallow", "Barium swallow", "RF", "Barium swallow",
     "Barium or water soluble swallow"),
    ("embolisation", "Embolisation", "RF", "Embolisation", ""),
    ("screening", "Screening mammogram", "MG", "Screening mammogram", ""),
)  # fmt: skip
_SMALLEST = 5  # of a room: the demo has few examinations; the rule of the service asks for more


def dose_rooms(loaded: Loaded, progress: Progress) -> str:
    """Use every room of patient dose once, through the services people use."""
    author = loaded.persons[AUTHOR]
    task = progress.add_task("Dose rooms in use", total=5)
    for key, title, modality, sent, examination in _NAMES:
        made = standard_add(by=author, key=key, title=title, modality=modality,
                            levels=_levels(examination))  # fmt: skip
        rule_add(by=author, standard=made, field="description", how="is", text=sent)
    publish(by=author, reason="First names of the service")
    progress.advance(task)
    alerts = _alerts(loaded)
    progress.advance(task)
    columnar.refresh()
    view_keep(by=author, name="CT dose by scanner", shared=True,
              query="modality=CT&measure=dlp&by=system")  # fmt: skip
    progress.advance(task)
    audits = _audits(loaded)
    progress.advance(task)
    employer = next(iter(loaded.employers.values()))
    acceptance_write(by=author, employer=employer, summary="Before the dose register is used.")
    progress.advance(task)
    named = Study.objects.exclude(standard_name=None).count()
    return (
        f"{StandardName.objects.count()} names, {named} studies named; {alerts} alerts; "
        f"{audits} audits; 1 acceptance test drafted"
    )


def _levels(examination: str) -> list[str]:
    if not examination:
        return []
    return [
        n.row.id for n in national_levels()
        if n.examination == examination and n.population == "adult" and n.quantity in ("dlp", "kap")
    ][:1]  # fmt: skip


def _alerts(loaded: Loaded) -> int:
    mpe, author = loaded.persons[MPE], loaded.persons[AUTHOR]
    own = "The service's own choice for the demo"
    rule_set(by=mpe, name="Dose at reference point above 3 Gy", kind="study",
             quantity_key="dose_rp", threshold=3.0, symbol="Gy", source=own)  # fmt: skip
    rule_set(by=mpe, name="CT examination above 1500 mGy cm", kind="study", quantity_key="dlp",
             threshold=1500.0, symbol="mGy.cm", source=own, modality="CT")  # fmt: skip
    for study in Study.objects.order_by("pk"):
        study_look_at(study)
    first = Alert.objects.order_by("pk").first()
    if first is not None:
        alert_answer(by=author, alert=first, state="acknowledged", text="The consultant is told.")
    return Alert.objects.count()


def _audits(loaded: Loaded) -> int:
    """Audit what there is enough of; a refusal says why and is not an audit."""
    author, today = loaded.persons[AUTHOR], timezone.localdate()
    for key, measure in (("chest-pa", "kap"), ("ct-head", "dlp")):
        for employer in loaded.employers.values():
            try:
                made = audit_make(
                    by=author, employer=employer, standard=StandardName.objects.get(key=key),
                    measure=measure, since=today - timedelta(days=365), until=today,
                    smallest=_SMALLEST,
                )  # fmt: skip
            except InputError:
                continue
            audit_write(
                by=author, item=made, summary="A year of the demo's examinations.",
                owner="Superintendent radiographer", due=today + timedelta(days=60),
            )  # fmt: skip
    return Audit.objects.count()
