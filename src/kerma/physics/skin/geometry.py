"""Directions and positions: the beam in the room, the room seen from the table, the patient.

Room: origin at the isocentre; x towards the left of a patient lying on the back head first, y down,
z towards the head end of the table; right-handed. Table: the same directions, fixed to the table,
origin in the middle of the head end of the table top. Patient: x left, y posterior, z cranial.
Lengths in mm, angles in degrees.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Columns: where the patient's left, posterior and cranial point, in directions of the table.
# Who lies face down has turned about the table's length; feet first, about the vertical.
PATIENT_ON_TABLE: dict[str, Array] = {
    "HFS": np.diag([1.0, 1.0, 1.0]),
    "FFS": np.diag([-1.0, 1.0, -1.0]),
    "HFP": np.diag([-1.0, -1.0, 1.0]),
    "FFP": np.diag([1.0, -1.0, -1.0]),
}


def beam_axes(primary: Any, secondary: Any, collimator: Any) -> tuple[Array, Array, Array]:
    """Return unit vectors, each (n, 3): focus to detector, and transverse and along the field.

    The detector stands at longitude `primary` and latitude `secondary` about the patient on the
    back, head first: zero above the chest, +90 primary at the left (LAO), +90 secondary at the head
    (DICOM PS3.3 C.8.7.5.1.2). The field turns with `collimator` from transverse towards along.
    """
    angles = (np.radians(np.atleast_1d(a)) for a in (primary, secondary, collimator))
    p, s, c = np.broadcast_arrays(*angles)
    zero = np.zeros_like(p)
    axis = np.stack([np.sin(p) * np.cos(s), -np.cos(p) * np.cos(s), np.sin(s)], axis=-1)
    transverse = np.stack([np.cos(p), np.sin(p), zero], axis=-1)
    along = np.stack([-np.sin(p) * np.sin(s), np.cos(p) * np.sin(s), np.cos(s)], axis=-1)
    cos, sin = np.cos(c)[..., None], np.sin(c)[..., None]
    return axis, cos * transverse + sin * along, cos * along - sin * transverse


def table_rotation(horizontal: float, head_up: float, left_up: float) -> Array:
    """Return the matrix from directions of the table to directions of the room.

    Horizontal rotation clockwise seen from above, head end up, left up positive (DICOM PS3.3
    C.8.19.6.11). The cradle turns within the tilted table, which turns within the rotated one
    (order: recalled).
    """
    h, t, c = (float(np.radians(a)) for a in (horizontal, head_up, left_up))
    about_y = np.array([[np.cos(h), 0, np.sin(h)], [0, 1, 0], [-np.sin(h), 0, np.cos(h)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(t), -np.sin(t)], [0, np.sin(t), np.cos(t)]])
    about_z = np.array([[np.cos(c), np.sin(c), 0], [-np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z, dtype=float)


def to_table(points: Array, table_at: Array, rotation: Array, pivot: Array | None) -> Array:
    """Return points of the room as seen from the table.

    Parameters
    ----------
    points
        (n, 3), in the room.
    table_at
        (n, 3) or (3,): the table's origin in the room before it is turned.
    rotation
        From `table_rotation`.
    pivot
        Point of the table (in its own coordinates) that stays where it is when the table turns;
        ``None``: the isocentre.
    """
    if pivot is None:
        return np.asarray(points @ rotation - table_at)
    return np.asarray(pivot + (points - table_at - pivot) @ rotation)


def about_patient(orientation: str, axes: tuple[Array, ...]) -> tuple[Array, ...]:
    """Return axes given about the patient (`beam_axes`) as directions of the table."""
    turn = PATIENT_ON_TABLE[orientation]
    return tuple(a @ turn.T for a in axes)
