"""What an event lacks before its beam can be placed; nothing missing is ever taken as zero."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from kerma.physics.skin import reference_point
from kerma.physics.skin.events import ORIENTATION_WORDS, ExposureEvent, Patient
from kerma.physics.skin.profile import AxisRule, RoomProfile


class Lack(NamedTuple):
    """Something missing: a stable code and the words for people."""

    code: str
    words: str


_TURNS = {
    "table_head_tilt_deg": "table head tilt",
    "table_rotation_deg": "table rotation",
    "table_cradle_deg": "table cradle",
}
_ITEM_WORDS = {
    "table_longitudinal": "table longitudinal position",
    "table_lateral": "table lateral position",
    "table_height": "table height",
}
_ZERO_WORDS = {
    "beam_along": "the C-arm's position along the table",
    "isocentre_height": "the height of the isocentre",
}


def day_of(event: ExposureEvent) -> date | None:
    """Return the day of an event, where it says a readable one."""
    try:
        return datetime.fromisoformat(event.started or "").date()
    except ValueError:
        return None


def orientation_of(event: ExposureEvent, patient: Patient) -> str | None:
    """Return how the patient lies: as given by hand, else as the event says."""
    return patient.orientation or event.orientation


def lacks(event: ExposureEvent, profile: RoomProfile | None, patient: Patient) -> list[Lack]:
    """Return everything an event lacks, in a fixed order; empty when it can be placed."""
    found = list(_of_any_room(event, patient))
    if profile is None:
        return [Lack("no-profile", "there is no room profile of this system"), *found]
    if profile.status == "refused":
        return [Lack("profile-refused", profile.reason.rstrip(".")), *found]
    return [*found, *_of_profile(event, profile, patient)]


def _of_any_room(event: ExposureEvent, patient: Patient) -> Iterator[Lack]:
    if event.reference_kerma_mgy is None and event.kap_gy_m2 is None:
        yield Lack("no-kerma", "neither reference kerma nor kerma-area product is stated")
    negative = [n for n in (event.reference_kerma_mgy, event.kap_gy_m2) if n is not None and n < 0]
    if negative:
        yield Lack("bad-kerma", "the stated kerma is negative")
    for angle, words in ((event.primary_deg, "primary"), (event.secondary_deg, "secondary")):
        if angle is None:
            yield Lack("no-angle", f"the {words} angle of the C-arm is not stated")
    if event.kind == "rotational":
        ends = (event.primary_end_deg, event.secondary_end_deg)
        if all(e is None for e in ends):
            yield Lack("no-end-angle", "the end angle of the rotation is not stated")
        elif ends in (
            (event.primary_deg, event.secondary_deg),
            (event.primary_deg, None),
            (None, event.secondary_deg),
        ):
            yield Lack("no-end-angle", "the rotation is said to end where it begins")
    if not event.source_isocentre_mm or event.source_isocentre_mm <= 0:
        yield Lack("no-distance", "the distance from focus to isocentre is not stated")
    if event.kv is None or event.kv <= 0:
        yield Lack("no-kv", "the tube voltage is not stated")
    if orientation_of(event, patient) is None:
        yield Lack("no-orientation", "how the patient lies is not stated")


def _of_profile(event: ExposureEvent, profile: RoomProfile, patient: Patient) -> Iterator[Lack]:
    day = day_of(event)
    if day is not None and not profile.holds_on(day):
        yield Lack("profile-date", f"the room profile “{profile.name}” does not hold on {day}")
    lying = orientation_of(event, patient)
    if lying is not None and lying not in profile.orientations:
        yield Lack(
            "no-orientation",
            f"the room profile does not hold for a patient {ORIENTATION_WORDS[lying]}",
        )
    for rule in (profile.across, profile.down, profile.along):
        assert rule is not None
        yield from _of_axis(event, rule)
    for name, words in _TURNS.items():
        angle = getattr(event, name)
        if angle is None and profile.absent_table_angles == "refuse":
            yield Lack("no-table-angle", f"the {words} angle is not stated")
        if angle and profile.pivot is None:
            yield Lack(
                "table-turned",
                f"the {words} angle is {angle:g}° and the room profile does not say about which "
                "point the table turns",
            )
    filters = (event.copper_mm, event.aluminium_mm)
    if None in filters and profile.absent_filter == "refuse":
        yield Lack("no-filter", "the added filtration is not stated")
    if any(f is not None and f < 0 for f in filters):
        yield Lack("no-filter", "the added filtration is negative")
    rule_name = profile.reference_point or reference_point.rule_of(event)
    words_missing = reference_point.missing(event, rule_name)
    if words_missing is not None and rule_name != "isocentre-150":
        yield Lack("no-reference-point", words_missing)


def _of_axis(event: ExposureEvent, rule: AxisRule) -> Iterator[Lack]:
    if getattr(event, f"{rule.item}_mm") is None:
        yield Lack("no-table-position", f"the {_ITEM_WORDS[rule.item]} is not stated")
    if rule.zero and getattr(event, f"{rule.zero}_mm") is None and rule.zero_default_mm is None:
        yield Lack("no-table-position", f"{_ZERO_WORDS[rule.zero]} is not stated")
