"""What the drawing page offers to choose from, as data of the page."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from kerma.physics.shielding import bir, materials, ncrp
from kerma.physics.shielding.archer import said
from kerma.physics.shielding.plan.document import DESIGNATIONS, KINDS, METHODS, PERIODS
from kerma.physics.shielding.plan.products import products
from kerma.physics.shielding.plan.uses import USES, Parameter
from kerma.reference import row
from kerma.service.estate.models import System
from kerma.service.protection.shielding.picture import STEPS

_OCCUPANCIES = "ncrp147/occupancy_factors"


def offered(method: str, systems: QuerySet[System]) -> dict[str, Any]:
    """Return choices of a drawing by one method."""
    return {
        "method": method, "methodTitle": METHODS[method], "period": PERIODS[method],
        "kinds": KINDS, "designations": DESIGNATIONS,
        "materials": [[m, said(m)] for m in materials()],
        "uses": [
            {
                "key": use.key, "title": use.title, "hint": use.hint,
                "parameters": [_parameter(p) for p in use.parameters],
            }
            for use in USES.values() if method in use.methods
        ],
        "occupancies": occupancies(method), "steps": STEPS,
        # A product known by its lead equivalence at one tube voltage is no layer of a drawing.
        "products": [
            {"title": p.title, "material": p.material, "mm": round(p.least_mm, 3)}
            for p in products().values() if p.at_kv is None
        ],
        "systems": [
            {"key": s.asset, "title": f"{s.asset} {s.name}", "modality": s.modality}
            for s in systems
        ],
    }  # fmt: skip


def _parameter(parameter: Parameter) -> dict[str, Any]:
    options = list(parameter.options)
    if parameter.key == "distribution":
        options = [(name, name) for name in ncrp.distributions()]
    return {
        "key": parameter.key, "title": parameter.title, "kind": parameter.kind,
        "unit": parameter.unit, "options": options, "needed": parameter.needed,
        "hint": parameter.hint,
    }  # fmt: skip


def occupancies(method: str) -> list[dict[str, Any]]:
    """Return the occupancies a method's tables name: factor (or range) and the places it is for."""
    if method == "uk":
        return [{"t": t, "areas": list(areas)} for t, areas in bir.occupancies().values()]
    return [
        {"t": f"{float(r['T']):g}", "areas": [str(a) for a in r["areas"]]}
        for r in row(_OCCUPANCIES).fields["rows"]
    ]
