"""The measurements Kerma can make, by name.

A measurement is a pure function of images and parameters, marked with `measurement`. To add one,
add a module under ``kerma/imaging`` with such a function and its test; nothing else is edited.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from kerma.core import Analysis, Image, InputError


class Run(Protocol):
    """What a measurement looks like: images in, keyword parameters, an `Analysis` out."""

    def __call__(self, images: Sequence[Image], **parameters: Any) -> Analysis:
        """Measure."""
        ...


# What shows that the images are of a measurement's phantom, in a few words; refuses (raises a
# `KermaError`) when they are not. Cheap: it finds and proves the phantom, and measures nothing.
Recognise = Callable[[Sequence[Image]], str]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A named, versioned measurement.

    Attributes
    ----------
    name
        Kebab case, as typed after ``kerma analyse``.
    version
        Raised whenever the same input may give another number.
    title
        For people.
    edition
        Standard or protocol followed, with edition.
    modalities
        DICOM modalities it accepts; none for a measurement of tabled readings.
    run
        The function.
    recognise
        For a measurement of one phantom: says what in the images shows that phantom, or refuses.
    """

    name: str
    version: str
    title: str
    edition: str
    modalities: tuple[str, ...]
    run: Run
    recognise: Recognise | None = None

    @property
    def tabled(self) -> bool:
        """Return whether it takes columns of readings as parameters, and no image."""
        return not self.modalities


_KNOWN: dict[str, Measurement] = {}


def measurement(
    name: str,
    *,
    version: str,
    title: str,
    edition: str,
    modalities: Sequence[str],
    recognise: Recognise | None = None,
) -> Callable[[Run], Run]:
    """Register the decorated function as a measurement."""

    def register(run: Run) -> Run:
        _KNOWN[name] = Measurement(name, version, title, edition, tuple(modalities), run, recognise)
        return run

    return register


@cache
def _load() -> None:
    import kerma.imaging as package

    for module in pkgutil.walk_packages(package.__path__, "kerma.imaging."):
        importlib.import_module(module.name)


def all_measurements() -> dict[str, Measurement]:
    """Return every measurement by name, in alphabetical order."""
    _load()
    return dict(sorted(_KNOWN.items()))


def find(name: str) -> Measurement:
    """Return one measurement.

    Raises
    ------
    InputError
        Code ``unknown-analysis``; the message lists the names there are.
    """
    known = all_measurements()
    if name not in known:
        raise InputError(
            f"There is no analysis called “{name}”. There are: {', '.join(known)}.",
            code="unknown-analysis",
        )
    return known[name]
