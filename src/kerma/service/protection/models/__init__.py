"""What protection keeps, by noun."""

from kerma.service.protection.models.calculations import CalculationPaper, SavedCalculation
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
    "CalculationPaper",
    "Design",
    "DesignVersion",
    "Drawing",
    "RoomEntry",
    "SavedCalculation",
    "Underlay",
]
