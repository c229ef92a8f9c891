"""Tertiary scatter: over a screen that ends below the ceiling, or round an open door. Refused.

Coefficients for scatter from ceiling slabs and walls were published (Martin et al. 2012, J. Radiol.
Prot. 32:373-392); the reference data know that they exist and do not hold them.
"""

from __future__ import annotations

from typing import NoReturn

from kerma.core import Quantity, UnsupportedError
from kerma.reference import row

ROW = "bir/scatter_from_kap/tertiary_scatter"


def refuse(what: str) -> NoReturn:
    """Say why a kerma by tertiary scatter is not given.

    Raises
    ------
    UnsupportedError
        ``no-tertiary-coefficients``, always.
    """
    held = row(ROW)
    raise UnsupportedError(
        f"{what}: scatter from the ceiling or a wall is not calculated, for the reference data "
        f"hold no coefficients of it. They are in {held.document}. Take the barrier to full "
        "height, or measure.",
        code="no-tertiary-coefficients",
        detail={"row": ROW},
    )


def require_full_height(name: str, height: Quantity, ceiling: Quantity) -> None:
    """Refuse a screen that ends below the ceiling.

    Parameters
    ----------
    name
        Of the screen, for the message.
    height, ceiling
        Of its top and of the ceiling, above the floor.

    Raises
    ------
    UnsupportedError
        ``no-tertiary-coefficients``.
    """
    if height.to("m").value < ceiling.to("m").value * (1 - 1e-9):
        refuse(f"{name} ends {height} above the floor, below the ceiling at {ceiling}")
