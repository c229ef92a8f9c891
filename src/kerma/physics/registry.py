"""Every public calculation by name: its arguments, made by name, made again from a stored record.

Names are the module's and the function's: ``ct.ssde``, ``shielding.ncrp.barrier``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import kerma.physics
from kerma.core import InputError, KermaError
from kerma.physics.calculation import Calculation, Call, changed_by, rows_changed
from kerma.physics.calls import REGISTERED, meant


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a calculation: its name, type as written, and whether it must be given."""

    name: str
    kind: str
    required: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A stored calculation beside what it gives now.

    Attributes
    ----------
    now
        Made again with the reference data and the methods of now; ``None`` when `refused`.
    rows_changed
        Rows it rests on whose content is another one now.
    relative
        By how much the value changed, relative to the stored one; ``None`` when not at all, or
        when there is none now.
    refused
        Why it is not given any more, in words; empty otherwise.
    """

    stored: Calculation
    now: Calculation | None
    rows_changed: tuple[str, ...]
    relative: float | None
    refused: str = ""

    @property
    def same(self) -> bool:
        """Whether every bit is the same (the package's version left aside)."""
        return self.now is not None and self.now.sha256 == self.stored.sha256

    def text(self) -> str:
        """Return the comparison in words."""
        if self.refused:
            return f"It is not given any more: {self.refused}"
        if self.now is None or self.same:
            return "Made again it is the same in every bit."
        rows = f" Rows that changed: {', '.join(self.rows_changed)}." if self.rows_changed else ""
        version = (
            ""
            if self.now.version == self.stored.version
            else f" The method is version {self.now.version} now, it was {self.stored.version}."
        )
        if self.relative is None:
            return f"Made again it has the same value and says other things.{rows}{version}"
        return (
            f"Made again it is {self.now.value}, it was {self.stored.value} "
            f"({100 * self.relative:+.3g} %).{rows}{version}"
        )


def _modules() -> Iterator[str]:
    for found in pkgutil.walk_packages(kerma.physics.__path__, "kerma.physics."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            yield found.name


@cache
def _all_imported() -> bool:
    for name in _modules():
        importlib.import_module(name)
    return True


def functions() -> dict[str, Callable[..., Calculation]]:
    """Return every public calculation by name."""
    _all_imported()
    return dict(sorted(REGISTERED.items()))


def _named(name: str) -> Callable[..., Calculation]:
    module = f"kerma.physics.{name.rpartition('.')[0]}"
    if name not in REGISTERED and module in _modules():
        importlib.import_module(module)
    found = REGISTERED.get(name)
    if found is None:
        raise InputError(
            f"There is no calculation “{name}”.", code="unknown-calculation", detail={"name": name}
        )
    return found


def arguments(name: str) -> tuple[Argument, ...]:
    """Return the arguments of a calculation, in order.

    Raises
    ------
    InputError
        ``unknown-calculation``.
    """
    return tuple(
        Argument(
            p.name, str(p.annotation), p.default is p.empty,
            None if p.default is p.empty else p.default,
        )
        for p in inspect.signature(_named(name)).parameters.values()
    )  # fmt: skip


def make(name: str, /, **given: Any) -> Calculation:
    """Make a calculation by name.

    Raises
    ------
    InputError
        ``unknown-calculation``; ``unknown-argument``; ``missing-argument``; those of the
        calculation.
    """
    function, known = _named(name), arguments(name)
    extra = sorted(given.keys() - {a.name for a in known})
    missing = [a.name for a in known if a.required and a.name not in given]
    if extra or missing:
        said = (f"does not take {', '.join(extra)}" if extra else
                f"needs {', '.join(missing)}")  # fmt: skip
        raise InputError(
            f"The calculation {name} {said}.",
            code="unknown-argument" if extra else "missing-argument",
            detail={"extra": extra, "missing": missing},
        )
    return function(**given)


def again(made: Calculation) -> Calculation:
    """Make a calculation again from its stored record, with the reference data of now.

    Calculations among its arguments are made again first.

    Raises
    ------
    InputError
        ``no-call``: the record does not say how it was made; ``unknown-calculation``,
        ``unknown-argument``, ``missing-argument``, ``stored-data``; those of the calculation.
    """
    if made.call is None:
        raise InputError(
            "This record does not say how it was asked for, so it cannot be made again.",
            code="no-call",
        )
    return _of(made.call)


def _of(call: Call) -> Calculation:
    return make(call.function, **{k: meant(v, _of) for k, v in call.arguments.items()})


def compared(made: Calculation) -> Comparison:
    """Return a stored calculation beside what it gives now, and by how much it moved.

    Raises
    ------
    InputError
        ``no-call``: the record does not say how it was made.
    """
    changed = tuple(rows_changed(made))
    try:
        now = again(made)
        relative = changed_by(made, now)
    except KermaError as error:
        if error.code == "no-call":
            raise
        return Comparison(made, None, changed, None, error.message)
    return Comparison(made, now, changed, relative)
