"""What each use of a source gives out: kerma at 1 m, its beam quality and where it goes.

Every kerma is worked out by the functions of `kerma.physics.shielding.ncrp`, `bir` and `workload`
for a distance of 1 m, so that rows, assumptions, limits and working come along.
"""

from __future__ import annotations

from kerma.core import InputError
from kerma.physics.shielding.plan import _ncrp, _shared, _uk
from kerma.physics.shielding.plan.document import PlacedSource, Plan
from kerma.physics.shielding.plan.emission import Emission
from kerma.physics.shielding.plan.uses import USES, Use


def of_use(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    """Return what one use gives out.

    Raises
    ------
    InputError
        ``use-incomplete``; as the functions of `ncrp`, `bir`, `workload`; ``other-method``.
    """
    makers = {**_ncrp.MAKERS, **_uk.MAKERS, **_shared.MAKERS}
    kind = USES[use.kind]
    if plan.method not in kind.methods:
        raise InputError(
            f"{source.name}: “{kind.title}” does not belong to the method of this plan.",
            code="other-method",
        )
    return makers[use.kind](plan, source, use)


def emissions(plan: Plan) -> tuple[Emission, ...]:
    """Return what all sources give out, in the order of the plan.

    Raises
    ------
    InputError
        As `of_use`.
    """
    return tuple(
        emission
        for source in plan.sources
        for use in source.uses
        for emission in of_use(plan, source, use)
    )
