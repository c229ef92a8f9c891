"""An examination ready to be summed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerma.physics.skin.body import Body
from kerma.physics.skin.kernel import Beams, Slab
from kerma.physics.skin.peak import Peak, find
from kerma.physics.skin.phantom import Phantom
from kerma.physics.skin.placing import Placement
from kerma.physics.skin.profile import RoomProfile


@dataclass(frozen=True, eq=False)
class Case:
    """An examination ready to be summed: beams, table and patient."""

    placement: Placement
    beams: Beams
    slab: Slab
    body: Body
    phantom: Phantom
    profile: RoomProfile

    def solved(self, offset_mm: Sequence[float], beams: Beams | None = None) -> Peak:
        """Return the peak with the patient moved."""
        by = np.asarray(offset_mm, dtype=float)
        return find(self.body, (beams or self.beams).moved(by), self.slab.moved(by))[1]
