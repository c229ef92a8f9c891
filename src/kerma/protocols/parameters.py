"""Parameters of an image measurement, with those that are readings of the survey filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerma.core import InputError, unit
from kerma.protocols.model import AnalysisSpec, Protocol
from kerma.protocols.outcome import Inputs


def reading_named(value: object) -> tuple[str, str] | None:
    """Return reading id and unit when a parameter is written ``{reading: k_stp, unit: uGy}``."""
    if isinstance(value, Mapping) and set(value) == {"reading", "unit"}:
        return str(value["reading"]), str(value["unit"])
    return None


def analysis_parameters(
    protocol: Protocol, analysis: AnalysisSpec, inputs: Inputs
) -> dict[str, Any]:
    """Return the parameters to run a measurement with.

    A parameter written ``{reading: k_stp, unit: uGy}`` becomes the list of that reading's values
    in that unit (one number for a reading without repeats).

    Raises
    ------
    InputError
        Code ``missing-reading``: the reading is not complete yet.

    """
    found: dict[str, Any] = {}
    for name, value in analysis.parameters.items():
        named = reading_named(value)
        if named is None:
            found[name] = value
            continue
        reading, symbol = protocol.reading(named[0]), unit(named[1])
        values = [q for q in inputs.readings.get(reading.id, ()) if q is not None]
        if len(values) < reading.repeats:
            raise InputError(
                f"Enter “{reading.title}” first: {analysis.analysis} needs all "
                f"{reading.repeats} of its values.",
                code="missing-reading",
                detail={"reading": reading.id},
            )
        numbers = [q.to(symbol).value for q in values]
        found[name] = numbers if reading.repeats > 1 else numbers[0]
    return found
