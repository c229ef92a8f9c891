"""One row of each sealed model of the dose room, for the tests that tamper with them."""

from __future__ import annotations

from kerma.service.doses.models import RoomProfile
from tests.service.cast import Cast


def a_room_profile(who: Cast) -> RoomProfile:
    """A room commissioned for skin dose, twice: the second profile ends the first."""
    from tests.service.skin_world import commission

    commission(who, who.system)
    return commission(who, who.system, reason="Measured again.")
