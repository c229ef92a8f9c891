"""Reference figures as rows with a source, a confidence and a hash, and the levels they hold."""

from kerma.reference.criteria import criterion
from kerma.reference.levels import (
    FOREIGN_SCOPES,
    level_names,
    levels,
    levels_of,
    scope,
    unusable,
)
from kerma.reference.loader import Dataset, datasets, row, rows, search
from kerma.reference.rows import Row

__all__ = [
    "FOREIGN_SCOPES",
    "Dataset",
    "Row",
    "criterion",
    "datasets",
    "level_names",
    "levels",
    "levels_of",
    "row",
    "rows",
    "scope",
    "search",
    "unusable",
]
