"""A shielding design in three dimensions: drawn, checked, assessed, and what it still needs."""

from kerma.physics.shielding.plan.assess import Assessment, assess
from kerma.physics.shielding.plan.document import (
    Area,
    Barrier,
    Layer,
    PlacedSource,
    Plan,
    Slab,
    Storey,
    read,
)
from kerma.physics.shielding.plan.faults import Fault, faults
from kerma.physics.shielding.plan.protect import AreaFinding
from kerma.physics.shielding.plan.rays import KermaGrid, grid
from kerma.physics.shielding.plan.uses import USES, Use

__all__ = [
    "USES",
    "Area",
    "AreaFinding",
    "Assessment",
    "Barrier",
    "Fault",
    "KermaGrid",
    "Layer",
    "PlacedSource",
    "Plan",
    "Slab",
    "Storey",
    "Use",
    "assess",
    "faults",
    "grid",
    "read",
]
