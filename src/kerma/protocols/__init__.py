"""Protocol files and their engine: readings and measurements in, results and verdicts out."""

from kerma.protocols.checks import check_analyses
from kerma.protocols.engine import evaluate, missing
from kerma.protocols.errors import Problem, ProtocolError
from kerma.protocols.levels import default_levels, levels_of_test, reference_levels
from kerma.protocols.load import available, load_protocol
from kerma.protocols.model import (
    BASELINE_PHASES,
    PHASES,
    USUAL_PHASES,
    AnalysisSpec,
    ImageSpec,
    InstrumentSpec,
    Protocol,
    ReadingSpec,
    SetupSpec,
    TestSpec,
)
from kerma.protocols.names import setups_of
from kerma.protocols.outcome import Inputs, InputUsed, Missing, Outcome
from kerma.protocols.parameters import analysis_parameters
from kerma.protocols.parse import parse_protocol

__all__ = [
    "BASELINE_PHASES",
    "PHASES",
    "USUAL_PHASES",
    "AnalysisSpec",
    "ImageSpec",
    "InputUsed",
    "Inputs",
    "InstrumentSpec",
    "Missing",
    "Outcome",
    "Problem",
    "Protocol",
    "ProtocolError",
    "ReadingSpec",
    "SetupSpec",
    "TestSpec",
    "analysis_parameters",
    "available",
    "check_analyses",
    "default_levels",
    "evaluate",
    "levels_of_test",
    "load_protocol",
    "missing",
    "parse_protocol",
    "reference_levels",
    "setups_of",
]
