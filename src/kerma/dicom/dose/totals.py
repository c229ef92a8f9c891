"""Totals of a study: what devices state against what the events add up to."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from kerma.dicom.dose.records import Accumulated, Event, Report, StudyRecord, Total, Totals
from kerma.dicom.dose.tables import name_of
from kerma.dicom.dose.values import Value, resolution, unit_of

# A difference above this is shown (methods: dose management, acceptance list, item 7).
FLAG_ABOVE = 0.01

Pick = Callable[[Accumulated], Value | None]
Take = Callable[[Event], Value | None]


def completed(record: StudyRecord) -> StudyRecord:
    """Return the record with its totals worked out from its reports and events."""
    return replace(record, totals=_totals(record))


def _totals(record: StudyRecord) -> Totals:
    reports, why_not = _counting(record.reports)
    events = record.events
    fluoro = [event for event in events if event.kind == "fluoroscopy"]
    acquired = [event for event in events if event.kind != "fluoroscopy"]
    totals = [total for report in reports for total in report.accumulated]

    def total(quantity: str, pick: Pick, some: Sequence[Event], take: Take) -> Total:
        said = [value for report in reports for value in _said(report.accumulated, pick)]
        return _total(quantity, said, [take(e) for e in some], why_not)

    def agd(side: str) -> Total:
        stated = [d.dose for t in totals for d in t.agd if d.side == side]
        mine = [e for e in events if name_of("side", e.laterality) == side]
        return _total("dose_mgy", stated, [e.breast.agd for e in mine if e.breast], why_not)

    given = record.administrations
    return Totals(
        dlp=total("dlp", lambda t: t.dlp, events, lambda e: e.ct.dlp if e.ct else None),
        kap=total("kap", lambda t: t.kap, events, lambda e: e.kap),
        fluoro_kap=total("kap", lambda t: t.fluoro_kap, fluoro, lambda e: e.kap),
        acquisition_kap=total("kap", lambda t: t.acquisition_kap, acquired, lambda e: e.kap),
        dose_rp=total("dose_gy", lambda t: t.dose_rp, events, lambda e: e.dose_rp),
        fluoro_dose_rp=total("dose_gy", lambda t: t.fluoro_dose_rp, fluoro, lambda e: e.dose_rp),
        acquisition_dose_rp=total(
            "dose_gy", lambda t: t.acquisition_dose_rp, acquired, lambda e: e.dose_rp
        ),
        fluoro_time=total("time_s", lambda t: t.fluoro_time, fluoro, lambda e: e.irradiation_time),
        acquisition_time=total(
            "time_s", lambda t: t.acquisition_time, acquired, lambda e: e.irradiation_time
        ),
        agd_left=agd("left"),
        agd_right=agd("right"),
        administered_activity=_total("activity", [], [a.activity for a in given], ""),
        effective_dose=_total("effective", [], [a.effective_dose for a in given], ""),
        kap_by_plane=_by_plane("kap", totals, lambda t: t.kap),
        dose_rp_by_plane=_by_plane("dose_gy", totals, lambda t: t.dose_rp),
    )


def _said(totals: Sequence[Accumulated], pick: Pick) -> list[Value | None]:
    """Return one report's stated parts of a total, each dose once.

    A room with several planes may state the sum of all planes besides each of them.
    """
    whole = [value for t in totals if _of_all(t, totals) and (value := pick(t)) and value.numbers]
    if whole:
        return [whole[0]]
    return [pick(t) for t in totals if not _of_all(t, totals)] or [pick(t) for t in totals]


def _of_all(total: Accumulated, totals: Sequence[Accumulated]) -> bool:
    """Tell whether a total is of every plane, or of every source (“A and B”; TID 10041)."""
    if name_of("plane", total.plane) == "all":
        return True
    others = {t.source for t in totals if t.source and t.source != total.source}
    named = set(re.split(r"\s*(?:\band\b|[,;+&/])\s*", total.source or ""))
    return len(others) > 1 and others <= named


def _counting(reports: Sequence[Report]) -> tuple[list[Report], str]:
    """Choose the reports whose stated totals may be added up.

    A report whose events are all in another one (an earlier state of a cumulative report, or a
    duplicate) does not count. When what is left still shares events, no stated total can be used.
    """
    with_totals = [report for report in reports if report.accumulated]
    kept: list[Report] = []
    for report in sorted(with_totals, key=_rank, reverse=True):
        mine = set(report.event_uids)
        if not any(mine <= set(other.event_uids) for other in kept):
            kept.append(report)
    shared = sum(len(report.event_uids) for report in kept) != len(
        {uid for report in kept for uid in report.event_uids}
    )
    if shared:
        return [], "reports share some of their events, so their stated totals cannot be added"
    if sum(not report.event_uids for report in with_totals) > 1:
        # Without events nothing tells a new state of a report from another report.
        return kept, "several reports state totals without events; only the latest counts"
    return kept, ""


def _rank(report: Report) -> tuple[int, str, str]:
    return len(set(report.event_uids)), report.created or "", report.sop_instance_uid


def _total(
    quantity: str, stated: Iterable[Value | None], taken: Sequence[Value | None], why_not: str
) -> Total:
    said = [value for value in stated if value is not None]
    mine = [value for value in taken if value is not None and value.numbers]
    a = _added(quantity, said, "stated", "")
    reason = f"sum of {len(mine)} of {len(taken)} events" if len(mine) < len(taken) else ""
    b = _added(quantity, mine, "summed", reason or f"sum of {len(mine)} events")
    if a is None and b is None:
        # Keep the reason of a total that was sent but cannot be used.
        return Total(value=said[0] if said else None, stated=said[0] if said else None)
    if a is None or b is None:
        return Total(value=a or b, stated=a, summed=b, note=why_not)
    return _chosen(
        a, b, reason, max((_step(value) for value in mine if any(value.numbers)), default=0.0)
    )


def _chosen(stated: Value, summed: Value, partial: str, event_step: float) -> Total:
    """Prefer the stated total, unless it was rounded away or is coarser than the sum.

    Coarser means: the two differ by more than 1 %, the last digit stated is worth more than the
    last digit of every event (zeros aside, whose digits say nothing), and more than 1 % of the sum.
    """
    x, y = stated.numbers[0], summed.numbers[0]
    difference = (y - x) / x if x else None
    flagged = abs(difference) > FLAG_ABOVE if difference is not None else y > 0
    step = _step(stated)
    note = ""
    if x == 0 and y > 0:
        note = "the device states 0; the sum of the events is used"
    elif flagged and not partial and step > event_step and step > FLAG_ABOVE * y:
        note = "the stated total is rounded more coarsely than the events; their sum is used"
    value = summed if note else stated
    return Total(
        value=value,
        stated=stated,
        summed=summed,
        difference=difference,
        flagged=flagged,
        note=note or (partial and f"events give a {partial}"),
    )


def _added(quantity: str, values: Sequence[Value], origin: str, reason: str) -> Value | None:
    """Add values up; ``None`` when there are none, or when a stated part has no number."""
    if not values or any(not value.numbers for value in values):
        return None
    if origin == "stated" and len(values) == 1 and len(values[0].numbers) == 1:
        return values[0]
    number = math.fsum(n for value in values for n in value.numbers)
    sent = tuple(text for value in values for text in value.sent)
    if origin == "stated":
        return Value(
            (number,), unit_of(quantity), sent, None, None, "stated", "sum of parts stated"
        )
    return Value((number,), unit_of(quantity), origin="summed", reason=reason)


def _step(value: Value) -> float:
    """Return the weight of the last digit of what was sent, in the unit kept (0: not known)."""
    factor = value.factor if value.factor is not None else 1.0
    return max((resolution(text) or 0.0 for text in value.sent), default=0.0) * factor


def _by_plane(
    quantity: str, totals: Sequence[Accumulated], pick: Pick
) -> tuple[tuple[str, Value], ...]:
    planes: dict[str, list[Value]] = {}
    for total in totals:
        value = pick(total)
        if total.plane is not None and value is not None:
            planes.setdefault(total.plane.meaning, []).append(value)
    added = ((name, _added(quantity, values, "stated", "")) for name, values in planes.items())
    return tuple((name, value) for name, value in added if value is not None)
