"""Peak skin dose of an examination: events and a room profile in, a `SkinDoseMap` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError, Provenance, content_hash, quantity
from kerma.core.codec import encode
from kerma.physics.skin import ensemble, plain, support
from kerma.physics.skin.body import Body, lying
from kerma.physics.skin.case import Case
from kerma.physics.skin.ensemble import Ensemble
from kerma.physics.skin.events import ExposureEvent, Patient
from kerma.physics.skin.factors import HvlSource, table
from kerma.physics.skin.kernel import Beams, Slab, blocked, total
from kerma.physics.skin.peak import Peak, find
from kerma.physics.skin.phantom import Phantom, sized
from kerma.physics.skin.placing import Choices, Placement, place
from kerma.physics.skin.profile import RoomProfile
from kerma.physics.skin.result import Cells, Location, Share, SkinDoseMap, Spread

Array = npt.NDArray[np.float64]
NAME, VERSION = "skin-dose", "1"
EDITION = "K_ref (l_ref/l)² BSF (μen/ρ) T; Benmakhlouf et al 2013"
_AT_END_MM = 20.0
_AROUND = 3  # cells about the peak whose fine cells are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the calculation is done; everything here is recorded with the result.

    Attributes
    ----------
    head
        Whether a patient made from height and mass has a head.
    offset_mm
        Patient on the table, moved by hand from the middle, the pad and the head end: x, y, z.
    head_gap_mm
        From the table's head end to the end of the patient nearer to it.
    grid_mm, fine_mm
        Coarse cells (the squares of the peak are as wide), and fine cells where the peak may be.
    backscatter, hvl
        See `kerma.physics.skin.placing.Choices`.
    ensemble
        Uncertainty by an ensemble; ``None`` leaves it out.
    box_mm
        Half widths of a box of patient positions to search for the smallest and largest peak.
    """

    head: bool = False
    offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    head_gap_mm: float = 0.0
    grid_mm: float = 10.0
    fine_mm: float = 2.0
    backscatter: bool = True
    hvl: HvlSource = "table"
    ensemble: Ensemble | None = None
    box_mm: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if not 0.2 <= self.fine_mm <= self.grid_mm <= 50:
            raise InputError(
                "Fine cells lie between 0.2 mm and the coarse ones, and those up to 50 mm.",
                code="bad-settings",
            )
        if not all(np.isfinite([*self.offset_mm, self.head_gap_mm])):
            raise InputError("The patient's place is given in mm.", code="bad-settings")

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        hvl = self.hvl if isinstance(self.hvl, str) else "given"
        found: dict[str, Any] = encode(replace(self, hvl="table"))
        return {**found, "hvl": hvl}


def skin_dose(
    events: Sequence[ExposureEvent],
    profile: RoomProfile | None,
    patient: Patient | None = None,
    phantom: Phantom | None = None,
    settings: Settings | None = None,
) -> SkinDoseMap:
    """Calculate the skin dose map of an examination and its peak.

    Parameters
    ----------
    events
        In the order they happened.
    profile
        Of the room on that day; ``None`` refuses every event by name.
    patient
        Size, and how the patient lies if the report is to be overruled.
    phantom
        Instead of the one made from the patient's size.
    settings
        See `Settings`.

    Returns
    -------
    SkinDoseMap
        With status ``refused`` and a reason when no event could be placed.
    """
    patient, settings = patient or Patient(), settings or Settings()
    placement = place(
        events, profile, patient, Choices(backscatter=settings.backscatter, hvl=settings.hvl)
    )
    provenance = Provenance(
        NAME, VERSION,
        {
            "profile": profile.name if profile else None,
            "profile_sha256": profile.sha256 if profile else None,
            "patient": asdict(patient),
            "phantom": phantom.title if phantom else None,
            "settings": settings.as_dict(),
        },
        (content_hash([encode(e) for e in events]),),
        EDITION,
    )  # fmt: skip
    refused_kerma = sum(e.kerma_mgy or 0.0 for e in placement.outcomes if e.status == "refused")
    bare = SkinDoseMap(
        status="refused",
        events=tuple(placement.outcomes),
        kerma_refused_mgy=refused_kerma,
        provenance=provenance,
    )
    if not placement.placed or profile is None:
        return replace(bare, reason=_why_none(placement, profile))
    body_of = phantom or sized(patient, settings.head, settings.grid_mm)
    case = _case(placement, profile, body_of, settings)
    return _mapped(case, replace(bare, assumptions=_told(case, patient, settings)), settings)


def _why_none(placement: Placement, profile: RoomProfile | None) -> str:
    if profile is not None and profile.status == "refused":
        return profile.reason
    reasons = dict.fromkeys(e.reason for e in placement.outcomes if e.status == "refused")
    if not reasons:
        return "No event gave radiation."
    first = next(iter(reasons))
    more = f" ({len(reasons) - 1} other reasons among the events.)" if len(reasons) > 1 else ""
    return f"No event could be placed on the patient. {first}{more}"


def _case(placement: Placement, profile: RoomProfile, phantom: Phantom, settings: Settings) -> Case:
    assert profile.table is not None
    assert placement.orientation is not None
    top = profile.table
    half = top.width_mm / 2
    slab = Slab(
        (-half, -top.pad_mm, -top.length_mm), (half, top.thickness_mm, 0.0),
        profile.transmission.obliquity,
    )  # fmt: skip
    body = lying(phantom, placement.orientation, top.pad_mm, settings.head_gap_mm, settings.fine_mm)
    return Case(placement, placement.beams(), slab, body, phantom, profile)


def _mapped(case: Case, bare: SkinDoseMap, settings: Settings) -> SkinDoseMap:
    by = np.array(settings.offset_mm)
    beams, slab = case.beams.moved(by), case.slab.moved(by)
    sums, peak = find(case.body, beams, slab)
    spread = None
    if settings.ensemble is not None:
        spread = ensemble.spread(case, settings.offset_mm, settings.ensemble)
    box = None
    if settings.box_mm is not None:
        box = ensemble.over_box(case, settings.offset_mm, settings.box_mm)
    missed = [e for e in bare.events if e.status == "refused"]
    shares = _shares(case, beams, slab, peak)
    u = spread.u_mgy if spread else None
    return replace(
        bare,
        status=case.profile.status,
        reason=case.profile.reason,
        complete=not missed,
        psd=quantity(peak.square, "mGy", u),
        psd_tile=quantity(peak.tile, "mGy"),
        psd_point=quantity(peak.point, "mGy"),
        spread=spread,
        box=box,
        where=_where(case.body, peak) if peak.square > 0 else None,
        shares=shares,
        kerma_placed_mgy=sum(e.kerma_mgy or 0.0 for e in bare.events if e.status == "placed"),
        warnings=_warnings(case, bare, peak, shares),
        rests_on=_rows(case, spread),
        cells=_cells(case.body, sums.dose, sums.hits),
        fine=_fine(case.body, beams, slab, peak),
    )


def _told(case: Case, patient: Patient, settings: Settings) -> tuple[str, ...]:
    """Return every assumption of the result, in words."""
    x, y, z = settings.offset_mm
    n = len(case.placement.outcomes)
    place_words = (
        f"the patient lies in the middle of the pad, {settings.head_gap_mm:g} mm from the table's "
        "head end"
    )
    if any(settings.offset_mm):
        place_words += f", moved by hand by {x:g} mm, {y:g} mm, {z:g} mm (across, down, along)"
    told = [f"the patient is a {case.phantom.title}", place_words, *case.phantom.assumptions]
    if patient.orientation is not None:
        told.append(f"how the patient lies ({patient.orientation}) was set by hand")
    for words, of in case.placement.assumptions.items():
        told.append(words if len(of) == n else f"{words} ({len(of)} of {n} events)")
    if not settings.backscatter:
        told.append("no backscatter: air kerma at the skin, free in air")
    return tuple(told)


def _warnings(
    case: Case, bare: SkinDoseMap, peak: Peak, shares: tuple[Share, ...]
) -> tuple[str, ...]:
    n = len(bare.events)
    told = [f"{w} ({len(of)} of {n} events)" for w, of in case.placement.warnings.items()]
    missed = [e for e in bare.events if e.status == "refused"]
    if missed:
        kap = sum(e.kap_gy_m2 or 0.0 for e in missed)
        told.insert(
            0,
            f"{len(missed)} of {n} events, with {bare.kerma_refused_mgy:.3g} mGy of displayed "
            f"reference kerma and {kap:.3g} Gy.m2 of kerma-area product, are not in the map; the "
            "peak may be higher",
        )
    if peak.square == 0.0:
        told.insert(0, "no beam enters the patient: check the table's zero position of the room")
    elif _at_end(case.body, peak):
        told.insert(
            0,
            "the peak lies at the end of the patient: where they lie along the table decides it",
        )
    low, high = table().sides_cm[[0, -1]] * 10
    if any(not low <= s.side_mm <= high for s in shares):
        told.append(
            f"at the peak a field is smaller than {low:g} mm or larger than {high:g} mm across; "
            "the backscatter table's end was used"
        )
    return tuple(told)


def _at_end(body: Body, peak: Peak) -> bool:
    """Return whether the best square is in the first or last rows of the whole patient."""
    points, _ = body.in_cells(peak.cells, peak.u, peak.v)
    ends = body.corners()[0][:, 2]
    return bool(
        points[:, 2].max() > ends.max() - _AT_END_MM or points[:, 2].min() < ends.min() + _AT_END_MM
    )


def _shares(case: Case, beams: Beams, slab: Slab, peak: Peak) -> tuple[Share, ...]:
    """Return what each event gives in the best square, largest first."""
    if peak.square <= 0:
        return ()
    points, normals = case.body.in_cells(peak.cells, peak.u, peak.v)
    found = plain.parts(case.body.on_table(points), normals @ case.body.turn.T, beams, slab)
    dose = found.dose
    out = []
    for place_of, index in enumerate(case.placement.placed):
        mine = beams.event == place_of
        of_event = dose[mine]
        given = float(of_event.sum()) / len(points)
        if given <= 0:
            continue
        hit = found.hit[mine]
        weights = np.where(hit, found.kerma[mine], 0.0)

        def mean(values: Array, weights: Array = weights) -> float:
            return float((values * weights).sum() / weights.sum())

        kerma = case.placement.outcomes[index].kerma_mgy or 0.0
        side = mean(found.side_cm[mine])
        beam = case.placement.factors[place_of]
        backscatter, water_air = beam.at(side) if beam else (1.0, 1.0)
        out.append(
            Share(
                index=index,
                dose_mgy=given,
                fraction=given / peak.square,
                inverse_square=float(weights.sum()) / len(points) / kerma,
                backscatter=backscatter,
                water_air=water_air,
                transmission=mean(found.transmission[mine]),
                side_mm=10 * side,
            )
        )
    return tuple(sorted(out, key=lambda s: (-s.dose_mgy, s.index)))


_SIDES = ("back", "left side of the back", "left side", "left side of the front", "front",
          "right side of the front", "right side", "right side of the back")  # fmt: skip


def _where(body: Body, peak: Peak) -> Location:
    points, normals = body.in_cells(peak.cells, peak.u, peak.v)
    x, y, z = (float(c) for c in points.mean(axis=0))
    left, posterior, _ = normals.mean(axis=0)
    turn = np.degrees(np.arctan2(left, posterior))
    return Location(
        part=body.part(int(peak.cells[len(peak.cells) // 2])),
        side=_SIDES[round(float(turn) / 45) % 8],
        left_mm=x,
        posterior_mm=y,
        cranial_mm=z,
    )


def _cells(body: Body, dose: Array, hits: npt.NDArray[np.int64]) -> Cells:
    every = np.arange(int(body.firsts[-1]))
    middle = np.full(every.size, 0.5)
    points, normals = body.in_cells(every, middle, middle)
    areas = [np.full(p.shape[0] * p.shape[1], np.prod(p.cell_mm)) for p in body.patches]
    vertices, quads = body.corners()
    return Cells(
        points_mm=points, normals=normals, area_mm2=np.concatenate(areas), dose_mgy=dose,
        hits=hits, vertices=vertices, quads=quads,
    )  # fmt: skip


def _fine(body: Body, beams: Beams, slab: Slab, peak: Peak) -> Mapping[str, Array]:
    """Return the fine cells about the peak: points (patient), dose."""
    if peak.square <= 0:
        return {}
    home = peak.cells[len(peak.cells) // 2 : len(peak.cells) // 2 + 1]
    steps = range(-_AROUND, _AROUND + 1)
    near = np.unique(np.concatenate([body.beside(home, a, b) for a in steps for b in steps]))
    near = near[near >= 0]
    points, normals = body.fine(near)
    of = np.repeat(np.arange(len(near)), body.divide**2)
    skin = blocked(body.on_table(points), normals @ body.turn.T, of)
    return {"points_mm": points, "dose_mgy": total(skin, beams, slab).dose}


def _rows(case: Case, spread: Spread | None) -> tuple[str, ...]:
    """Return the reference rows the result rests on."""
    used = {row for f in case.placement.factors if f is not None for row in f.rows}
    used.update(support.row_ids(case.profile.transmission))
    if spread is not None and not case.profile.calibrations:
        used.add(ensemble.KERMA_ROW)
    return tuple(sorted(used))
