"""Reads of skin dose: maps, what is due or out of date, rooms, flags for a physicist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery

from kerma import reference
from kerma.core import quantity
from kerma.reference import Row
from kerma.service.doses.models import RoomProfile, SkinDose, Study
from kerma.service.doses.policy import policy
from kerma.service.doses.skin.rooms import held_on, in_force
from kerma.service.doses.skin.working import FLUOROSCOPY
from kerma.service.estate.models import System
from kerma.service.people.models import Person
from kerma.service.records.selectors import within

BANDS = "tissue-reactions"
_OF_STUDY = "study__system__room__site__employer"


def maps(reader: Person) -> QuerySet[SkinDose]:
    """Return every map a person may see, without its arrays."""
    rows = within(SkinDose.objects.all(), reader, _OF_STUDY)
    return rows.defer("record", "study__record").select_related(
        _OF_STUDY, "study__standard_name", "profile", "by"
    )


def newest(reader: Person) -> QuerySet[SkinDose]:
    """Return the newest map of each study a person may see."""
    last = SkinDose.objects.filter(study=OuterRef("study")).order_by("-pk").values("pk")[:1]
    return maps(reader).annotate(last=Subquery(last)).filter(pk=F("last"))


def newest_of(study: int, *, whole: bool = False) -> SkinDose | None:
    """Return the newest map of a study; `whole` with its arrays."""
    rows = SkinDose.objects.filter(study=study).order_by("-pk")
    return (rows if whole else rows.defer("record")).first()


def filtered(rows: QuerySet[SkinDose], query: dict[str, Any]) -> QuerySet[SkinDose]:
    """Narrow maps by words, status or system."""
    for word in query.get("q", "").split():
        rows = rows.filter(
            Q(study__description__icontains=word)
            | Q(study__system__asset__icontains=word)
            | Q(study__system__name__icontains=word)
        )
    if query.get("status"):
        rows = rows.filter(status=query["status"])
    if query.get("system"):
        rows = rows.filter(study__system__asset=query["system"])
    return rows


def _due() -> QuerySet[Study]:
    """Return the studies whose maps are worked out unasked; see `working.is_due`."""
    chosen = policy()["skin"]
    kap = quantity(chosen["least_kap_gy_cm2"], "Gy.cm2").to("Gy.m2").value
    high = Q(dose_rp_gy__gte=chosen["least_dose_rp_gy"]) | Q(kap_gy_m2__gte=kap)
    return Study.objects.filter(high, modality=FLUOROSCOPY, not_patient="")


def waiting(reader: Person) -> int:
    """Count the studies whose map is due and has not been worked out yet."""
    rows = within(_due(), reader, "system__room__site__employer")
    return rows.filter(skin_doses=None).order_by().count()


def for_the_night(*, every: bool) -> list[int]:
    """Return the studies whose map is due or was made before; `every` adds those of low dose."""
    rows = Study.objects.filter(modality=FLUOROSCOPY)
    wanted = Q(not_patient="") if every else Q(pk__in=_due().order_by().values("pk"))
    rows = rows.filter(wanted | Q(skin_doses__isnull=False))
    return list(rows.order_by("pk").values_list("pk", flat=True).distinct())


def outdated(system: System) -> list[Study]:
    """Return the studies of a room whose newest map rests on another profile than holds now."""
    last = SkinDose.objects.filter(study=OuterRef("pk")).order_by("-pk").values("profile")[:1]
    rows = Study.objects.filter(system=system, skin_doses__isnull=False).defer("record")
    rows = rows.annotate(used=Subquery(last)).distinct().order_by("-date", "-pk")
    profiles = list(RoomProfile.objects.filter(system=system))
    return [
        s for s in rows
        if s.date and getattr(held_on(profiles, s.date), "pk", None) != s.used
    ]  # fmt: skip


def is_outdated(row: SkinDose) -> bool:
    """Return whether a study, its corrections or its room's profile changed after its map."""
    study = row.study
    latest = study.objects_read.aggregate(at=Max("stored_at"))["at"]
    edited = study.edits.aggregate(at=Max("at"))["at"]
    if any(at is not None and at > row.at for at in (latest, edited)):
        return True
    if study.system is None or study.date is None:
        return False
    held = in_force(study.system, study.date)
    return (held.pk if held else None) != row.profile_id


# Rooms ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Room:
    """A system that makes fluoroscopy studies, with its profile and maps."""

    system: System
    profile: RoomProfile | None
    studies: int
    maps: int


def rooms(reader: Person) -> list[Room]:
    """Return the systems that sent fluoroscopy studies, or have been commissioned."""
    sent = _counted(Study.objects.filter(modality=FLUOROSCOPY), "system", "pk")
    mapped = _counted(SkinDose.objects.exclude(peak_mgy=None), "study__system", "study")
    held = {
        row.system_id: row
        for row in RoomProfile.objects.filter(ended_on=None).select_related("set_by")
    }
    systems = within(System.objects.all(), reader, "room__site__employer")
    systems = systems.filter(pk__in={*sent, *held}).select_related("room__site").order_by("asset")
    return [
        Room(s, held.get(s.pk), sent.get(s.pk, 0), mapped.get(s.pk, 0)) for s in systems
    ]  # fmt: skip


def _counted(rows: QuerySet[Any], by: str, what: str) -> dict[int, int]:
    grouped = rows.order_by().values(by).annotate(n=Count(what, distinct=True))
    return {row[by]: row["n"] for row in grouped if row[by] is not None}


# Flags ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flag:
    """A band of tissue reactions a dose interval reaches: for a physicist to judge, no forecast."""

    row: Row
    band: str
    low_gy: float
    high_gy: float | None

    @property
    def text(self) -> str:
        """The band's doses in words."""
        if self.high_gy is None:
            return f"{self.low_gy:g} Gy and more"
        return f"{self.low_gy:g} Gy to {self.high_gy:g} Gy"

    @property
    def reactions(self) -> list[tuple[str, str]]:
        """What the row says of the band, by time."""
        names = {"prompt_or_effect": "prompt", "early": "early", "midterm": "midterm",
                 "long_term": "long term"}  # fmt: skip
        return [(words, text) for key, words in names.items() if (text := self.row.text(key))]


def bands() -> list[Flag]:
    """Return the bands of skin reactions above the one in which none is expected."""
    found = []
    for row in reference.rows(BANDS):
        if row.text("kind") != "skin_band" or row.number("dose_low") <= 0:
            continue
        if row.text("unit") != "Gy":
            continue
        high = row.number("dose_high") if row.text("dose_high") else None
        found.append(Flag(row, row.text("band"), row.number("dose_low"), high))
    return sorted(found, key=lambda f: f.low_gy)


def flags(low_mgy: float | None, high_mgy: float | None) -> list[Flag]:
    """Return the bands an interval of peak skin dose reaches, whose upper end is what counts."""
    if high_mgy is None:
        return []
    low_gy, high_gy = (low_mgy or 0.0) / 1000, high_mgy / 1000
    return [
        f for f in bands()
        if high_gy >= f.low_gy and (f.high_gy is None or low_gy < f.high_gy)
    ]  # fmt: skip
