"""The examples of the measurements, each drawn and measured once for all tests of a process."""

from __future__ import annotations

from functools import cache, lru_cache

from kerma import imaging
from kerma.core import Analysis
from kerma.imaging.registry import all_measurements
from kerma.simulate import examples

# Those with a phantom: the matrix of recognition shows each one's images to all.
PHANTOMS = tuple(name for name, m in all_measurements().items() if m.recognise is not None)


def picture(name: str) -> examples.Example:
    """Return an example. Those of no phantom are few in number at a time: they fill the memory."""
    return _phantom(name) if name in PHANTOMS else _other(name)


@cache
def _phantom(name: str) -> examples.Example:
    return _drawn(name)


@lru_cache(maxsize=2)
def _other(name: str) -> examples.Example:
    return _drawn(name)


def _drawn(name: str) -> examples.Example:
    found = examples.make(name)
    for image in found.images:
        image.pixels.flags.writeable = False  # shared: no test may change another's picture
    return found


def analysed(measurement: str, shown: str) -> Analysis:
    """Try one example's images on a measurement, with what that one must be told."""
    told = picture(measurement).parameters
    return imaging.analyse(measurement, picture(shown).images, **told)


@cache
def measured(name: str) -> Analysis:
    """Return what a measurement finds in its own example."""
    return analysed(name, name)
