"""Writes of skin dose: maps worked out and kept, rooms gone through again, papers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError, KermaError
from kerma.physics.skin import SkinDoseMap
from kerma.service.doses.alerts.services import study_look_at
from kerma.service.doses.models import SkinDose, Study
from kerma.service.doses.policy import policy
from kerma.service.doses.skin.packing import ByHand, by_hand_of, packed
from kerma.service.doses.skin.rooms import profile_set
from kerma.service.doses.skin.selectors import for_the_night, newest_of, outdated
from kerma.service.doses.skin.words import words_of
from kerma.service.doses.skin.working import FLUOROSCOPY, Task, task_of
from kerma.service.estate.models import System
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.models import Paper
from kerma.service.records.papers.compose import paper_open, paper_write
from kerma.service.records.papers.selectors import of_subject

__all__ = ["profile_set", "recalculate", "skin_dose_work_out", "skin_write", "studies_work_out"]

# A study written while its map is worked out is taken up again so often. Design choice.
_TRIES = 3
Progress = Callable[[int, int], None]


def skin_dose_work_out(
    *, by: Person | None, study: Study, by_hand: ByHand | None = None
) -> SkinDose:
    """Work out the skin dose of a study and keep it; nothing new to work out keeps what there is.

    The calculation runs outside any transaction, so that nobody waits for it; what it was made
    from is looked at again before the map is kept.

    Parameters
    ----------
    by
        Who asks; ``None`` for a map that is due by itself.
    study
        A fluoroscopy study.
    by_hand
        What is not as reported, with how it is known; ``None`` keeps what was set before.

    Returns
    -------
    SkinDose
        A map, or the stored reason why there is none.

    Raises
    ------
    NotEntitled
        The person may not work on skin dose.
    InputError
        ``not-fluoroscopy``; ``no-reason`` or ``nobody`` for what is set by hand; ``busy``.
    """
    if by is not None:
        demand("perform", by=by, work="skin_dose", subject=log.subject_of(study))
    if study.modality != FLUOROSCOPY:
        raise InputError(
            "A skin dose map is made of fluoroscopy and interventional studies.",
            code="not-fluoroscopy",
        )
    if by_hand:
        _check_by_hand(by, by_hand)
    for _ in range(_TRIES):
        task = _task(study.pk, by_hand)
        newest = newest_of(study.pk)
        if newest is not None and newest.version == task.version:
            return newest
        if row := _keep(by, study.pk, task, task.solved()):
            return row
    raise InputError(
        "The study is being written while its skin dose is worked out. Try again in a minute.",
        code="busy",
    )


def _check_by_hand(by: Person | None, by_hand: ByHand) -> None:
    if by is None:
        raise InputError("What is set by hand is set by somebody.", code="nobody")
    if not by_hand.reason.strip():
        raise InputError("Say how it is known how the patient lay.", code="no-reason")


def _task(pk: int, by_hand: ByHand | None) -> Task:
    study = Study.objects.select_related("system__room__site__employer").get(pk=pk)
    if by_hand is None:
        newest = newest_of(pk, whole=True)
        by_hand = by_hand_of(newest) if newest else ByHand()
    return task_of(study, by_hand)


@transaction.atomic
def _keep(by: Person | None, pk: int, task: Task, found: SkinDoseMap) -> SkinDose | None:
    """Keep a map, unless what it was made from has changed meanwhile."""
    study = Study.objects.select_for_update(of=("self",)).get(pk=pk)
    if _task(pk, task.by_hand).version != task.version:
        return None
    newest = newest_of(pk)
    if newest is not None and newest.version == task.version:
        return newest
    peak, spread = found.psd, found.spread
    row = SkinDose(
        study=study, profile=task.row, status=found.status, reason=found.reason[:600],
        peak_mgy=peak.value if peak else None, low_mgy=spread.low_mgy if spread else None,
        high_mgy=spread.high_mgy if spread else None, record=packed(found, task.by_hand),
        version=task.version, at=timezone.now(), by=by,
    )  # fmt: skip
    row.save()
    study.changed_at = timezone.now()
    study.save(update_fields=["changed_at"])
    told = f"{peak.value:.4g} mGy, {found.status}" if peak else "refused"
    log.append(
        actor=by, kind="skin.worked-out", subject=study, text=f"Peak skin dose: {told}",
        data={"skin_dose": row.pk, "version": row.version, "by_hand": task.by_hand.reason},
    )  # fmt: skip
    study_look_at(study)
    return row


def studies_work_out(*, every: bool = False, progress: Progress | None = None) -> Counter[str]:
    """Work out what is due or out of date; returns how many came out how.

    Parameters
    ----------
    every
        Also studies below the threshold of the service.
    progress
        Called with the number of studies done, and of all, after each.
    """
    counts: Counter[str] = Counter()
    wanted = for_the_night(every=every)
    for n, pk in enumerate(wanted, 1):
        study = Study.objects.defer("record").filter(pk=pk).first()
        if study is not None:
            counts[_done(study)] += 1
        if progress:
            progress(n, len(wanted))
    return counts


def _done(study: Study) -> str:
    """Work one of many out; one that fails is named by its code and does not stop the others."""
    before = newest_of(study.pk)
    try:
        row = skin_dose_work_out(by=None, study=study)
    except KermaError as error:
        return error.code
    return "unchanged" if before is not None and before.pk == row.pk else row.status


def recalculate(*, by: Person, system: System) -> tuple[Counter[str], int]:
    """Work out again the maps of a room that rest on another profile than the one now in force.

    The latest studies come first, as many as a person may be made to wait for.

    Returns
    -------
    tuple
        What came of those done, and how many are left for ``kerma doses skin``.
    """
    demand("perform", by=by, work="skin_dose", subject=log.subject_of(system))
    stale = outdated(system)
    most = policy()["skin"]["at_once"]
    counts = Counter(_done(study) for study in stale[:most])
    return counts, len(stale[most:])


@transaction.atomic
def skin_write(
    *, by: Person, item: SkinDose, summary: str, owner: str, due: date, amend_reason: str = ""
) -> Paper:
    """Write the paper of a map, or write its draft again; an issued one is amended with a reason.

    Raises
    ------
    InputError
        ``blank``; ``no-peak``; ``no-system``; those of `paper_open` and `paper_write`.
    """
    if not summary.strip():
        raise InputError("Say in your own words what the map shows.", code="blank")
    if item.peak_mgy is None:
        raise InputError(f"There is no peak to sign for. {item.reason}".strip(), code="no-peak")
    system = item.study.system
    if system is None:
        raise InputError(
            "Say which system this device is first; the employer is told by it.", code="no-system"
        )
    words = words_of(item, summary=summary, owner=owner, due=due)
    subject = log.subject_of(item)
    latest = of_subject(subject).exclude(state="withdrawn").first()
    if latest and latest.state in ("draft", "in_review"):
        paper_write(by=by, paper=latest, words=words)
        return latest
    return paper_open(
        by=by, work="skin_dose", subject=subject, words=words, employer=system.employer,
        system=system, modality=system.modality,
        amends=latest if latest and latest.state == "issued" else None, reason=amend_reason,
    )  # fmt: skip
