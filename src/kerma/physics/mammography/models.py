"""Which breast model a dose is by. Doses of two models are never compared, trended or pooled.

A dose says its model by the name of its calculation: ``breast-mgd-<model>...``. The difference of
two models is no difference of two systems: TG-282 lies 13 % to 24 % below Dance (methods note).
"""

from __future__ import annotations

from collections.abc import Iterable

from kerma.core import InputError
from kerma.physics.calculation import Calculation

# Name of a calculation -> its model. A dose by PMMA is one of the same model's standard breast.
_MODELS = {
    "breast-mgd-dance": "Dance",
    "breast-mgd-pmma": "Dance",
    "breast-mgd-header": "Dance",
    "breast-mgd-tg282": "TG-282",
}


def model_of(made: Calculation) -> str:
    """Return the breast model of a dose.

    Raises
    ------
    InputError
        ``no-breast-model``: not a mean glandular dose.
    """
    found = _MODELS.get(made.name)
    if found is None:
        raise InputError(f"“{made.title}” is no mean glandular dose.", code="no-breast-model")
    return found


def require_one_model(doses: Iterable[Calculation]) -> str:
    """Return the one model of several doses; call before any comparison, trend or DRL.

    Raises
    ------
    InputError
        ``two-models``; ``no-breast-model``; ``no-doses``.
    """
    found = list(dict.fromkeys(model_of(made) for made in doses))
    if not found:
        raise InputError("There are no doses.", code="no-doses")
    if len(found) > 1:
        raise InputError(
            f"Doses by {' and '.join(found)} are not comparable: the models differ by more than "
            "systems do. Work all of them out by one model.",
            code="two-models",
            detail={"models": found},
        )
    return found[0]
