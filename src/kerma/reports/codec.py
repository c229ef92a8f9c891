"""Frozen dataclasses to plain data and back, driven by their type hints."""

from __future__ import annotations

import base64
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from kerma.core import InputError, Quantity, Region

T = TypeVar("T")


def encode(value: Any) -> Any:
    """Return plain data: dates in ISO 8601, bytes in base64, tuples as lists."""
    if isinstance(value, Quantity | Region):
        return value.as_dict()
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):  # datetime included
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [encode(v) for v in value]
    return value


def decode(hint: type[T], data: Any) -> T:
    """Rebuild a value of type `hint` from what `encode` returned.

    Raises
    ------
    InputError
        Code ``report-data``: the data does not have the shape of `hint`.

    """
    try:
        return cast(T, _decode(hint, data))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"The stored report content cannot be read as {getattr(hint, '__name__', hint)}: "
            f"{error}.",
            code="report-data",
        ) from error


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
    if hint is Quantity:
        return Quantity.from_dict(data)
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return cast(type, hint)(**{name: _decode(hints[name], v) for name, v in data.items()})
    if hint is bytes:
        return base64.b64decode(data, validate=True)
    if hint in (date, datetime):
        return hint.fromisoformat(data)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(data)
    return data
