"""What may reach an area: its own goal, or the one its method holds for its designation."""

from __future__ import annotations

from kerma.core import InputError, Quantity, quantity
from kerma.physics.shielding import bir, ncrp
from kerma.physics.shielding.plan.document import DESIGNATIONS, METHODS, PERIODS, Area

CONSTRAINT = "bir/design_criterion/dose-constraint-for-public-and-for-staff-not-working-with"
_GOALS = {"ncrp147": ("controlled", "uncontrolled"), "uk": ("uncontrolled",)}


def has_goal(method: str, designation: str) -> bool:
    """Return whether a method has a goal of its own for a designation."""
    return designation in _GOALS[method]


def goal(method: str, area: Area) -> tuple[Quantity, str]:
    """Return the goal of an area in the method's period, mGy, and the row it is from.

    The area's own goal has no row.

    Raises
    ------
    InputError
        ``no-goal``: it has none, and the method holds none for its designation.
    """
    if area.goal is not None:
        return quantity(area.goal, "mGy"), ""
    if not has_goal(method, area.designation):
        raise InputError(
            f"{area.name} is a {DESIGNATIONS[area.designation].lower()}; by the {METHODS[method]} "
            f"no goal is held for one. State its goal per {PERIODS[method]}.",
            code="no-goal",
        )
    if method == "uk":
        return bir.constraint(), CONSTRAINT
    return ncrp.design_goal(area.designation), f"ncrp147/design_goals/{area.designation}"
