"""What protection keeps, by noun."""

from kerma.service.protection.models.calculations import SavedCalculation
from kerma.service.protection.models.shielding import (
    AsBuilt,
    Design,
    DesignVersion,
    Drawing,
    RoomEntry,
    Underlay,
)

__all__ = [
    "AsBuilt",
    "Design",
    "DesignVersion",
    "Drawing",
    "RoomEntry",
    "SavedCalculation",
    "Underlay",
]
