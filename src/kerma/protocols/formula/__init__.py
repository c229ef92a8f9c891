"""The formula language of protocol files: arithmetic over quantities, and nothing else."""

from kerma.protocols.formula.functions import FUNCTIONS
from kerma.protocols.formula.run import NotEnoughError, run
from kerma.protocols.formula.shapes import Shape, infer
from kerma.protocols.formula.syntax import LANGUAGE_VERSION, Formula, parse_formula

__all__ = [
    "FUNCTIONS",
    "LANGUAGE_VERSION",
    "Formula",
    "NotEnoughError",
    "Shape",
    "infer",
    "parse_formula",
    "run",
]
