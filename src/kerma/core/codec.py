"""Frozen records to plain data and back, driven by their type hints.

Dataclasses become mappings, named tuples become lists, dates ISO 8601, bytes base64.
"""

from __future__ import annotations

import base64
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache, partial
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from kerma.core.analysis import Region
from kerma.core.errors import InputError
from kerma.core.quantity import Quantity

T = TypeVar("T")
Read = Callable[[Any], Any]

# Named once: “a | b” in a test makes a new type with each value.
_PLAIN, _ROWS, _OWN = (str, int, float), (list, tuple), (Quantity, Region)


def encode(value: Any) -> Any:
    """Return plain data that JSON can hold; `decode` gives the value back unchanged."""
    if value is None or isinstance(value, _PLAIN):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, _ROWS):
        return [encode(v) for v in value]
    if isinstance(value, _OWN):
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
        return cast(T, _reader(hint)(data))
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
def _readers(kind: type) -> tuple[dict[str, Read], frozenset[str]]:
    """Return what rebuilds each field of a record, and which fields may be ``None``.

    The hints are looked through once. Most fields of most records are ``None``: that these need no
    call is half of the time of reading them.
    """
    reads, optional = {}, set()
    for name, hint in get_type_hints(kind).items():
        read = _reader(hint)
        if isinstance(read, partial) and read.func is _optional:
            (read,) = read.args
            optional.add(name)
        reads[name] = read
    return reads, frozenset(optional)


def _reader(hint: Any) -> Read:
    """Return what rebuilds a value of this type."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return partial(_optional, _reader(next(a for a in args if a is not type(None))))
    if origin is Literal:
        return partial(_one_of, args)
    if origin is tuple:
        if args[-1] is Ellipsis:
            read = _reader(args[0])
            return tuple if read is _same else partial(_alike, read)
        return partial(_each, tuple(map(_reader, args)))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return partial(_mapping, _reader(args[1]))
    return _plain_reader(hint)


def _plain_reader(hint: Any) -> Read:
    if hint is Quantity:
        return Quantity.from_dict
    if is_dataclass(hint):
        return partial(_record, hint)
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return partial(_named, hint)
    if hint is bytes:
        return partial(base64.b64decode, validate=True)
    if hint in (date, datetime):
        return cast(Read, hint.fromisoformat)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return _same


def _same(data: Any) -> Any:
    return data


def _optional(read: Read, data: Any) -> Any:
    return None if data is None else read(data)


def _one_of(allowed: tuple[Any, ...], data: Any) -> Any:
    if data not in allowed:
        raise ValueError(f"“{data}” is not one of {', '.join(map(str, allowed))}")
    return data


def _alike(read: Read, data: Any) -> Any:
    return tuple([read(v) for v in data])


def _each(reads: tuple[Read, ...], data: Any) -> Any:
    return tuple([read(v) for read, v in zip(reads, data, strict=True)])


def _mapping(read: Read, data: Any) -> Any:
    return {key: read(v) for key, v in data.items()}


def _record(kind: Any, data: Any) -> Any:
    reads, optional = _readers(kind)
    return kind(
        **{
            name: value
            if (read := reads[name]) is _same or (value is None and name in optional)
            else read(value)
            for name, value in data.items()
        }
    )


def _named(kind: Any, data: Any) -> Any:
    reads, optional = _readers(kind)
    return kind(
        *[
            value if read is _same or (value is None and name in optional) else read(value)
            for (name, read), value in zip(reads.items(), data, strict=True)
        ]
    )
