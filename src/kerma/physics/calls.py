"""How a calculation was asked for, kept with it, so that it can be made again.

`calculates` marks a public function: what it returns carries its name and its arguments as given,
as plain data. A calculation among the arguments is kept as its own call, so that it is made again
too; one without a call is kept whole.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, ParamSpec, cast

from kerma.core import InputError, Quantity
from kerma.core.codec import encode
from kerma.physics.calculation import Calculation, Call

P = ParamSpec("P")
_PACKAGE = "kerma.physics."
# Marks of what plain data cannot say by itself.
_QUANTITY, _CALL, _RECORD, _MAPPING, _OBJECT = (
    "~quantity",
    "~call",
    "~record",
    "~mapping",
    "~object",
)

REGISTERED: dict[str, Callable[..., Calculation]] = {}


def calculates(function: Callable[P, Calculation]) -> Callable[P, Calculation]:
    """Mark a public function: its results say how they were asked for, and it can be found."""
    name = f"{function.__module__.removeprefix(_PACKAGE)}.{function.__name__}"
    signature = inspect.signature(function)

    @functools.wraps(function)
    def made(*args: P.args, **kwargs: P.kwargs) -> Calculation:
        try:
            found = function(*args, **kwargs)
        except ArithmeticError:  # overflow, division by what is zero after rounding
            raise InputError(
                "There is no number for these inputs: one of them is far too large or small. Look "
                "at the values and their units.",
                code="not-finite",
            ) from None
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()  # a default that changes later must not change what is kept
        given = {key: plain(value) for key, value in bound.arguments.items()}
        return replace(found, call=Call(name, given))

    REGISTERED[name] = made
    return made


def plain(value: Any) -> Any:
    """Return an argument as plain data; `meant` gives it back.

    Raises
    ------
    TypeError
        The value is none that an argument of a calculation may be.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Quantity):
        return {_QUANTITY: value.as_dict()}
    if isinstance(value, Calculation):
        return {_CALL: encode(value.call)} if value.call else {_RECORD: value.as_dict()}
    if is_dataclass(value) and type(value).__module__.startswith(_PACKAGE):
        held = {f.name: plain(getattr(value, f.name)) for f in fields(value)}
        where = f"{type(value).__module__}:{type(value).__qualname__}"
        return {_OBJECT: where, "fields": held}
    if isinstance(value, Mapping):
        return {_MAPPING: [[plain(k), plain(v)] for k, v in value.items()]}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(v) for v in value]
    raise TypeError(f"{type(value).__name__} cannot be kept as an argument of a calculation")


def meant(data: Any, make: Callable[[Call], Calculation]) -> Any:
    """Return what `plain` made plain; sequences come back as tuples.

    Parameters
    ----------
    data
        Of `plain`.
    make
        Makes a calculation among the arguments again.

    Raises
    ------
    InputError
        ``stored-data``: it names something that is no record of `kerma.physics`.
    """
    if isinstance(data, list):
        return tuple(meant(v, make) for v in data)
    if not isinstance(data, Mapping):
        return data
    if _QUANTITY in data:
        return Quantity.from_dict(data[_QUANTITY])
    if _CALL in data:
        return make(Call(data[_CALL]["function"], data[_CALL]["arguments"]))
    if _RECORD in data:
        return Calculation.from_dict(data[_RECORD])
    if _MAPPING in data:
        return {meant(k, make): meant(v, make) for k, v in data[_MAPPING]}
    where = str(data.get(_OBJECT))
    kind = _kind(where)
    try:
        return kind(**{name: meant(v, make) for name, v in data["fields"].items()})
    except (TypeError, KeyError):  # a record whose fields have changed since
        raise _foreign(where) from None


def _kind(where: str) -> Callable[..., Any]:
    """Return a frozen record of `kerma.physics` by name; anything else in the data is refused."""
    module, _, name = where.partition(":")
    if module.startswith(_PACKAGE):
        try:
            found = getattr(importlib.import_module(module), name, None)
        except ImportError:
            found = None
        if isinstance(found, type) and is_dataclass(found):
            return cast(Callable[..., Any], found)
    raise _foreign(where)


def _foreign(where: str) -> InputError:
    return InputError(
        f"The stored arguments name “{where}”, which is no record of a calculation as it is now.",
        code="stored-data",
    )
