"""The table and its pad: how much of a beam they let through."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kerma.core import InputError
from kerma.physics.skin.profile import Transmission
from kerma.reference import rows

ROWS = "table-attenuation"


@lru_cache(maxsize=64)
def _points(about: Transmission) -> tuple[tuple[float, tuple[tuple[float, float], ...]], ...]:
    """Return the points as (copper, ((kV, transmission), ...)), both in order."""
    if about.points:
        found = [(p.copper_mm, p.kv, p.transmission) for p in about.points]
    else:
        found = [
            (r.number("added_mmCu"), r.number("kV"), r.number("transmission_factor"))
            for r in rows(ROWS)
            if (r.text("model"), r.text("plane")) == (about.rows_model, about.rows_plane)
        ]
        if not found:
            raise InputError(
                f"The rows of {ROWS} hold nothing for {about.rows_model}, {about.rows_plane}.",
                code="unknown-row",
            )
    return tuple(
        (copper, tuple(sorted((kv, t) for c, kv, t in found if c == copper)))
        for copper in sorted({c for c, _, _ in found})
    )


def row_ids(about: Transmission) -> tuple[str, ...]:
    """Return the reference rows a transmission is taken from."""
    if about.points or not about.rows_model:
        return ()
    return tuple(
        r.id
        for r in rows(ROWS)
        if (r.text("model"), r.text("plane")) == (about.rows_model, about.rows_plane)
    )


def known(about: Transmission) -> bool:
    """Return whether anything is known of the table; if not, its transmission is 1."""
    return bool(about.points or about.rows_model)


def transmission(about: Transmission, kv: float, copper_mm: float) -> tuple[float, tuple[str, ...]]:
    """Return the transmission of a perpendicular beam, and notes on where a table's end was used.

    Linear in voltage for each thickness of copper measured, then linear in copper; never beyond the
    ends. Nothing known of the table: 1, an upper bound of the dose.
    """
    if not known(about):
        return 1.0, ()
    by_copper = _points(about)
    coppers = np.array([c for c, _ in by_copper])
    values = [
        float(np.interp(kv, [v for v, _ in points], [t for _, t in points]))
        for _, points in by_copper
    ]
    beyond = "{} beyond the measured transmission of the table: its end was used"
    notes = []
    if not coppers[0] <= copper_mm <= coppers[-1]:
        notes.append(beyond.format("copper filtration"))
    voltages = [v for _, points in by_copper for v, _ in points]
    if not min(voltages) <= kv <= max(voltages):
        notes.append(beyond.format("tube voltage"))
    return float(np.interp(copper_mm, coppers, values)), tuple(notes)
