"""The words every other part of Kerma is written in."""

from kerma.core.analysis import Analysis, Curve, Region
from kerma.core.errors import (
    AnalysisError,
    InputError,
    IntegrityError,
    KermaError,
    NotEntitled,
    UnsupportedError,
)
from kerma.core.image import Image
from kerma.core.levels import Criterion, Level, Source
from kerma.core.provenance import Provenance, content_hash
from kerma.core.quantity import Quantity, parse_quantity, quantity
from kerma.core.units import Unit, unit
from kerma.core.verdict import Judgement, Verdict, judge

__all__ = [
    "Analysis",
    "AnalysisError",
    "Criterion",
    "Curve",
    "Image",
    "InputError",
    "IntegrityError",
    "Judgement",
    "KermaError",
    "Level",
    "NotEntitled",
    "Provenance",
    "Quantity",
    "Region",
    "Source",
    "Unit",
    "UnsupportedError",
    "Verdict",
    "content_hash",
    "judge",
    "parse_quantity",
    "quantity",
    "unit",
]
