"""What goes into a skin dose map of a study, and the map that comes of it; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from kerma import reference
from kerma.core import InputError, content_hash, quantity
from kerma.core.codec import encode
from kerma.dicom.dose import StudyRecord
from kerma.dicom.dose.skin_input import exposure_events, patient_of, room_profile
from kerma.dicom.dose.values import Value
from kerma.physics import skin
from kerma.physics.skin import ensemble, support
from kerma.physics.skin.dose import NAME, VERSION
from kerma.service.doses.edits import corrected
from kerma.service.doses.models import RoomProfile, Study
from kerma.service.doses.policy import policy
from kerma.service.doses.skin.packing import ByHand
from kerma.service.doses.skin.rooms import in_force, library_profile
from kerma.service.doses.storing_record import unpacked

FLUOROSCOPY = "RF"
_NO_DATE = (
    "The study does not state its date, so it is not known which profile of this room held. "
    "Ask the sender for the date; a map cannot be made without it."
)
_BESIDE = (
    "With this profile every beam passes beside the patient, so the room or where the patient lay "
    "is described wrongly. Check the table’s zero positions and signs, and commission the room."
)
_KEY = 24


def is_due(study: Study) -> bool:
    """Return whether a map is worked out without being asked for.

    A dose that is not stated is not small; it is not known, and somebody may ask for the map.
    """
    if study.modality != FLUOROSCOPY or study.not_patient:
        return False
    chosen = policy()["skin"]
    kap = quantity(chosen["least_kap_gy_cm2"], "Gy.cm2").to("Gy.m2").value
    dose = study.dose_rp_gy is not None and study.dose_rp_gy >= chosen["least_dose_rp_gy"]
    return dose or (study.kap_gy_m2 is not None and study.kap_gy_m2 >= kap)


def settings_for(by_hand: ByHand) -> skin.Settings:
    """Return how maps are worked out here."""
    chosen = policy()["skin"]
    return skin.Settings(
        offset_mm=by_hand.offset_mm,
        ensemble=skin.Ensemble(runs=chosen["runs"], seed=chosen["seed"]),
        box_mm=tuple(float(h) for h in chosen["box_mm"]),  # type: ignore[arg-type]  # three of them
    )


@dataclass(frozen=True, slots=True)
class Task:
    """Everything one map is worked out from.

    Attributes
    ----------
    row
        The room's own profile, if one held on the day.
    trouble
        Why nothing can be worked out at all.
    version
        Algorithm, its version, and a short hash of all that went in: equal ones give equal maps.
    """

    events: tuple[skin.ExposureEvent, ...]
    patient: skin.Patient
    profile: skin.RoomProfile | None
    row: RoomProfile | None
    by_hand: ByHand
    trouble: str = ""

    @property
    def version(self) -> str:
        """See the class."""
        key = content_hash(
            [
                [encode(e) for e in self.events],
                encode(self.patient),
                self.profile.sha256 if self.profile else None,
                self.row.pk if self.row else None,
                settings_for(self.by_hand).as_dict(),
                encode(replace(self.by_hand, reason="")),
                self.trouble,
                _rows_sha256(),
            ]
        )
        return f"{NAME} {VERSION} {key[:_KEY]}"

    def solved(self) -> skin.SkinDoseMap:
        """Work the map out; what cannot be is a map that says why."""
        if self.trouble:
            return skin.SkinDoseMap(status="refused", reason=self.trouble)
        try:
            found = skin.skin_dose(
                self.events, self.profile, self.patient, settings=settings_for(self.by_hand)
            )
        except InputError as error:
            return skin.SkinDoseMap(status="refused", reason=error.message)
        return _beside_the_patient(found) if found.psd and found.psd.value == 0 else found


def _beside_the_patient(found: skin.SkinDoseMap) -> skin.SkinDoseMap:
    """Return a map in which no beam meets the patient as the refusal it is.

    A patient was irradiated; a peak of zero says that the room is described wrongly.
    """
    return replace(
        found, status="refused", reason=_BESIDE, complete=False, psd=None, psd_tile=None,
        psd_point=None, spread=None, box=None, cells=None, fine={},
    )  # fmt: skip


def task_of(study: Study, by_hand: ByHand) -> Task:
    """Gather what a map of a study is worked out from.

    The profile of the room in force on the day of the study; without one, what is built in for
    this kind of system.
    """
    row, trouble = None, ""
    events: tuple[skin.ExposureEvent, ...] = ()
    record = _as_corrected(study, unpacked(study))
    if study.system is not None:
        if study.date is not None:
            row = in_force(study.system, study.date)
        elif RoomProfile.objects.filter(system=study.system).exists():
            trouble = _NO_DATE
    profile = library_profile(row) if row else None if trouble else room_profile(record)
    try:
        events = exposure_events(record)
    except InputError as error:
        trouble = trouble or error.message
    return Task(events, patient_of(record, by_hand.orientation), profile, row, by_hand, trouble)


def _as_corrected(study: Study, record: StudyRecord) -> StudyRecord:
    """Return the record with the height and mass somebody corrected."""
    changed: dict[str, Any] = {
        name: Value((held,), unit) if (held := getattr(study, column)) is not None else None
        for name, column, unit in (("height", "height_m", "m"), ("mass", "mass_kg", "kg"))
        if column in corrected(study)
    }
    if not changed:
        return record
    patient = replace(record.header.patient, **changed)
    return replace(record, header=replace(record.header, patient=patient))


@cache
def _rows_sha256() -> str:
    """Hash of the reference rows maps may rest on: a figure corrected there makes maps anew."""
    rows = [*reference.rows("bsf"), *reference.rows(support.ROWS)]
    rows.append(reference.row(ensemble.KERMA_ROW))
    return content_hash([r.sha256 for r in rows])
