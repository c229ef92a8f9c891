"""National reference levels for a dose: which rows are for it on a day, and how a sample compares.

A CTDIvol or DLP is compared only with a level stated for the same phantom: on 16 cm it reads about
twice what it reads on 32 cm. A row that is only recalled can be shown and cannot be issued on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kerma import reference
from kerma.core import InputError, Source
from kerma.doses.statistics import Quantile, placed
from kerma.reference import Row

DATASET = "ndrl-uk"
# How the table writes a quantity, what it is here, and in which unit it is compared.
_QUANTITIES: tuple[tuple[str, str, str], ...] = (
    (r"^CTDIvol", "ctdivol", "mGy"),
    (r"^DLP", "dlp", "mGy.cm"),
    (r"^DAP/KAP", "kap", "Gy.cm2"),
    (r"^fluoroscopy time", "fluoro_time", "min"),
    (r"^mean glandular dose", "agd", "mGy"),
)
_PHANTOM = {"16": "head", "32": "body"}
_NEEDS_PHANTOM = ("ctdivol", "dlp")


@dataclass(frozen=True, slots=True)
class NationalLevel:
    """One national reference level, as its row states it.

    Attributes
    ----------
    quantity
        ``dlp``, ``ctdivol``, ``kap``, ``fluoro_time`` or ``agd``.
    value, unit
        In the unit the table uses.
    phantom
        ``head`` (16 cm) or ``body`` (32 cm); empty when the row does not state one.
    year
        The year it was adopted; it holds until a later row of the same table, examination, band and
        quantity.
    """

    row: Row
    table: str
    examination: str
    band: str
    population: str
    quantity: str
    value: float
    unit: str
    phantom: str
    year: int

    @property
    def source(self) -> Source:
        """What a report that uses it rests on."""
        return self.row.source


def national_levels(year: int | None = None) -> list[NationalLevel]:
    """Return the national levels a dose can be compared with, those in force in a year.

    Rows of quantities Kerma does not collect (entrance surface dose, activity) are left out.
    """
    read = [level for row in reference.rows(DATASET) if (level := _level(row)) is not None]
    if year is None:
        return read
    newest: dict[tuple[str, ...], NationalLevel] = {}
    for level in read:
        told = [level.row.text(n) for n in ("scan_region_technique", "clinical_indication")]
        key = (level.examination, level.population, level.band, level.quantity, *told)
        if level.year <= year and (key not in newest or newest[key].year < level.year):
            newest[key] = level
    return list(newest.values())


def _level(row: Row) -> NationalLevel | None:
    quantity = row.text("quantity")
    found = next(((key, unit) for p, key, unit in _QUANTITIES if re.match(p, quantity)), None)
    value, year = row.text("value"), re.search(r"\d{4}", row.text("year_adopted"))
    if found is None or year is None or not re.fullmatch(r"[\d.]+", value):
        return None
    size = re.match(r"(16|32)\b", row.text("phantom_cm"))
    return NationalLevel(
        row=row,
        table=row.text("table"),
        examination=row.text("examination"),
        band=row.text("age_or_weight_band"),
        population=row.text("population"),
        quantity=found[0],
        value=float(value),
        unit=row.text("unit"),
        phantom=_PHANTOM[size[1]] if size else "",
        year=int(year[0]),
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """A sample's median beside a national level.

    Attributes
    ----------
    outcome
        ``above``, ``below`` or ``not separable``: by whether the exact 95 % interval of the median
        holds the level.
    ratio
        Median over level.
    """

    level: NationalLevel
    outcome: str
    ratio: float
    limit: float
    unit: str


def require_phantom(level: NationalLevel, phantoms: Sequence[str | None]) -> None:
    """Refuse a comparison over two phantoms, or without one.

    Raises
    ------
    InputError
        ``no-phantom``: the level or a study does not state it; ``other-phantom``.
    """
    if level.quantity not in _NEEDS_PHANTOM:
        return
    if not level.phantom:
        raise InputError(
            f"The level for {level.examination} does not state the CTDI phantom, so nothing may be "
            "compared with it. Verify the row and state the phantom.",
            code="no-phantom",
        )
    seen = set(phantoms)
    if None in seen or "" in seen or not seen:
        raise InputError(
            "Some of these examinations do not state the CTDI phantom, so they cannot be compared. "
            "Leave them out, or correct them.",
            code="no-phantom",
        )
    if seen != {level.phantom}:
        raise InputError(
            f"The level for {level.examination} is for the {level.phantom} phantom and these "
            f"examinations state {', '.join(sorted(str(s) for s in seen))}. They do not compare.",
            code="other-phantom",
        )


def compare(
    found: Quantile, unit: str, level: NationalLevel, phantoms: Sequence[str | None]
) -> Comparison:
    """Set a sample's median beside a level.

    Parameters
    ----------
    found, unit
        The median and the unit of its values.
    level
        The level; another unit of the same kind is converted.
    phantoms
        Phantom of each study of the sample (``head``, ``body``, ``None``).

    Raises
    ------
    InputError
        Those of `require_phantom`; ``unknown-unit`` or ``other-unit`` for units that do not match.
    """
    from kerma.core import quantity

    require_phantom(level, phantoms)
    limit = quantity(level.value, level.unit).to(unit).value
    return Comparison(level, placed(limit, found), found.value / limit, limit, unit)
