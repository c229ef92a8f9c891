"""Stock products: what a barrier is thickened with, at its least guaranteed thickness.

Lead sheets are rows of ``bir`` (BS EN 12588), the others of ``shielding-products``. A product known
by its lead equivalence at one tube voltage counts as that much lead at that voltage only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from kerma.core import InputError, Source
from kerma.physics.shielding._expression import stated
from kerma.physics.shielding.archer import Beam
from kerma.physics.shielding.plan.document import Layer
from kerma.reference import Row, row, rows

_SHEETS = "bir/lead_sheet_bs_en_12588/"
_STOCK = "shielding-products"


@dataclass(frozen=True, slots=True)
class Product:
    """A stock product.

    Attributes
    ----------
    material, least_mm
        What it counts as.
    kg_m2
        Mass of a square metre; ``None`` where it is not known.
    at_kv
        Tube voltage its lead equivalence is known for; ``None`` for a material with fits.
    rows
        Ids of the rows it is from.
    """

    key: str
    title: str
    material: str
    least_mm: float
    kg_m2: float | None
    at_kv: float | None
    rows: tuple[str, ...]

    @property
    def sources(self) -> tuple[Source, ...]:
        """Its rows with their state."""
        return tuple(row(name).source for name in self.rows)

    @property
    def recalled(self) -> bool:
        """Whether a figure of it was read in no document."""
        return any(s.confidence == "recalled" for s in self.sources)


@cache
def products() -> dict[str, Product]:
    """Return every stock product by key, lead sheets first."""
    sheets = [r for r in rows("bir") if r.id.startswith(_SHEETS)]
    tolerance = next(r for r in sheets if r.text("tolerance"))
    less = 1.0 - stated(tolerance, "tolerance", r"([\d.]+) % thickness") / 100.0
    found = [
        Product(
            f"lead-code-{r.text('code')}", f"Lead sheet Code {r.text('code')}", "lead",
            r.number("mm") * less, r.number("kg_m2"), None, (r.id, tolerance.id),
        )
        for r in sheets if r.text("code")
    ]  # fmt: skip
    found += [_stock(r) for r in rows(_STOCK)]
    return {p.key: p for p in found}


def _stock(held: Row) -> Product:
    equivalent = held.text("lead_mm") != ""
    return Product(
        held.id.rpartition("/")[2], held.text("title"),
        "lead" if equivalent else held.text("material"),
        held.number("lead_mm" if equivalent else "least_mm"),
        held.number("kg_m2") if held.text("kg_m2") else None,
        held.number("at_kv") if equivalent else None, (held.id,),
    )  # fmt: skip


def product(key: str) -> Product:
    """Return one product.

    Raises
    ------
    InputError
        ``unknown-product``.
    """
    if key not in products():
        raise InputError(
            f"There is no product “{key}”. There are: {', '.join(products())}.",
            code="unknown-product",
        )
    return products()[key]


def layer_of(held: Product, beams: Iterable[Beam | None], count: int = 1) -> Layer:
    """Return a product as an added layer for the beams that may cross it.

    Parameters
    ----------
    held
        The product.
    beams
        Of all emissions of the plan.
    count
        How many of it, one on the other.

    Raises
    ------
    InputError
        ``equivalence-other-kv``: its lead equivalence is known at another tube voltage only;
        ``outside-domain``: a count below one.
    """
    if count < 1:
        raise InputError("A layer is one product or more.", code="outside-domain")
    if held.at_kv is not None:
        for beam in beams:
            if beam is None or beam.kv != held.at_kv or beam.radiation != "primary":
                raise InputError(
                    f"{held.title} is known to be worth {held.least_mm:g} mm lead at "
                    f"{held.at_kv:g} kV; nothing is known of it for {beam or 'another radiation'}. "
                    "Use the maker's equivalence at that voltage, or another product.",
                    code="equivalence-other-kv",
                )
        if count > 1:
            raise InputError(
                f"The lead equivalence of {held.title} is that of one; two of it are not measured.",
                code="equivalence-other-kv",
            )
    times = f"{count} × " if count > 1 else ""
    return Layer(held.material, held.least_mm * count, times + held.title, added=True)
