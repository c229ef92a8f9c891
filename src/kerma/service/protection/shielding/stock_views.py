"""The page of what a design may be built of."""

from __future__ import annotations

import math
import re

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from kerma.core import InputError
from kerma.physics.shielding.plan.products import products
from kerma.service.protection.shielding import drawing, stock
from kerma.service.protection.shielding.views import crumbs_of, design_of, rights
from kerma.service.web.typed import whole

_THOUSANDS = re.compile(r",\d{3}(?!\d)")


@require_GET
def built_of(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the products, the user's prices, and the cheapest sets that hold."""
    person, item = design_of(request, pk)
    sheet = drawing.read(item.drawing.document)
    found, refusal = None, ""
    try:
        found = stock.cheapest(sheet)
    except InputError as error:
        refusal = error.message
    context = {
        "design": item, "lines": stock.lines(sheet), "found": found, "refusal": refusal,
        "sets": stock.shown(sheet, found) if found else [],
        "unpriced": [p.title for p in stock.unpriced(sheet)],
        "order": stock.order_said(found) if found else "",
        "slabs": [(s, sheet.slab_m2.get(s.key)) for s in sheet.plan.slabs],
        "may_draw": rights(person, item), "crumbs": crumbs_of(item, "Products"),
    }  # fmt: skip
    return render(request, "protection/design_products.html", context)


def _numbers(request: HttpRequest, prefix: str) -> dict[str, float]:
    """Return the numbers typed beside products or floors; empty ones are none.

    Raises
    ------
    InputError
        ``bad-number``.
    """
    found = {}
    for name, text in request.POST.items():
        if not name.startswith(prefix) or not isinstance(text, str) or not text.strip():
            continue
        try:
            # A comma with three figures behind it may mean thousands.
            value = math.nan if _THOUSANDS.search(text) else float(text.strip().replace(",", "."))
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0.0):
            raise InputError(f"“{text}” is no number of zero or more.", code="bad-number")
        found[name.removeprefix(prefix)] = value
    return found


def _revision(request: HttpRequest) -> int:
    found = whole(request.POST.get("revision", ""))
    return -1 if found is None else found


@require_POST
def keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the products and prices."""
    person, item = design_of(request, pk)
    chosen = tuple(key for key in products() if f"use-{key}" in request.POST)
    try:
        stock.products_set(
            by=person, design=item, chosen=chosen, prices=_numbers(request, "price-"),
            slab_m2=_numbers(request, "slab-"), revision=_revision(request),
        )  # fmt: skip
    except InputError as error:
        messages.error(request, error.message)
    return redirect("design-products", pk)


@require_POST
def take(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Put a set into the drawing."""
    person, item = design_of(request, pk)
    try:
        stock.set_take(by=person, design=item, number=number, revision=_revision(request))
    except InputError as error:
        messages.error(request, error.message)
        return redirect("design-products", pk)
    messages.success(request, "The set is in the drawing, as layers to be added.")
    return redirect("design", pk)
