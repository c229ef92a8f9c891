"""One example for each measurement: simulated images it accepts, with what they are known to show.

The gallery draws them, ``make bench`` times them, and the tests try every example of a phantom on
every other measurement of a phantom. To add one, add a function marked with `example` to a module
here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from kerma.core import Image, InputError


@dataclass(frozen=True, slots=True)
class Example:
    """What a measurement is given, and the truth of some of its values.

    Attributes
    ----------
    images
        In the order the measurement asks for; empty for tabled readings.
    parameters
        What it must be told.
    truth
        Values by name in the unit the measurement gives them, known in closed form.
    """

    images: tuple[Image, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    truth: Mapping[str, float] = field(default_factory=dict)


Make = Callable[[], Example]
_MAKERS: dict[str, Make] = {}


def example(name: str) -> Callable[[Make], Make]:
    """Register the decorated function as the maker of a measurement's example."""

    def register(make: Make) -> Make:
        _MAKERS[name] = make
        return make

    return register


@cache
def _load() -> None:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)


def names() -> tuple[str, ...]:
    """Return the names of the measurements that have an example, in alphabetical order."""
    _load()
    return tuple(sorted(_MAKERS))


def make(name: str) -> Example:
    """Make a measurement's example; the same every time.

    Raises
    ------
    InputError
        Code ``no-example``.
    """
    if name not in names():
        raise InputError(f"There is no example for “{name}”.", code="no-example")
    return _MAKERS[name]()
