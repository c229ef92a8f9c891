"""A room's profile as a page shows it: every figure with its unit, in words."""

from __future__ import annotations

from dataclasses import dataclass

from kerma.core.typeset import NBSP
from kerma.physics import skin
from kerma.physics.skin import reference_point
from kerma.physics.skin.profile import AxisRule, Transmission
from kerma.service.doses.models import RoomProfile
from kerma.service.doses.skin.room_forms import AXES
from kerma.service.doses.skin.rooms import library_profile
from kerma.service.web.components.numbers import day

_ITEMS = {
    "table_longitudinal": "table longitudinal position", "table_lateral": "table lateral position",
    "table_height": "table height",
}  # fmt: skip
_ZEROS = {
    "beam_along": "the C-arm’s position along the table",
    "isocentre_height": "the height of the isocentre",
}
_FIELDS = {"opening": "edges of the collimator", "size": "its width and height",
           "area": "its area", "kap": "KAP over reference kerma"}  # fmt: skip
Facts = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A profile there has been, with what it says."""

    row: RoomProfile
    groups: list[tuple[str, Facts]]
    sources: tuple[str, ...]
    never: bool


def history(rows: list[RoomProfile]) -> list[HistoryLine]:
    """Return every profile of a room; one replaced from its own first day never held."""
    found = []
    for row in rows:
        profile = library_profile(row)
        never = row.ended_on is not None and row.ended_on <= row.valid_from
        found.append(HistoryLine(row, groups_of(profile), profile.sources, never))
    return found


def groups_of(profile: skin.RoomProfile) -> list[tuple[str, Facts]]:
    """Return what a profile says, in groups."""
    if profile.across is None or profile.table is None:
        return []
    return [
        ("Table positions", _axes(profile)),
        ("C-arm", _arm(profile)),
        ("Table and pad", _table(profile)),
        ("Displayed kerma", _kerma(profile)),
    ]


def _mm(value: float) -> str:
    return f"{value:g}{NBSP}mm".replace("-", "−")


def _axes(profile: skin.RoomProfile) -> Facts:
    return [(words, _axis(getattr(profile, axis))) for axis, words in AXES.items()]


def _axis(rule: AxisRule) -> str:
    way = "+" if rule.sign > 0 else "−"
    text = f"{_mm(rule.offset_mm)} {way} {_ITEMS[rule.item]}"
    if not rule.zero:
        return text
    default = (
        "; left out if that is not sent" if rule.zero_default_mm is None
        else f"; {_mm(rule.zero_default_mm)} if that is not sent"
    )  # fmt: skip
    return f"{text}, counted from {_ZEROS[rule.zero]}{default}"


def _arm(profile: skin.RoomProfile) -> Facts:
    def angle(sign: int, zero: float) -> str:
        return f"{'+' if sign > 0 else '−'} as stated, zero at {zero:g}°".replace("-", "−")

    rule = profile.reference_point
    title = reference_point.rules()[rule]["title"] if rule else "as each event states it"
    pivot: str = profile.pivot or "not known"
    if profile.pivot_mm is not None:
        pivot = "a point on the table: " + ", ".join(_mm(v) for v in profile.pivot_mm)
    return [
        ("Primary angle", angle(profile.primary_sign, profile.primary_zero_deg)),
        ("Secondary angle", angle(profile.secondary_sign, profile.secondary_zero_deg)),
        ("Angles are", "about the patient" if profile.angles == "patient" else "the C-arm’s"),
        ("Table turns about", pivot),
        ("Table angle not sent",
         "zero" if profile.absent_table_angles == "zero" else "event left out"),
        ("Reference point", title),
        ("Filtration of the tube", f"{profile.inherent_al_mm:g}{NBSP}mm Al"),
        ("Filter not sent", "none" if profile.absent_filter == "none" else "event left out"),
        ("Field from", ", ".join(_FIELDS[f] for f in profile.field_from)),
        ("Patients", ", ".join(profile.orientations)),
    ]  # fmt: skip


def _table(profile: skin.RoomProfile) -> Facts:
    table = profile.table
    assert table is not None
    return [
        ("Table top", f"{table.width_mm:g} × {table.length_mm:g} × {_mm(table.thickness_mm)}"),
        ("Pad", _mm(table.pad_mm)),
        ("Transmission", _transmission(profile.transmission)),
    ]


def _transmission(about: Transmission) -> str:
    if about.points:
        text = "; ".join(
            f"{p.transmission:g} at {p.kv:g}{NBSP}kV, {p.copper_mm:g}{NBSP}mm Cu"
            for p in about.points
        )
    elif about.rows_model:
        text = f"as listed for {about.rows_model}, {about.rows_plane}"
    else:
        return "not known; nothing is taken off"
    slant = "longer way of a slanted beam counted" if about.obliquity else "slant not counted"
    return f"{text} (u {100 * about.u_relative:g}{NBSP}%; {slant})"


def _kerma(profile: skin.RoomProfile) -> Facts:
    if not profile.calibrations:
        return [("Calibration", "none: the display is taken as true, within its tolerance")]
    return [
        (f"Plane {c.plane}" if c.plane else "Every plane",
         f"true over displayed {c.factor:g}, u {100 * c.u_relative:g}{NBSP}%, {day(c.measured)}")
        for c in profile.calibrations
    ]  # fmt: skip
