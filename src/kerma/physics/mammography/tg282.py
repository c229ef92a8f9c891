"""The slot of a second breast model: AAPM TG-282 / EFOMP, from tables a service supplies.

No coefficient of it is held here, so without a table every dose is refused. A service that has the
report loads its table from a file it vouches for: D = K Γ, Γ the table's dose per incident air
kerma. Between tabulated points ln Γ is linear in thickness and in half-value layer; beyond them
refused.

The file is JSON::

    {"schema": "kerma-breast-table/1", "model": "TG-282", "edition": "...", "document": "...",
     "supplied_by": "...", "quantity": "mGy/mGy",
     "rows": [{"target_filter": "W/Rh", "breast": "...", "thickness_mm": 50, "hvl_mm_al": 0.55,
               "value": 0.3}, ...]}
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import InputError, IntegrityError, Quantity, UnsupportedError, quantity
from kerma.physics.calculation import Calculation, Record, Values
from kerma.physics.calls import calculates

SCHEMA, MODEL = "kerma-breast-table/1", "TG-282"
_WORDS = ("edition", "document", "supplied_by")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One coefficient Γ of a service's table."""

    target_filter: str
    breast: str
    thickness_mm: float
    hvl_mm_al: float
    value: float


@dataclass(frozen=True, slots=True)
class Table:
    """A service's table: what it is from, who supplied it, the hash of its file, its rows."""

    edition: str
    document: str
    supplied_by: str
    sha256: str
    rows: tuple[TableRow, ...]


def read_table(content: bytes, *, sha256: str) -> Table:
    """Read a service's table from the content of its file.

    Parameters
    ----------
    content
        Of the file.
    sha256
        The hash under which the service vouched for it.

    Raises
    ------
    IntegrityError
        ``other-file``: the content is not what was vouched for.
    InputError
        ``bad-table``: it does not have the form above; the message says what is wrong.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.strip().lower():
        raise IntegrityError(
            "This file is not the one the service vouched for: its checksum differs. Load the "
            "original, or have the new one checked and vouched for.",
            code="other-file",
            detail={"found": found, "expected": sha256},
        )
    try:
        data = json.loads(content)
    except ValueError:
        raise _bad("the file is not JSON") from None
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
        raise _bad(f"its schema is not “{SCHEMA}”")
    if data.get("model") != MODEL or data.get("quantity") != "mGy/mGy":
        raise _bad(f"it is not a table of {MODEL} in mGy/mGy")
    for word in _WORDS:
        if not str(data.get(word) or "").strip():
            raise _bad(f"“{word}” is empty")
    edition, document, supplied_by = (str(data[word]) for word in _WORDS)
    return Table(edition, document, supplied_by, found, _rows(data.get("rows")))


def _bad(why: str) -> InputError:
    return InputError(f"The breast table cannot be used: {why}.", code="bad-table")


def _rows(data: Any) -> tuple[TableRow, ...]:
    if not isinstance(data, Sequence) or not data:
        raise _bad("it has no rows")
    found = []
    for number, one in enumerate(data, 1):
        try:
            made = TableRow(
                target_filter=str(one["target_filter"]), breast=str(one["breast"]),
                thickness_mm=float(one["thickness_mm"]), hvl_mm_al=float(one["hvl_mm_al"]),
                value=float(one["value"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError):
            raise _bad(f"row {number} lacks a figure or a name") from None
        figures = (made.thickness_mm, made.hvl_mm_al, made.value)
        if not all(math.isfinite(f) and f > 0.0 for f in figures) or made.value >= 1.0:
            raise _bad(f"row {number} has a figure that is none (a factor is between 0 and 1)")
        found.append(made)
    places = {(r.target_filter, r.breast, r.thickness_mm, r.hvl_mm_al) for r in found}
    if len(places) < len(found):
        raise _bad("two rows are for the same beam and breast")
    return tuple(found)


@calculates
def mean_glandular_dose(
    kerma: Quantity,
    hvl: Quantity,
    thickness: Quantity,
    *,
    target_filter: str,
    breast: str,
    table: Table | None = None,
) -> Calculation:
    """Return the mean glandular dose by TG-282, from the service's own table.

    D = K Γ(target/filter, breast, thickness, HVL).

    Parameters
    ----------
    kerma, hvl, thickness
        Incident air kerma without backscatter; half-value layer; compressed thickness.
    target_filter, breast
        As the table names them.
    table
        Of `read_table`; without one there is no dose.

    Raises
    ------
    UnsupportedError
        ``no-breast-table``.
    InputError
        ``no-coefficient``, ``outside-domain``, ``bad-table``, ``wrong-unit``, ``not-above-zero``.
    """
    if table is None:
        raise UnsupportedError(
            "TG-282 needs its own tables, which are not held here. Load the service's table, "
            "or use Dance's model.",
            code="no-breast-table",
        )
    of = [r for r in table.rows if (r.target_filter, r.breast) == (target_filter, breast)]
    if not of:
        have = "; ".join(dict.fromkeys(f"{r.target_filter}, {r.breast}" for r in table.rows))
        raise InputError(
            f"The table has nothing for {target_filter}, {breast}. It has: {have}.",
            code="no-coefficient",
        )
    made = Record("breast-mgd-tg282", "1", "Mean glandular dose, breast (TG-282)")
    made.choice("Table", f"{table.document}, {table.edition}, supplied by {table.supplied_by}")
    made.choice("Checksum of the table", table.sha256)
    made.choice("Target and filter, breast", f"{target_filter}, {breast}")
    k = made.given("Incident air kerma", "K", kerma, "mGy")
    h = made.given("Half-value layer", "HVL", hvl, "mm Al")
    t = made.given("Compressed thickness", "t", thickness, "mm")
    cells = {(r.thickness_mm, r.hvl_mm_al): math.log(r.value) for r in of}
    axes = sorted({p[0] for p in cells}), sorted({p[1] for p in cells})
    if len(cells) != len(axes[0]) * len(axes[1]):
        raise InputError(
            f"The table of {target_filter}, {breast} has gaps; nothing is interpolated over one.",
            code="bad-table",
        )
    for what, value, at, unit in (("thicknesses", t, axes[0], "mm"),
                                  ("half-value layers", h, axes[1], "mm Al")):  # fmt: skip
        if not at[0] * (1 - 1e-12) <= value <= at[-1] * (1 + 1e-12):
            raise InputError(
                f"The table has {what} of {at[0]:g} to {at[-1]:g} {unit}; this is {value:.4g} "
                f"{unit}.",
                code="outside-domain",
            )
    gamma = _interpolated(cells, axes, t, h)
    made.work(f"Γ = {gamma:.4f}", f"D = K Γ = {k:.4g} mGy × {gamma:.4f}")
    made.assume("ln Γ is linear between tabulated thicknesses and half-value layers.")
    made.limit(
        "Not to be compared with, or trended beside, doses by another breast model.",
        "The coefficients are the service's own and rest on its check of the document, not on the "
        "reference data.",
    )

    def equation(v: Values) -> float:
        return v["K"] * _interpolated(cells, axes, v["t"], v["HVL"])

    return made.result(equation, "mGy", others={"coefficient": quantity(gamma, "1")})


def _interpolated(
    cells: Mapping[tuple[float, float], float], axes: tuple[list[float], list[float]],
    t: float, h: float,
) -> float:  # fmt: skip
    total = 0.0
    for at_t, wt in _weights(axes[0], t):
        for at_h, wh in _weights(axes[1], h):
            total += wt * wh * cells[at_t, at_h]
    return math.exp(total)


def _weights(axis: list[float], value: float) -> list[tuple[float, float]]:
    if len(axis) == 1:
        return [(axis[0], 1.0)]
    i = min(max(sum(1 for a in axis if a <= value) - 1, 0), len(axis) - 2)
    part = (value - axis[i]) / (axis[i + 1] - axis[i])
    return [(axis[i], 1.0 - part), (axis[i + 1], part)]
