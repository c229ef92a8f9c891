"""What a design may be built of: products, the user's prices, and the cheapest sets that hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kerma.core import InputError
from kerma.physics.shielding.archer import said
from kerma.physics.shielding.plan.choices import ORDERS, Choices, choices
from kerma.physics.shielding.plan.document import Layer, Plan
from kerma.physics.shielding.plan.emissions import emissions
from kerma.physics.shielding.plan.products import Product, layer_of, products
from kerma.service.people.models import Person
from kerma.service.protection.models import Design
from kerma.service.protection.shielding import working
from kerma.service.protection.shielding.drawing import Sheet, read
from kerma.service.protection.shielding.services import drawing_save

# What is see-through is offered for windows, and nothing else is.
_SEEN_THROUGH = ("glass", "acrylic")


@dataclass(frozen=True, slots=True)
class Set:
    """A set of products as the page shows it."""

    number: int
    total: str
    picks: tuple[tuple[str, str], ...]


def by_kind(chosen: Mapping[str, Product]) -> dict[str, list[Product]]:
    """Return which products each kind of barrier is offered."""
    clear = [p for p in chosen.values() if any(w in p.key for w in _SEEN_THROUGH)]
    other = [p for p in chosen.values() if p not in clear]
    return {"window": clear, "wall": other, "door": other, "screen": other, "slab": other}


def offered(sheet: Sheet) -> dict[str, Product]:
    """Return the products of a drawing; all whose figures were read where it names none."""
    stock = products()
    if sheet.products:
        return {key: stock[key] for key in sheet.products}
    return {key: p for key, p in stock.items() if not p.recalled}


def unpriced(sheet: Sheet) -> list[Product]:
    """Return the products left out because others of the drawing have a price and they have not."""
    chosen = offered(sheet)
    if not any(key in sheet.prices for key in chosen):
        return []
    return [p for key, p in chosen.items() if key not in sheet.prices]


def cheapest(sheet: Sheet) -> Choices:
    """Return the best sets for a drawing.

    Raises
    ------
    InputError
        ``not-finished``: it cannot be assessed yet; those of
        `kerma.physics.shielding.plan.choices.choices`.
    """
    if working.worked(sheet).blocking:
        raise InputError("The drawing cannot be assessed yet; see its page.", code="not-finished")
    chosen = offered(sheet)
    priced = {k: v for k, v in sheet.prices.items() if k in chosen}
    left = unpriced(sheet)
    chosen = {key: p for key, p in chosen.items() if p not in left}
    return choices(
        sheet.plan, by_kind(chosen), prices=priced or None, slab_m2=dict(sheet.slab_m2)
    )  # fmt: skip


def shown(sheet: Sheet, found: Choices) -> list[Set]:
    """Return the sets as the page shows them."""
    stock = products()
    names = {t.key: t.name for t in (*sheet.plan.barriers, *sheet.plan.slabs)}
    return [
        Set(
            n, f"{one.total:,.4g}".replace(",", "\u202f"),
            tuple(
                (names[p.barrier], f"{p.count} × {stock[p.product].title}".removeprefix("1 × "))
                for p in one.picks
            ),
        )
        for n, one in enumerate(found.sets, 1)
    ]  # fmt: skip


def order_said(found: Choices) -> str:
    """Return what the sets are ordered by."""
    return ORDERS[found.order]


def lines(sheet: Sheet) -> list[dict[str, Any]]:
    """Return every stock product as the form shows it."""
    chosen = offered(sheet)
    return [
        {
            "product": p, "material": said(p.material), "chosen": key in chosen,
            "price": sheet.prices.get(key),
        }
        for key, p in products().items()
    ]  # fmt: skip


def products_set(
    *,
    by: Person,
    design: Design,
    chosen: tuple[str, ...],
    prices: Mapping[str, float],
    slab_m2: Mapping[str, float],
    revision: int,
) -> None:
    """Keep what a design may be built of, with the user's prices.

    Raises
    ------
    NotEntitled, InputError, IntegrityError
        Those of `drawing_save`.
    """
    sheet = read(design.drawing.document)
    changed = replace(sheet, products=chosen, prices=dict(prices), slab_m2=dict(slab_m2))
    drawing_save(by=by, design=design, document=changed.as_dict(), revision=revision)


def set_take(*, by: Person, design: Design, number: int, revision: int) -> None:
    """Put one of the cheapest sets into the drawing as layers to be added.

    Raises
    ------
    InputError
        ``no-set``: there is none of this number now; those of `cheapest` and `drawing_save`.
    """
    sheet = read(design.drawing.document)
    sets = cheapest(sheet).sets
    if not 1 <= number <= len(sets):
        raise InputError("The drawing has changed; look at the sets again.", code="no-set")
    plan = sheet.plan
    for pick in sets[number - 1].picks:
        plan = _with(plan, pick.barrier, products()[pick.product], pick.count)
    drawing_save(
        by=by, design=design, document=replace(sheet, plan=plan).as_dict(), revision=revision
    )


def _with(plan: Plan, key: str, product: Product, count: int) -> Plan:
    layer: Layer = layer_of(product, [e.beam for e in emissions(plan)], count)
    barriers = tuple(
        replace(b, layers=(*b.layers, layer)) if b.key == key else b for b in plan.barriers
    )
    slabs = tuple(replace(s, layers=(*s.layers, layer)) if s.key == key else s for s in plan.slabs)
    return replace(plan, barriers=barriers, slabs=slabs)
