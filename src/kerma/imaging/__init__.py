"""Image measurements: pixels in, an `Analysis` out; nothing here knows the web or a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerma.core import Analysis, Image
from kerma.imaging.recognise import recognise
from kerma.imaging.registry import Measurement, all_measurements, find

__all__ = ["Measurement", "all_measurements", "analyse", "find", "names", "recognise"]


def analyse(name: str, images: Sequence[Image], **parameters: Any) -> Analysis:
    """Run a measurement by name.

    Parameters
    ----------
    name
        As listed by `names`, for example ``"ct-water"``; ``"auto"`` lets the phantom name itself.
    images
        The frames to measure, in the order the measurement asks for.
    parameters
        The measurement's own parameters; all are recorded in the provenance.

    Raises
    ------
    InputError
        The name or a parameter is unknown, the images must not be measured this way, or no phantom
        (or more than one) was recognised.
    AnalysisError
        The measurement stopped at a named stage.
    """
    chosen = recognise(images) if name == "auto" else find(name)
    return chosen.run(images, **parameters)


def names() -> tuple[str, ...]:
    """Return the names of the measurements, in alphabetical order."""
    return tuple(all_measurements())
