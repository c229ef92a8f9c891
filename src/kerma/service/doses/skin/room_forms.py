"""The form of a room's profile: every number beside its unit, tables one line a row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from django import forms

from kerma import reference
from kerma.core import InputError
from kerma.physics import skin
from kerma.physics.skin import reference_point, support
from kerma.physics.skin.events import ORIENTATION_WORDS
from kerma.physics.skin.profile import (
    AxisRule,
    KermaCalibration,
    TableTop,
    Transmission,
    TransmissionPoint,
)
from kerma.service.estate.models import System
from kerma.service.web.form_page import DayInput

T = TypeVar("T")
AXES = {
    "across": "Across: to the left of a patient on the back, head first",
    "down": "Down",
    "along": "Along: to the head end of the table",
}
_ITEMS = [
    ("table_longitudinal", "table longitudinal position"),
    ("table_lateral", "table lateral position"),
    ("table_height", "table height"),
]
_SIGNS = [(1, "as it grows (+)"), (-1, "as it falls (−)")]
_ZEROS = [("", "nothing"), ("beam_along", "the C-arm’s place along"),
          ("isocentre_height", "the isocentre’s height")]  # fmt: skip
_FIELDS = [("opening", "edges of the collimator"), ("size", "width and height at the receptor"),
           ("area", "area at the receptor"), ("kap", "KAP over reference kerma")]  # fmt: skip
_MEASURED, _UNKNOWN = "measured", ""


def _mm(label: str, *, low: float = -5000, high: float = 5000, **more: Any) -> forms.FloatField:
    return forms.FloatField(label=label, min_value=low, max_value=high, **more)


def _lines(label: str, hint: str) -> forms.CharField:
    area = forms.Textarea({"rows": 4, "spellcheck": "false"})
    return forms.CharField(label=label, help_text=hint, required=False, max_length=6000,
                           widget=area)  # fmt: skip


class ProfileForm(forms.Form):
    """Geometry, calibration and table of a room, and from when they hold.

    The fields of the three axes are made in a loop: ``across_item``, ``across_sign``, ...
    """

    primary_sign = forms.TypedChoiceField(label="Primary angle counts", choices=_SIGNS, coerce=int)
    primary_zero_deg = _mm("Primary angle, zero", low=-180, high=180, initial=0)
    secondary_sign = forms.TypedChoiceField(
        label="Secondary angle counts", choices=_SIGNS, coerce=int
    )
    secondary_zero_deg = _mm("Secondary angle, zero", low=-180, high=180, initial=0)
    angles = forms.ChoiceField(
        label="Angles are", choices=[("room", "those of the C-arm"),
                                     ("patient", "about the patient, however they lie")],
    )  # fmt: skip
    absent_table_angles = forms.ChoiceField(
        label="A table angle that is not sent",
        choices=[("refuse", "leaves the event out"), ("zero", "is zero: the table cannot turn")],
    )  # fmt: skip
    pivot = forms.ChoiceField(
        label="The table turns about", required=False,
        choices=[("", "not known"), ("isocentre", "the isocentre"),
                 ("table point", "a point on the table")],
    )  # fmt: skip
    pivot_x_mm = _mm("Point: across", required=False)
    pivot_y_mm = _mm("Point: down", required=False)
    pivot_z_mm = _mm("Point: along", required=False)
    reference_point = forms.ChoiceField(label="Displayed kerma holds", required=False)
    field_from = forms.MultipleChoiceField(
        label="The field may be taken from (best first)", choices=_FIELDS,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    absent_filter = forms.ChoiceField(
        label="A filter that is not sent", choices=[("refuse", "leaves the event out"),
                                                    ("none", "is none: there is no filter")],
    )  # fmt: skip
    orientations = forms.MultipleChoiceField(
        label="The profile holds for patients", widget=forms.CheckboxSelectMultiple,
        choices=list(ORIENTATION_WORDS.items()),
    )  # fmt: skip
    inherent_al_mm = _mm("Filtration of the tube", low=0.1, high=50)
    width_mm = _mm("Table top, width", low=1)
    length_mm = _mm("Table top, length", low=1)
    thickness_mm = _mm("Table top, thickness", low=0.1, high=500)
    pad_mm = _mm("Pad, thickness", low=0, high=500)
    table_from = forms.ChoiceField(label="Transmission of table and pad", required=False)
    table_points = _lines("Measured transmission", "kV; mm of copper; transmission")
    table_u_percent = forms.FloatField(
        label="Transmission, standard uncertainty", min_value=0, max_value=100
    )
    obliquity = forms.BooleanField(
        label="A slanted beam goes further through the table", required=False
    )
    calibrations = _lines(
        "Calibration of the displayed kerma",
        "plane as reported, empty for all; true over displayed; standard uncertainty in %; day "
        "(2026-11-23)",
    )
    sources = _lines("Where the figures come from", "one a line")
    status = forms.ChoiceField(
        label="Standing", choices=[("indicative", "Indicative: not measured here"),
                                   ("validated", "Validated: measured in this room")],
    )  # fmt: skip
    valid_from = forms.DateField(label="Holds from", widget=DayInput)
    reason = forms.CharField(
        label="What was measured, and how it compared", max_length=600,
        widget=forms.Textarea({"rows": 3}),
    )  # fmt: skip
    evidence = forms.FileField(label="The measurements", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for axis in AXES:
            self.fields[f"{axis}_item"] = forms.ChoiceField(label="Moved by", choices=_ITEMS)
            self.fields[f"{axis}_sign"] = forms.TypedChoiceField(
                label="Moves so", choices=_SIGNS, coerce=int
            )
            self.fields[f"{axis}_offset_mm"] = _mm("Position at zero")
            self.fields[f"{axis}_zero"] = forms.ChoiceField(
                label="Counted from", choices=_ZEROS, required=False
            )
            self.fields[f"{axis}_default_mm"] = _mm("If not sent", required=False)
        rules = [(name, rule["title"]) for name, rule in reference_point.rules().items()]
        self.fields["reference_point"].choices = [("", "as each event states it"), *rules]  # type: ignore[attr-defined]
        self.fields["table_from"].choices = _tables()  # type: ignore[attr-defined]

    def clean_table_points(self) -> tuple[TransmissionPoint, ...]:
        """Points, one a line."""
        return _read(self.cleaned_data["table_points"], 3, _point)

    def clean_calibrations(self) -> tuple[KermaCalibration, ...]:
        """Calibrations, one a line."""
        return _read(self.cleaned_data["calibrations"], 4, _calibration)

    def clean(self) -> dict[str, Any]:
        """The parts agree with one another."""
        data = super().clean() or {}
        point = [data.get(f"pivot_{n}_mm") for n in "xyz"]
        if data.get("pivot") == "table point" and None in point:
            self.add_error("pivot", "Give the three coordinates of the point, from the middle of "
                                    "the head end of the table top.")  # fmt: skip
        if data.get("table_from") == _MEASURED and not data.get("table_points", True):
            self.add_error("table_points", "Give the transmissions that were measured.")
        return data

    def profile(self, system: System) -> skin.RoomProfile:
        """Return the profile as typed; its standing and dates are said when it is put in force.

        Raises
        ------
        InputError
            Those of `kerma.physics.skin.RoomProfile`.
        """
        data = self.cleaned_data
        point = data["pivot"] == "table point"
        return skin.RoomProfile(
            name=system.asset, title=f"{system.asset} {system.name}",
            manufacturer=system.manufacturer, models=(system.model,),
            status="indicative", reason="", valid_from=data["valid_from"],
            across=_axis(data, "across"), down=_axis(data, "down"), along=_axis(data, "along"),
            primary_sign=data["primary_sign"], secondary_sign=data["secondary_sign"],
            primary_zero_deg=data["primary_zero_deg"],
            secondary_zero_deg=data["secondary_zero_deg"],
            angles=data["angles"], absent_table_angles=data["absent_table_angles"],
            pivot=data["pivot"] or None,
            pivot_mm=tuple(data[f"pivot_{n}_mm"] for n in "xyz") if point else None,  # type: ignore[arg-type]
            reference_point=data["reference_point"], absent_filter=data["absent_filter"],
            orientations=tuple(o for o in ORIENTATION_WORDS if o in data["orientations"]),
            inherent_al_mm=data["inherent_al_mm"],
            table=TableTop(data["width_mm"], data["length_mm"], data["thickness_mm"],
                           data["pad_mm"]),
            transmission=_transmission(data), calibrations=data["calibrations"],
            field_from=tuple(n for n, _ in _FIELDS if n in data["field_from"]),  # type: ignore[misc]
            sources=tuple(s.strip() for s in data["sources"].splitlines() if s.strip()),
        )  # fmt: skip

    @property
    def axes(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The three axes with their fields."""
        parts = ("item", "sign", "offset_mm", "zero", "default_mm")
        return [(words, [self[f"{axis}_{p}"] for p in parts]) for axis, words in AXES.items()]


class RefuseForm(forms.Form):
    """From when no map is made of a room, and why."""

    valid_from = forms.DateField(label="From", widget=DayInput)
    reason = forms.CharField(
        label="Why maps of this room are refused", max_length=600,
        widget=forms.Textarea({"rows": 3}),
    )  # fmt: skip


def _tables() -> list[tuple[str, str]]:
    known = dict.fromkeys((r.text("model"), r.text("plane")) for r in reference.rows(support.ROWS))
    listed = [(f"{m}|{p}", f"as listed for {m}, {p}") for m, p in known]
    return [(_UNKNOWN, "not known: nothing is taken off"), (_MEASURED, "measured here"), *listed]


def _axis(data: dict[str, Any], axis: str) -> AxisRule:
    zero = data[f"{axis}_zero"]
    return AxisRule(
        data[f"{axis}_item"], data[f"{axis}_sign"], data[f"{axis}_offset_mm"], zero,
        data[f"{axis}_default_mm"] if zero else None,
    )  # fmt: skip


def _transmission(data: dict[str, Any]) -> Transmission:
    model, _, plane = data["table_from"].partition("|")
    measured = model == _MEASURED
    return Transmission(
        points=data["table_points"] if measured else (),
        rows_model="" if measured else model, rows_plane=plane,
        u_relative=data["table_u_percent"] / 100, obliquity=data["obliquity"],
    )  # fmt: skip


def _read(text: str, cells: int, made: Callable[[list[str]], T]) -> tuple[T, ...]:
    """Return one thing a line, cells parted by semicolons or tabs; errors name the line."""
    found = []
    for n, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = [p.strip() for p in line.replace("\t", ";").split(";")]
        try:
            if len(parts) != cells:
                raise ValueError(f"{len(parts)} of {cells} parts, parted by semicolons")
            found.append(made(parts))
        except (ValueError, InputError) as error:
            told = error.message if isinstance(error, InputError) else str(error)
            raise forms.ValidationError(f"Line {n}: {told}.".replace("..", ".")) from None
    return tuple(found)


def _number(text: str, low: float, high: float) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"“{text}” is not a number") from None
    if not low <= number <= high:
        raise ValueError(f"{text} does not lie between {low:g} and {high:g}")
    return number


def _point(parts: list[str]) -> TransmissionPoint:
    kv, copper, through = parts
    return TransmissionPoint(
        _number(kv, 30, 200), _number(copper, 0, 5), _number(through, 0.01, 1)
    )  # fmt: skip


def _calibration(parts: list[str]) -> KermaCalibration:
    plane, factor, percent, measured = parts
    try:
        day = date.fromisoformat(measured)
    except ValueError:
        raise ValueError(f"“{measured}” is not a day like 2026-11-23") from None
    return KermaCalibration(
        _number(factor, 0.1, 9.99), _number(percent, 0.1, 100) / 100, day, plane
    )  # fmt: skip


def initial_of(profile: skin.RoomProfile) -> dict[str, Any]:
    """Return the form's values for a profile to start from."""
    through, table = profile.transmission, profile.table
    found: dict[str, Any] = {
        name: getattr(profile, name)
        for name in (
            "primary_sign", "primary_zero_deg", "secondary_sign", "secondary_zero_deg", "angles",
            "absent_table_angles", "reference_point", "absent_filter", "inherent_al_mm",
        )
    }  # fmt: skip
    for axis in AXES:
        rule = getattr(profile, axis)
        if rule is not None:
            values = (rule.item, rule.sign, rule.offset_mm, rule.zero, rule.zero_default_mm)
            keys = ("item", "sign", "offset_mm", "zero", "default_mm")
            found |= {f"{axis}_{k}": v for k, v in zip(keys, values, strict=True)}
    if table is not None:
        found |= {n: getattr(table, n) for n in ("width_mm", "length_mm", "thickness_mm", "pad_mm")}
    if profile.pivot_mm is not None:
        found |= {f"pivot_{n}_mm": v for n, v in zip("xyz", profile.pivot_mm, strict=True)}
    listed = f"{through.rows_model}|{through.rows_plane}" if through.rows_model else _UNKNOWN
    return {
        **found,
        "pivot": profile.pivot or "",
        "field_from": list(profile.field_from),
        "orientations": list(profile.orientations),
        "table_from": _MEASURED if through.points else listed,
        "table_points": "\n".join(
            f"{p.kv:.10g}; {p.copper_mm:.10g}; {p.transmission:.10g}" for p in through.points
        ),
        "table_u_percent": round(100 * through.u_relative, 6),
        "obliquity": through.obliquity,
        "calibrations": "\n".join(
            f"{c.plane}; {c.factor:.10g}; {100 * c.u_relative:.10g}; {c.measured}"
            for c in profile.calibrations
        ),
        "sources": "\n".join(" ".join(s.split()) for s in profile.sources),
    }
