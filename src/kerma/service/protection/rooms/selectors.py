"""Reads of the register of rooms, limited to what the reader may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat

from kerma.service.estate.models import Room, System
from kerma.service.people.models import Person
from kerma.service.protection.models import AsBuilt, Design, DesignVersion, RoomEntry
from kerma.service.protection.shielding import recheck
from kerma.service.protection.shielding.in_force import AS_BUILT, InForce, in_force
from kerma.service.protection.shielding.recheck import Reason
from kerma.service.records.models import Paper
from kerma.service.records.selectors import within

# What IRR17 regulations 18 and 19 ask for by designation: local rules and an RPS of every
# controlled area, signs of both.
_ASKED = {
    "controlled": (("local_rules", "local rules"), ("supervisor", "an RPS"), ("signs", "signs")),
    "supervised": (("signs", "signs"),),
}
ABSENT = "absent"  # in the filter: a room without an entry


@dataclass(frozen=True, slots=True)
class Built:
    """What was measured of a version after it was built.

    Attributes
    ----------
    worst
        Of the newest measurement of each barrier, the one furthest below its design.
    measured, barriers
        How many of how many barriers with layers.
    """

    worst: AsBuilt
    measured: int
    barriers: int

    @property
    def count(self) -> str:
        """How far it has come, in words."""
        return f"{self.measured} of {self.barriers} measured"


@dataclass(slots=True)
class Standing:
    """How a room stands.

    Attributes
    ----------
    entry
        What the register says now; ``None`` for a room without an entry.
    design, held
        The design that is its own, and what of it is in force.
    as_built
        What was measured of the version in force.
    """

    entry: RoomEntry | None = None
    systems: list[System] = field(default_factory=list)
    design: Design | None = None
    held: InForce | None = None
    as_built: Built | None = None
    reasons: list[Reason] = field(default_factory=list)

    @property
    def gaps(self) -> list[str]:
        """What the law asks for of such an area and the register does not say."""
        return gaps_of(self.entry)


def gaps_of(entry: RoomEntry | None) -> list[str]:
    """Return what the law asks for of such an area and the register does not say."""
    if entry is None:
        return ["an entry"]
    asked = _ASKED.get(entry.designation, ())
    return [words for name, words in asked if not getattr(entry, name).strip()]


def rooms(reader: Person) -> QuerySet[Room]:
    """Return the rooms a person may see."""
    return within(Room.objects.all(), reader, "site__employer").select_related("site__employer")


def _newest(on: date) -> QuerySet[RoomEntry]:
    return RoomEntry.objects.filter(room=OuterRef("pk"), valid_from__lte=on).order_by(
        "-valid_from", "-pk"
    )


def annotated(rows: QuerySet[Room], on: date) -> QuerySet[Room]:
    """Add what the newest entry says: `now_designation`, `now_since`, `now_design`."""
    newest = _newest(on)
    return rows.annotate(
        now_designation=Subquery(newest.values("designation")[:1]),
        now_since=Subquery(newest.values("valid_from")[:1]),
        now_design=Subquery(newest.values("design")[:1]),
    )


def _issued() -> QuerySet[DesignVersion]:
    """Return the versions an issued design paper was written from."""
    subject = Concat(
        Value("designversion:"), Cast(OuterRef("pk"), CharField()), output_field=CharField()
    )
    papers = Paper.objects.filter(work="shielding", state="issued", subject=subject).exclude(
        report__title__startswith=AS_BUILT
    )
    return DesignVersion.objects.filter(Exists(papers))


def filtered(rows: QuerySet[Room], query: dict[str, Any], on: date) -> QuerySet[Room]:
    """Narrow rooms by words, site, designation, absence of a design, or re-check wanted."""
    rows = annotated(rows, on)
    for word in query.get("q", "").split():
        rows = rows.filter(
            Q(name__icontains=word) | Q(site__name__icontains=word)
            | Q(site__employer__name__icontains=word)
            | Exists(System.objects.filter(room=OuterRef("pk")).filter(
                Q(asset__icontains=word) | Q(name__icontains=word)))
        )  # fmt: skip
    if query.get("site"):
        rows = rows.filter(site__key=query["site"])
    if query.get("designation") == ABSENT:
        rows = rows.filter(now_designation=None)
    elif query.get("designation"):
        rows = rows.filter(now_designation=query["designation"])
    if query.get("no_design"):
        own = _issued().filter(design=OuterRef("now_design"))
        drawn = _issued().filter(design__rooms=OuterRef("pk"))
        rows = rows.exclude(Exists(own)).exclude(Q(now_design=None) & Exists(drawn))
    if query.get("recheck"):
        wanted = [design for design, reasons in recheck.of_designs(on=on).items() if reasons]
        drawn = Room.shielding_designs.through.objects.filter(
            room=OuterRef("pk"), design__in=wanted
        )
        rows = rows.filter(Q(now_design__in=wanted) | (Q(now_design=None) & Exists(drawn)))
    return rows


def standing(rows: Sequence[Room], on: date) -> dict[int, Standing]:
    """Return how rooms stand, by key, in a fixed number of queries."""
    keys = [r.pk for r in rows]
    found = {pk: Standing() for pk in keys}
    entries = RoomEntry.objects.filter(room__in=keys, valid_from__lte=on)
    for entry in entries.select_related("design", "by").order_by("valid_from", "pk"):
        found[entry.room_id].entry = entry
    for system in System.objects.filter(room__in=keys).exclude(status="withdrawn"):
        found[system.room_id].systems.append(system)
    candidates = _designs(keys, found)
    held = in_force({d.pk for designs in candidates.values() for d in designs})
    for pk, designs in candidates.items():
        found[pk].design, found[pk].held = _chosen(designs, held)
    reasons = recheck.of_designs({s.held.design for s in found.values() if s.held}, on)
    measured = _measured({s.held.version for s in found.values() if s.held})
    for one in found.values():
        if one.held:
            one.reasons = reasons.get(one.held.design, [])
            one.as_built = measured.get(one.held.version)
    return found


def _designs(keys: Iterable[int], found: dict[int, Standing]) -> dict[int, list[Design]]:
    """Return the designs a room may rest on: the one its entry names, else all that cover it."""
    candidates: dict[int, list[Design]] = {}
    drawn = Design.objects.filter(rooms__in=list(keys)).annotate(of_room=F("rooms__pk"))
    for design in drawn.order_by("pk"):
        candidates.setdefault(design.of_room, []).append(design)  # type: ignore[attr-defined]
    for pk, one in found.items():
        if one.entry and one.entry.design:
            candidates[pk] = [one.entry.design]
    return candidates


def _chosen(
    designs: list[Design], held: dict[int, InForce]
) -> tuple[Design | None, InForce | None]:
    """Return the design issued last; without one, the newest that is drawn."""
    issued = [(held[d.pk].paper, d) for d in designs if d.pk in held]
    if issued:
        design = max(issued, key=lambda pair: pair[0])[1]
        return design, held[design.pk]
    return (designs[-1], None) if designs else (None, None)


_WORST_FIRST = ("less", "agrees", "more")


def _measured(versions: Iterable[int]) -> dict[int, Built]:
    """Return what was measured, by version; one good wall does not hide a bad one."""
    rows = AsBuilt.objects.filter(version__in=list(versions)).defer("record", "readings")
    newest: dict[int, dict[str, AsBuilt]] = {}
    for row in rows.order_by("measured_on", "pk"):
        newest.setdefault(row.version_id, {})[row.barrier] = row
    documents = DesignVersion.objects.filter(pk__in=newest).values_list("pk", "document")
    found = {}
    for pk, document in documents:
        held = newest[pk]
        worst = min(held.values(), key=lambda row: (_WORST_FIRST.index(row.outcome), -row.pk))
        plan = document["plan"]
        things = (*plan.get("barriers", ()), *plan.get("slabs", ()))
        number = sum(any(v["mm"] > 0.0 for v in t.get("layers", ())) for t in things)
        found[pk] = Built(worst, len(held), number)
    return found


def entries(room: Room) -> QuerySet[RoomEntry]:
    """Return everything the register has said of a room, the newest first."""
    return room.register.select_related("by", "design")
