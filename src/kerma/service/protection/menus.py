"""What protection adds to the rail."""

from __future__ import annotations

from kerma.service.people.access import is_staff
from kerma.service.web import nav

_ROOMS = (
    nav.Door("Calculators", "calculators", is_staff),
    nav.Door("Shielding", "shielding", is_staff),
)


def register() -> None:
    """Fill the rooms of staff and protection."""
    for door in _ROOMS:
        nav.room_in("staff", door)
