"""From events to beams on the table, by the room's conventions; what lacks anything is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.physics.skin import factors, geometry, reference_point, support
from kerma.physics.skin.checks import Lack, day_of, lacks, orientation_of
from kerma.physics.skin.events import ORIENTATION_WORDS, ExposureEvent, Patient
from kerma.physics.skin.field import Field, field_of
from kerma.physics.skin.kernel import Beams
from kerma.physics.skin.profile import AxisRule, RoomProfile
from kerma.physics.skin.result import EventOutcome, OutcomeStatus

Array = npt.NDArray[np.float64]

# A sweep is split so that a part turns by at most 2°, and the field moves on a skin 200 mm from the
# axis by at most 0.5 % of its width: a cell wrongly in or out for a part errs by little more.
MOST_DEG, MOST_OF_WIDTH, SKIN_MM = 2.0, 0.005, 200.0
_LEAST_DEG = 0.02
_MGY_MM2 = 1e9


@dataclass(frozen=True, slots=True)
class Choices:
    """How beams are made.

    Attributes
    ----------
    backscatter
        False leaves backscatter and water-to-air out: air kerma at the skin, free in air.
    hvl
        See `kerma.physics.skin.factors.beam_factors`.
    """

    backscatter: bool = True
    hvl: factors.HvlSource = "table"


@dataclass(slots=True)
class Placement:
    """Beams of the placed events, the outcome of every event, and what was assumed."""

    events: Sequence[ExposureEvent]
    orientation: str | None = None
    outcomes: list[EventOutcome] = field(default_factory=list)
    placed: list[int] = field(default_factory=list)
    pieces: list[tuple[Array, ...]] = field(default_factory=list)
    factors: list[factors.BeamFactors | None] = field(default_factory=list)
    transmissions: list[float] = field(default_factory=list)
    assumptions: dict[str, list[int]] = field(default_factory=dict)
    warnings: dict[str, list[int]] = field(default_factory=dict)

    def assume(self, words: str, index: int) -> None:
        """Note an assumption made for an event."""
        self.assumptions.setdefault(words, []).append(index)

    def warn(self, words: str, index: int) -> None:
        """Note a warning about an event."""
        self.warnings.setdefault(words, []).append(index)

    def beams(self) -> Beams:
        """Return the beams of all placed events."""
        counts = [len(piece[0]) for piece in self.pieces]
        columns = [np.concatenate(c) for c in zip(*self.pieces, strict=True)]
        focus, axis, transverse, along, edges, weight = columns
        return Beams(
            focus, axis, transverse, along, edges, weight,
            np.repeat(np.arange(len(counts)), counts).astype(np.int64),
            np.log(np.array(self.transmissions)),
            factors.splines(self.factors),
        )  # fmt: skip


def place(
    events: Sequence[ExposureEvent],
    profile: RoomProfile | None,
    patient: Patient,
    choices: Choices,
) -> Placement:
    """Place every event that can be; refuse every other by name."""
    found = Placement(events)
    lying = {orientation_of(e, patient) for e in events if not _silent(e)} - {None}
    if len(lying) == 1:
        found.orientation = lying.pop()
    for index, event in enumerate(events):
        missing = lacks(event, profile, patient)
        if len(lying) > 1:
            missing.append(
                Lack("mixed-orientation", "the patient is said to lie in different ways; say how")
            )
        if _silent(event):
            found.outcomes.append(_outcome(index, event, "no radiation"))
        elif missing or profile is None:
            found.outcomes.append(_refused(index, event, missing))
        else:
            found.outcomes.append(_place_one(found, index, event, profile, patient, choices))
    return found


def _silent(event: ExposureEvent) -> bool:
    """Return whether an event is stated to have given nothing, and nothing states otherwise."""
    stated = [k for k in (event.reference_kerma_mgy, event.kap_gy_m2) if k is not None]
    return bool(stated) and not any(stated)


def _outcome(index: int, event: ExposureEvent, status: OutcomeStatus, **more: Any) -> EventOutcome:
    return EventOutcome(
        index=index, status=status, uid=event.uid, plane=event.plane, kind=event.kind,
        started=event.started, kap_gy_m2=event.kap_gy_m2, **more,
    )  # fmt: skip


def _refused(index: int, event: ExposureEvent, missing: Sequence[Lack]) -> EventOutcome:
    words = "; ".join(lack.words for lack in missing)
    return _outcome(
        index, event, "refused",
        codes=tuple(dict.fromkeys(lack.code for lack in missing)),
        reason=words[:1].upper() + words[1:] + ".",
        kerma_mgy=event.reference_kerma_mgy,
    )  # fmt: skip


def _place_one(
    found: Placement, index: int, event: ExposureEvent, profile: RoomProfile, patient: Patient,
    choices: Choices,
) -> EventOutcome:  # fmt: skip
    rule = profile.reference_point or reference_point.rule_of(event)
    # The tabletop rules need the focus, so one part is placed before the field is known.
    whole = _directions(event, profile, patient, 1)
    reference = reference_point.distance(event, rule, *whole[:2])
    if isinstance(reference, str):
        return _refused(index, event, [Lack("no-reference-point", reference)])
    shape = field_of(event, profile.field_from, float(reference[0]))
    if isinstance(shape, str):
        rounded = not event.reference_kerma_mgy and event.kap_gy_m2
        code = "no-kerma" if rounded else "no-field"
        words = "the reference kerma is stated as 0 or not at all, and there is " if rounded else ""
        return _refused(index, event, [Lack(code, words + shape)])
    kerma = _kerma(found, index, event, shape, float(reference[0]))
    if isinstance(kerma, Lack):
        return _refused(index, event, [kerma])
    parts = _parts(event, profile, shape)
    focus, axis, transverse, along = _directions(event, profile, patient, parts)
    distances = reference_point.distance(event, rule, focus, axis)
    if isinstance(distances, str):
        return _refused(index, event, [Lack("no-reference-point", distances)])
    # The factor is that of the display; a kerma worked out from KAP was not displayed.
    displayed = bool(event.reference_kerma_mgy)
    calibration = profile.calibration(event.plane, day_of(event)) if displayed else None
    kerma *= calibration.factor if calibration else 1.0
    edges = np.tile([*shape.transverse, *shape.along], (parts, 1))
    found.pieces.append((focus, axis, transverse, along, edges, kerma * distances**2 / parts))
    found.placed.append(index)
    through, beam = _quality(found, index, event, profile, choices)
    _assumptions(found, index, event, profile, shape, parts, calibrated=calibration is not None)
    return _outcome(
        index, event, "placed", kerma_mgy=kerma, field_from=shape.source, beams=parts,
        kap_ratio=shape.kap_ratio, reference_mm=float(distances.mean()), transmission=through,
        hvl_mm=beam.hvl_mm if beam else None,
    )  # fmt: skip


def _kerma(
    found: Placement, index: int, event: ExposureEvent, shape: Field, reference_mm: float
) -> float | Lack:
    """Return the displayed reference kerma (mGy), or that of KAP and field where it is not there.

    A kerma that is displayed as 0 beside a KAP that is not has been rounded away.
    """
    if event.reference_kerma_mgy:
        return event.reference_kerma_mgy
    if not event.kap_gy_m2 or shape.source == "kap":
        return Lack("no-kerma", "the reference kerma is not stated")
    found.assume("reference kerma from kerma-area product and field, as none is displayed", index)
    return event.kap_gy_m2 * _MGY_MM2 / (shape.area * reference_mm**2)


def _parts(event: ExposureEvent, profile: RoomProfile, shape: Field) -> int:
    """Return into how many parts an event is split."""
    width = min(shape.transverse[1] - shape.transverse[0], shape.along[1] - shape.along[0])
    assert event.source_isocentre_mm is not None
    step_mm = MOST_OF_WIDTH * width * event.source_isocentre_mm
    step_deg = min(MOST_DEG, max(_LEAST_DEG, math.degrees(step_mm / SKIN_MM)))
    turned = math.hypot(
        *(end - start for start, end in (
            _ends(event, "primary", "_deg"), _ends(event, "secondary", "_deg"),
        ))
    )  # fmt: skip
    axes = (r for r in (profile.across, profile.down, profile.along) if r is not None)
    moved = math.hypot(*(end - start for start, end in (_ends(event, r.item, "_mm") for r in axes)))
    return max(1, math.ceil(turned / step_deg), math.ceil(moved / max(step_mm, 0.5)))


def _ends(event: ExposureEvent, name: str, unit: str) -> tuple[float, float]:
    start = getattr(event, name + unit)
    end = getattr(event, f"{name}_end{unit}")
    return float(start), float(start if end is None else end)


def _directions(
    event: ExposureEvent, profile: RoomProfile, patient: Patient, parts: int
) -> tuple[Array, Array, Array, Array]:
    """Return focus, axis, transverse and along of each part, in the table's coordinates.

    A sweep is taken as even from its start to its end; each part stands in its own middle.
    """
    way = (np.arange(parts) + 0.5) / parts

    def swept(name: str, unit: str) -> Array:
        start, end = _ends(event, name, unit)
        return start + way * (end - start)

    axes = geometry.beam_axes(
        profile.primary_sign * swept("primary", "_deg") - profile.primary_zero_deg,
        profile.secondary_sign * swept("secondary", "_deg") - profile.secondary_zero_deg,
        event.collimator_deg or 0.0,
    )
    turned = geometry.table_rotation(
        event.table_rotation_deg or 0.0, event.table_head_tilt_deg or 0.0,
        event.table_cradle_deg or 0.0,
    )  # fmt: skip
    at = np.stack(
        [_position(event, rule, swept(rule.item, "_mm")) for rule in _axes(profile)], axis=-1
    )
    pivot = None if profile.pivot_mm is None else np.array(profile.pivot_mm)
    isocentre = geometry.to_table(np.zeros((parts, 3)), at, turned, pivot)
    if profile.angles == "patient":
        seen = geometry.about_patient(orientation_of(event, patient) or "HFS", axes)
    else:
        seen = tuple(a @ turned for a in axes)
    axis, transverse, along = seen
    assert event.source_isocentre_mm is not None
    return isocentre - event.source_isocentre_mm * axis, axis, transverse, along


def _axes(profile: RoomProfile) -> tuple[AxisRule, ...]:
    rules = (profile.across, profile.down, profile.along)
    return tuple(rule for rule in rules if rule is not None)


def _position(event: ExposureEvent, rule: AxisRule, item: Array) -> Array:
    zero = 0.0
    if rule.zero:
        stated = getattr(event, f"{rule.zero}_mm")
        zero = float(stated if stated is not None else rule.zero_default_mm or 0.0)
    return rule.offset_mm + rule.sign * (item - zero)


def _quality(
    found: Placement, index: int, event: ExposureEvent, profile: RoomProfile, choices: Choices
) -> tuple[float, factors.BeamFactors | None]:
    """Return transmission and factors of an event's beam, and keep them."""
    assert event.kv is not None
    copper, aluminium = event.copper_mm or 0.0, event.aluminium_mm or 0.0
    beam = None
    if choices.backscatter:
        whole = profile.inherent_al_mm + aluminium
        beam = factors.beam_factors(event.kv, whole, copper, choices.hvl)
        for note in beam.notes:
            found.warn(note, index)
    through, notes = support.transmission(profile.transmission, event.kv, copper)
    for note in notes:
        found.warn(note, index)
    if not support.known(profile.transmission):
        found.assume(
            "nothing is known of the table: none of it was taken off, an upper bound", index
        )
    found.factors.append(beam)
    found.transmissions.append(through)
    return through, beam


def _assumptions(
    found: Placement, index: int, event: ExposureEvent, profile: RoomProfile, shape: Field,
    parts: int, *, calibrated: bool,
) -> None:  # fmt: skip
    for note in event.notes:
        found.assume(note, index)
    turns = (event.table_head_tilt_deg, event.table_rotation_deg, event.table_cradle_deg)
    if None in turns:
        found.assume("a table angle is not stated and was taken as zero", index)
    if None in (event.copper_mm, event.aluminium_mm):
        found.assume("the added filtration is not stated and was taken as none", index)
    for rule in _axes(profile):
        if rule.zero and getattr(event, f"{rule.zero}_mm") is None:
            found.assume(
                f"{rule.zero.replace('_', ' ')} is not stated; the room profile's "
                f"{rule.zero_default_mm:g} mm was used",
                index,
            )
    if not calibrated:
        found.assume("the displayed kerma is taken as true: no calibration of it is known", index)
    if parts > 1:
        found.assume("a moving C-arm or table is taken to move and radiate evenly", index)
    if profile.angles == "room" and found.orientation not in (None, "HFS"):
        found.assume(
            f"the patient lies {ORIENTATION_WORDS[found.orientation]}; the angles are taken as "
            "those of the C-arm, not of the patient",
            index,
        )
    if shape.doubtful:
        found.warn(
            "the field stated and that of kerma-area product over reference kerma differ by more "
            "than 30 %",
            index,
        )
