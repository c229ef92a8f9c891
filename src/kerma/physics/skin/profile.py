"""Room profiles: what has to be known of a room before its reports can place a beam on a patient.

A profile is data: signs and zero offsets of the table, reference point, calibration of the
displayed kerma, transmission of the table. A service measures its own
(``docs/methods/skin-dose.md``); the ones built in are *indicative*: put together from public
programs, measured by nobody in the room at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml

from kerma.core import InputError, content_hash
from kerma.core.codec import decode, encode

Status = Literal["validated", "indicative", "refused"]
TableItem = Literal["table_longitudinal", "table_lateral", "table_height"]
FieldSource = Literal["opening", "size", "area", "kap"]


@dataclass(frozen=True, slots=True)
class AxisRule:
    """One axis of the table: position from the isocentre = offset + sign × (item − zero).

    Attributes
    ----------
    item
        Which item of the report moves the table along this axis; this is where the
        longitudinal/lateral trap (`ExposureEvent`) is settled.
    sign, offset_mm
        As measured in the room.
    zero
        A position of the maker's own that the item counts from, if any: ``beam_along`` or
        ``isocentre_height`` of the event.
    zero_default_mm
        Used, as a stated assumption, when the event does not carry `zero`; ``None`` refuses it.
    """

    item: TableItem
    sign: Literal[1, -1]
    offset_mm: float = 0.0
    zero: Literal["", "beam_along", "isocentre_height"] = ""
    zero_default_mm: float | None = None


@dataclass(frozen=True, slots=True)
class TableTop:
    """Table and pad as one slab whose upper face the patient lies on (mm)."""

    width_mm: float
    length_mm: float
    thickness_mm: float
    pad_mm: float

    def __post_init__(self) -> None:
        if min(self.width_mm, self.length_mm, self.thickness_mm) <= 0 or self.pad_mm < 0:
            raise InputError("A table has a width, a length and a thickness.", code="bad-profile")


@dataclass(frozen=True, slots=True)
class TransmissionPoint:
    """Measured transmission of table and pad, perpendicular, air kerma with over without."""

    kv: float
    copper_mm: float
    transmission: float


@dataclass(frozen=True, slots=True)
class Transmission:
    """Transmission of table and pad: the service's own points, or rows of ``table-attenuation``.

    With neither, nothing is subtracted for the table: an upper bound, which the result states.

    Attributes
    ----------
    u_relative
        Relative standard uncertainty.
    obliquity
        Whether a slanted ray is attenuated over its longer way through the slab.
    """

    points: tuple[TransmissionPoint, ...] = ()
    rows_model: str = ""
    rows_plane: str = ""
    u_relative: float = 0.0
    obliquity: bool = True


@dataclass(frozen=True, slots=True)
class KermaCalibration:
    """True over displayed air kerma at the reference point of one plane (empty: every plane).

    `plane` is named as events name it: ``A``, ``B``, ``single plane``.
    """

    factor: float
    u_relative: float
    measured: date
    plane: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomProfile:
    """Geometry and calibration of one room between two dates.

    Attributes
    ----------
    status, reason
        ``validated`` (the service measured it), ``indicative``, or ``refused``, and why.
    across, down, along
        Rules of the three table axes: x towards the left of a patient on the back, head first;
        y down; z towards the head end. Their origin is the middle of the table top's head end.
    primary_sign, secondary_sign, primary_zero_deg, secondary_zero_deg
        angle by the standard = sign × stated − zero.
    angles
        ``patient``: angles are about the patient however they lie, as PS3.3 C.8.7.5.1.2 has it;
        ``room``: they are the C-arm's, as for a patient on the back, head first.
    absent_table_angles
        What is made of a table angle the report does not state: ``zero`` (an assumption) or
        ``refuse``.
    pivot, pivot_mm
        Point the table turns about: ``isocentre``, a ``table point`` (x, y, z from the table's
        origin), or ``None``: unknown, so that events with a turned table are refused.
    reference_point
        Empty: as each event states it. Otherwise a rule of ``reference_points.yaml``.
    absent_filter
        Whether an event without filter items is refused or has none.
    orientations
        How patients may lie for the profile to hold.
    inherent_al_mm
        Filtration of the tube in mm aluminium.
    field_from
        Sources of the field, best first.
    """

    name: str
    title: str
    manufacturer: str
    models: tuple[str, ...]
    serials: tuple[str, ...] = ()
    status: Status
    reason: str = ""
    valid_from: date
    valid_to: date | None = None
    across: AxisRule | None = None
    down: AxisRule | None = None
    along: AxisRule | None = None
    primary_sign: Literal[1, -1] = 1
    secondary_sign: Literal[1, -1] = 1
    primary_zero_deg: float = 0.0
    secondary_zero_deg: float = 0.0
    angles: Literal["patient", "room"] = "room"
    absent_table_angles: Literal["zero", "refuse"] = "refuse"
    pivot: Literal["isocentre", "table point"] | None = None
    pivot_mm: tuple[float, float, float] | None = None
    reference_point: str = ""
    absent_filter: Literal["refuse", "none"] = "refuse"
    orientations: tuple[str, ...] = ("HFS", "FFS", "HFP", "FFP")
    inherent_al_mm: float = 0.0
    table: TableTop | None = None
    transmission: Transmission = Transmission()
    calibrations: tuple[KermaCalibration, ...] = ()
    field_from: tuple[FieldSource, ...] = ("opening", "size", "area", "kap")
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.status == "refused" and not self.reason:
            raise InputError("A refused room profile says why.", code="bad-profile")
        if self.status != "refused" and (
            None in (self.across, self.down, self.along, self.table) or self.inherent_al_mm <= 0
        ):
            raise InputError(
                f"The room profile “{self.name}” needs the three table axes, the table and the "
                "filtration of the tube.",
                code="bad-profile",
            )
        if (self.pivot == "table point") != (self.pivot_mm is not None):
            raise InputError(
                f"The room profile “{self.name}” gives the point on the table it turns about, and "
                "only then.",
                code="bad-profile",
            )
        for one in self.calibrations:
            if not (0 < one.factor < 10 and one.u_relative >= 0):
                raise InputError(
                    "A calibration factor is above 0 and below 10.", code="bad-profile"
                )
        for point in self.transmission.points:
            if not 0 < point.transmission <= 1:
                raise InputError("A transmission lies between 0 and 1.", code="bad-profile")

    def holds_on(self, day: date) -> bool:
        """Return whether the profile is valid on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def covers(self, manufacturer: str | None, model: str | None, serial: str | None) -> bool:
        """Return whether the profile is of this system.

        A maker that is not stated does not contradict; a model must be one of the profile's.
        """
        maker = (manufacturer or "").casefold()
        return (
            (not maker or self.manufacturer.casefold() in maker)
            and (model or "").casefold() in {m.casefold() for m in self.models}
            and (not self.serials or serial in self.serials)
        )

    def calibration(self, plane: str, day: date | None) -> KermaCalibration | None:
        """Return the latest calibration of a plane that was made by a day (None: the latest)."""
        made = [
            c
            for c in self.calibrations
            if (not c.plane or c.plane.casefold() == plane.casefold())
            and (day is None or c.measured <= day)
        ]
        return max(made, key=lambda c: (c.measured, bool(c.plane)), default=None)

    @property
    def sha256(self) -> str:
        """Hash of the profile, for a result's provenance."""
        return content_hash(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return plain data; `from_dict` gives the profile back."""
        found: dict[str, Any] = encode(self)
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RoomProfile:
        """Rebuild a profile.

        Raises
        ------
        InputError
            Codes ``stored-data``, ``bad-profile``.
        """
        return decode(cls, dict(data))


@cache
def built_in() -> tuple[RoomProfile, ...]:
    """Return the profiles that come with Kerma: indicative ones, and refusals with their reason."""
    folder = resources.files("kerma.physics.skin") / "data" / "profiles"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return tuple(_from_yaml(f.read_text(encoding="utf-8")) for f in files)


def _from_yaml(text: str) -> RoomProfile:
    data = yaml.safe_load(text)
    for name in ("valid_from", "valid_to"):
        if data.get(name) is not None:
            data[name] = data[name].isoformat()
    return RoomProfile.from_dict(data)


def profile_for(
    manufacturer: str | None,
    model: str | None,
    serial: str | None = None,
    on: date | None = None,
    profiles: Iterable[RoomProfile] = (),
) -> RoomProfile | None:
    """Return the profile to use: the service's own first, then the ones built in.

    Parameters
    ----------
    manufacturer, model, serial
        As the report states them.
    on
        Day of the examination; ``None`` takes no account of dates.
    profiles
        The service's own.

    Returns
    -------
    RoomProfile or None
        ``None``: nothing is known of such a system. Among several of one origin the one named for
        the serial number, then the one valid latest, is used.
    """
    for among in (tuple(profiles), built_in()):
        found = [
            p
            for p in among
            if p.covers(manufacturer, model, serial) and (on is None or p.holds_on(on))
        ]
        if found:
            return max(found, key=lambda p: (bool(p.serials), p.valid_from))
    return None
