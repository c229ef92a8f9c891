"""Rooms and events the skin dose tests share: a plain C-arm, its figures easy to reckon with."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from kerma.physics.skin import ExposureEvent, Phantom, RoomProfile, Settings, SkinDoseMap, skin_dose
from kerma.physics.skin.body import Body, lying
from kerma.physics.skin.factors import BeamFactors, splines
from kerma.physics.skin.geometry import beam_axes
from kerma.physics.skin.kernel import Beams, Slab
from kerma.physics.skin.profile import AxisRule, TableTop, Transmission, TransmissionPoint

PAD_MM = 40.0
NOTHING = Transmission()
HALF = Transmission(points=(TransmissionPoint(80.0, 0.0, 0.5),), u_relative=0.1)

ROOM = RoomProfile(
    name="test-room",
    title="A room of the tests",
    manufacturer="Maker",
    models=("C-arm",),
    status="validated",
    valid_from=date(2020, 1, 1),
    across=AxisRule("table_longitudinal", 1),
    down=AxisRule("table_height", 1),
    along=AxisRule("table_lateral", 1),
    absent_table_angles="refuse",
    inherent_al_mm=3.1,
    table=TableTop(width_mm=450.0, length_mm=2800.0, thickness_mm=50.0, pad_mm=PAD_MM),
    transmission=NOTHING,
)

# Under the couch, straight up: focus 750 mm below the isocentre, a field of 100 mm × 100 mm at the
# reference point 600 mm from it, 10 mGy there. The isocentre is 600 mm below the head end, and the
# pad's upper face 100 mm below the isocentre.
EVENT = ExposureEvent(
    uid="1.2.3",
    plane="single plane",
    kind="fluoroscopy",
    started="2024-05-06T10:00:00",
    reference_kerma_mgy=10.0,
    kap_gy_m2=10.0 * 1e4 / 1e9,
    kv=80.0,
    copper_mm=0.0,
    aluminium_mm=0.0,
    primary_deg=0.0,
    secondary_deg=0.0,
    table_longitudinal_mm=0.0,
    table_lateral_mm=600.0,
    table_height_mm=140.0,
    table_head_tilt_deg=0.0,
    table_rotation_deg=0.0,
    table_cradle_deg=0.0,
    source_isocentre_mm=750.0,
    source_detector_mm=1200.0,
    reference_point="15cm from Isocenter toward Source",
    reference_point_code="113860",
    orientation="HFS",
)
SKIN_AT_MM = 650.0  # from the focus to the pad's upper face, where the patient lies
FREE_IN_AIR = Settings(backscatter=False)


def event(**changed: Any) -> ExposureEvent:
    """Return the plain event with something changed."""
    return replace(EVENT, **changed)


def room(**changed: Any) -> RoomProfile:
    """Return the plain room with something changed."""
    return replace(ROOM, **changed)


def dose(
    *events: ExposureEvent,
    profile: RoomProfile = ROOM,
    phantom: Phantom | None = None,
    settings: Settings = FREE_IN_AIR,
    **more: Any,
) -> SkinDoseMap:
    """Return the skin dose of events in the plain room, free in air unless asked otherwise."""
    return skin_dose(events, profile, phantom=phantom, settings=settings, **more)


def psd(found: SkinDoseMap) -> float:
    """Return the peak in mGy."""
    assert found.psd is not None, found.reason
    return found.psd.value


def slab(*, obliquity: bool = True) -> Slab:
    """Return the plain room's table and pad."""
    return Slab((-225.0, -PAD_MM, -2800.0), (225.0, 50.0, 0.0), obliquity)


def body(phantom: Phantom, orientation: str = "HFS", fine_mm: float = 2.0) -> Body:
    """Return a phantom lying in the plain room."""
    return lying(phantom, orientation, PAD_MM, 0.0, fine_mm)


def beams(
    n: int, seed: int = 0, factor: BeamFactors | None = None, transmission: float = 0.8
) -> Beams:
    """Return beams from all about at a patient on the plain table, of many sizes."""
    rng = np.random.default_rng(seed)
    axis, transverse, along = beam_axes(
        rng.uniform(-100, 100, n), rng.uniform(-40, 40, n), rng.uniform(-20, 20, n)
    )
    at = np.stack([rng.uniform(-60, 60, n), np.full(n, -140.0), rng.uniform(-900, -500, n)], -1)
    edges = rng.uniform(0.03, 0.16, (n, 4)) * [-1, 1, -1, 1]
    return Beams(
        at - 750.0 * axis, axis, transverse, along, edges, rng.uniform(0.1, 5.0, n) * 600.0**2,
        np.arange(n), np.full(n, np.log(transmission)), splines([factor] * n),
    )  # fmt: skip
