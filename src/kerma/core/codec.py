"""Frozen records to plain data and back, driven by their type hints.

Dataclasses become mappings, named tuples become lists, dates ISO 8601, bytes base64.
"""

from __future__ import annotations

import base64
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from kerma.core.analysis import Region
from kerma.core.errors import InputError
from kerma.core.quantity import Quantity

T = TypeVar("T")


def encode(value: Any) -> Any:
    """Return plain data that JSON can hold; `decode` gives the value back unchanged."""
    if value is None or isinstance(value, str | int | float):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, list | tuple):
        return [encode(v) for v in value]
    if isinstance(value, Quantity | Region):
        return value.as_dict()
    if is_dataclass(value):
        return {name: encode(getattr(value, name)) for name in _names(value)}
    if isinstance(value, date):  # datetime included
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(k): encode(v) for k, v in value.items()}
    return value.value if isinstance(value, Enum) else value


def decode(hint: type[T], data: Any) -> T:
    """Rebuild a value of type `hint` from what `encode` returned.

    Raises
    ------
    InputError
        Code ``stored-data``: the data does not have the shape of `hint`.
    """
    try:
        return cast(T, _decode(hint, data))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"The stored content cannot be read as {getattr(hint, '__name__', hint)}: {error}.",
            code="stored-data",
        ) from error


_NAMES: dict[type, tuple[str, ...]] = {}


def _names(record: Any) -> tuple[str, ...]:
    kind = type(record)
    if kind not in _NAMES:
        _NAMES[kind] = tuple(f.name for f in fields(record))
    return _NAMES[kind]


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode(hint: Any, data: Any) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return None if data is None else _decode(next(a for a in args if a is not type(None)), data)
    if origin is Literal:
        if data not in args:
            raise ValueError(f"“{data}” is not one of {', '.join(map(str, args))}")
        return data
    if origin is tuple:
        kinds = [args[0]] * len(data) if args[-1] is Ellipsis else args
        return tuple(_decode(k, v) for k, v in zip(kinds, data, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {key: _decode(args[1], v) for key, v in data.items()}
    return _decode_plain(hint, data)


def _decode_plain(hint: Any, data: Any) -> Any:
    if hint is Quantity:
        return Quantity.from_dict(data)
    if is_dataclass(hint):
        hints = _hints(cast(type, hint))
        return cast(type, hint)(**{name: _decode(hints[name], v) for name, v in data.items()})
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        kinds = _hints(hint).values()
        return hint(*(_decode(k, v) for k, v in zip(kinds, data, strict=True)))
    if hint is bytes:
        return base64.b64decode(data, validate=True)
    if hint in (date, datetime):
        return hint.fromisoformat(data)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(data)
    return data
