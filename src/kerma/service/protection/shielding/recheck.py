"""Why a design in force must be looked at again, from what is stored.

Each reason is found anew whenever it is asked for: nothing has to be marked, so nothing is missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import Q
from django.utils import timezone

from kerma import reference
from kerma.core import InputError
from kerma.core.typeset import pretty_unit
from kerma.physics.shielding.plan.differences import differences
from kerma.physics.shielding.plan.document import Plan
from kerma.reports.units import date_text
from kerma.service.doses import columnar
from kerma.service.estate.models import System
from kerma.service.protection.models import AsBuilt, Design, DesignVersion, Drawing
from kerma.service.protection.shielding import dose_counts, drawing
from kerma.service.protection.shielding.dose_counts import Totals
from kerma.service.protection.shielding.in_force import in_force
from kerma.service.protection.shielding.plan_workload import (
    DLP,
    KAP,
    NAMES,
    UNITS,
    Designed,
    designed,
)
from kerma.service.protection.shielding.shown import grouped
from kerma.service.protection.shielding.workload import DAYS, LEAST_DAYS, last_year

LESS = "less"  # outcome of an as-built measurement, see kerma.physics.shielding.plan.as_built
# Versions never change and drawings change seldom; their plans are read once. Design choice.
_MOST_HELD = 4000


class Reason(NamedTuple):
    """One reason: a name for programs, a sentence, and the day since which it holds if known."""

    code: str
    sentence: str
    since: date | None


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a kept version says: its plan, its workloads, the rows it rests on with their hash."""

    plan: Plan | None
    workloads: tuple[Designed, ...]
    rows: tuple[tuple[str, str], ...]
    unreadable: str = ""

    @property
    def assets(self) -> set[str]:
        """The systems the plan names."""
        return {s.system for s in self.plan.sources if s.system} if self.plan else set()


_versions: dict[tuple[int, str, str], _Facts] = {}
_drawings: dict[tuple[int, int, datetime], Plan | None] = {}


def _key(version: DesignVersion) -> tuple[int, str, str]:
    return version.pk, version.document_sha256, version.assessment_sha256


@dataclass(slots=True)
class _Seen:
    """Everything looked up once for all designs asked about."""

    today: date
    facts: dict[int, _Facts]
    newest: dict[int, tuple[date, Plan | None]]
    systems: dict[str, System]
    standing: dict[int, list[System]]
    rooms: dict[int, set[int]]
    sites: dict[int, int]
    totals: Mapping[str, Totals]
    less: dict[int, list[AsBuilt]]


def of_design(design: Design, on: date | None = None) -> list[Reason]:
    """Return the reasons why the version in force must be looked at again; none without one."""
    return of_designs([design.pk], on).get(design.pk, [])


def of_designs(
    designs: Iterable[int] | None = None, on: date | None = None
) -> dict[int, list[Reason]]:
    """Return the reasons of the designs with these keys, or of all, in a fixed number of queries.

    Designs of which nothing is in force are not among them.
    """
    held = in_force(designs)
    return _reasons({v.design: v.version for v in held.values()}, on or timezone.localdate())


def of_version(version: DesignVersion, on: date | None = None) -> list[Reason]:
    """Return the reasons why a version must be looked at again, whether it is in force or not."""
    return _reasons({version.design_id: version.pk}, on or timezone.localdate())[version.design_id]


def _reasons(versions: Mapping[int, int], today: date) -> dict[int, list[Reason]]:
    """Return the reasons by design, of one version each."""
    if not versions:
        return {}
    kept = {
        v.pk: v
        for v in DesignVersion.objects.filter(design_id__in=list(versions)).defer(
            "document", "assessment"
        )
    }
    seen = _look(versions, kept, today)
    return {
        design: [
            *_measured(seen, version), *_systems(seen, design, kept[version]),
            *_workload(seen, version), *_neighbours(seen, design, version),
            *_reference(seen, version),
        ]
        for design, version in versions.items()
    }  # fmt: skip


# Looking up ---------------------------------------------------------------------------------------


def _look(versions: Mapping[int, int], kept: Mapping[int, DesignVersion], today: date) -> _Seen:
    facts = _facts([kept[pk] for pk in versions.values()])
    assets = {asset for f in facts.values() for asset in f.assets}
    rooms: dict[int, set[int]] = {}
    sites: dict[int, int] = {}
    for design, site, room in Design.objects.filter(pk__in=list(versions)).values_list(
        "pk", "site_id", "rooms"
    ):
        sites[design] = site
        rooms.setdefault(design, set()).update({room} - {None})
    standing: dict[int, list[System]] = {}
    systems: dict[str, System] = {}
    stand = Q(asset__in=assets) | Q(room__in={r for held in rooms.values() for r in held})
    for system in System.objects.filter(stand).select_related("room"):
        systems[system.asset] = system
        standing.setdefault(system.room_id, []).append(system)
    less: dict[int, list[AsBuilt]] = {}
    measured = AsBuilt.objects.filter(version__in=list(versions.values())).defer(
        "record", "readings"
    )
    # The newest measurement of a barrier holds.
    for row in {
        (m.version_id, m.barrier): m for m in measured.order_by("measured_on", "pk")
    }.values():
        if row.outcome == LESS:
            less.setdefault(row.version_id, []).append(row)
    compared = {w.asset for f in facts.values() for w in f.workloads}
    totals = dose_counts.totals(columnar.store(), compared, *last_year(today))
    return _Seen(
        today=today, facts=facts, newest=_newest(versions), systems=systems, standing=standing,
        rooms=rooms, sites=sites, totals=totals, less=less,
    )  # fmt: skip


def _facts(versions: list[DesignVersion]) -> dict[int, _Facts]:
    missing = [v.pk for v in versions if _key(v) not in _versions]
    if len(_versions) + len(missing) > _MOST_HELD:
        _versions.clear()
        missing = [v.pk for v in versions]
    for version in DesignVersion.objects.filter(pk__in=missing) if missing else ():
        rows = tuple((s["row"], s["sha256"]) for s in version.assessment.get("sources", ()))
        plan, why = _plan(version.document)
        _versions[_key(version)] = _Facts(plan, designed(plan) if plan else (), rows, why)
    return {v.pk: _versions[_key(v)] for v in versions}


def _plan(document: Mapping[str, Any]) -> tuple[Plan | None, str]:
    try:
        return drawing.read(document).plan, ""
    except InputError as error:
        return None, error.message


def _newest(versions: Mapping[int, int]) -> dict[int, tuple[date, Plan | None]]:
    rows = Drawing.objects.filter(design_id__in=list(versions))
    held = list(rows.defer("document"))
    missing = [d.pk for d in held if (d.pk, d.revision, d.saved_at) not in _drawings]
    if len(_drawings) + len(missing) > _MOST_HELD:
        _drawings.clear()
        missing = [d.pk for d in held]
    for one in Drawing.objects.filter(pk__in=missing) if missing else ():
        _drawings[one.pk, one.revision, one.saved_at] = _plan(one.document)[0]
    return {
        d.design_id: (timezone.localdate(d.saved_at), _drawings.get((d.pk, d.revision, d.saved_at)))
        for d in held
    }


# Reasons ------------------------------------------------------------------------------------------


def _measured(seen: _Seen, version: int) -> Iterator[Reason]:
    for row in seen.less.get(version, ()):
        yield Reason(
            "as-built-less",
            f"{row.name} has less shielding than designed, as measured on "
            f"{date_text(row.measured_on)}.",
            row.measured_on,
        )


def _systems(seen: _Seen, design: int, version: DesignVersion) -> Iterator[Reason]:
    facts, rooms = seen.facts[version.pk], seen.rooms[design]
    if facts.unreadable:
        yield Reason(
            "unreadable",
            f"The version can no longer be read, so nothing is compared with it: "
            f"{facts.unreadable}",
            None,
        )
    for asset in sorted(facts.assets):
        system = seen.systems.get(asset)
        if system is None:
            yield Reason("system-gone", f"{asset} is not in the inventory any more.", None)
        elif system.status == "withdrawn":
            day = system.withdrawn_on
            since = f" on {date_text(day)}" if day else ""
            yield Reason("system-withdrawn", f"{system} was withdrawn{since}.", day)
        elif (rooms and system.room_id not in rooms) or system.room.site_id != seen.sites[design]:
            yield Reason("system-moved", f"{system} stands in {system.room} now.", None)
    # A source nobody linked may be the very system that stands there.
    if facts.plan is None or not all(source.system for source in facts.plan.sources):
        return
    for room in sorted(rooms):
        for system in seen.standing.get(room, ()):
            if system.modality == "display" or system.status == "withdrawn":
                continue
            if system.asset not in facts.assets:
                yield Reason(
                    "system-new",
                    f"{system} stands in {system.room} and is no source of the design.",
                    None,
                )


def _workload(seen: _Seen, version: int) -> Iterator[Reason]:
    for held in seen.facts[version].workloads:
        found = seen.totals.get(held.asset)
        if found is None or found.covered_days < LEAST_DAYS:
            continue
        did = {KAP: found.kap_gy_cm2, DLP: found.dlp_mgy_cm}.get(held.measure, found.patients)
        now = (did or 0.0) * DAYS[held.period] / found.covered_days
        if now > held.amount:
            unit = f" {pretty_unit(UNITS[held.measure])}" if held.measure in (KAP, DLP) else ""
            yield Reason(
                "workload",
                f"{NAMES[held.measure]} of {held.asset}: {_shown(now)}{unit} a {held.period} in "
                f"the last 52 weeks ({found.covered_days} days covered); the design is for "
                f"{_shown(held.amount)}{unit}.",
                None,
            )


def _shown(value: float) -> str:
    return grouped(float(f"{value:.3g}"))


def _neighbours(seen: _Seen, design: int, version: int) -> Iterator[Reason]:
    """Tell what became of the areas; walls redrawn are a proposal until they are built."""
    plan = seen.facts[version].plan
    saved_on, newest = seen.newest.get(design, (seen.today, None))
    if plan is None or newest is None:
        return
    areas = {a.key for a in (*plan.areas, *newest.areas)}
    for change in differences(plan, newest):
        if change.recheck and change.about in areas:
            yield Reason("neighbour", f"In the newest drawing: {change.message}", saved_on)


def _reference(seen: _Seen, version: int) -> Iterator[Reason]:
    changed = [name for name, sha256 in seen.facts[version].rows if _current(name) != sha256]
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        rows = "A row" if len(changed) == 1 else f"{len(changed)} rows"
        yield Reason(
            "reference",
            f"{rows} of reference data the version rests on changed: "
            f"{', '.join(changed[:3])}{more}.",
            None,
        )


def _current(name: str) -> str:
    try:
        return reference.row(name).sha256
    except InputError:
        return ""
