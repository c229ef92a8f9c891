"""Data of strangers held against type hints, before anything is made of it.

`kerma.core.codec` trusts what was stored; what a page or a file sends is looked through here first,
so that a number where words belong is refused with its place and not met later by chance.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from kerma.core.errors import InputError

DEEPEST = 12  # of what no hint describes
_LARGEST_INT = 2**63 - 1  # of a database
_ARTICLES = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def require(hint: Any, data: Any, *, code: str) -> None:
    """Refuse data that is not of a type.

    Parameters
    ----------
    hint
        A record, ``tuple``, ``Mapping``, ``Literal``, a plain type, one of these or ``None``, or
        ``Any``: what JSON can hold, not nested deeper than `DEEPEST`.
    data
        Plain data, as JSON gives it.
    code
        Of the refusal.

    Raises
    ------
    InputError
        With `code`; the message names the place.
    """
    wrong = _wrong(hint, data, "")
    if wrong:
        raise InputError(wrong, code=code)


def _wrong(hint: Any, data: Any, at: str) -> str:
    """Return what is wrong, or nothing."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return _loose(data, at, DEEPEST)
    if origin in (Union, types.UnionType):
        (kind,) = (a for a in args if a is not type(None))
        return "" if data is None else _wrong(kind, data, at)
    if origin is Literal:
        return "" if data in args else f"{_place(at)} is none of {', '.join(map(str, args))}."
    if origin is tuple:
        return _wrong_tuple(args, data, at)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _wrong_mapping(args[1], data, at)
    if is_dataclass(hint):
        return _wrong_record(hint, data, at)
    return _wrong_plain(hint, data, at)


def _wrong_plain(hint: Any, data: Any, at: str) -> str:
    if hint is str:
        fine = isinstance(data, str)
        return _unwritable(data, at) if fine else f"{_place(at)} is no text."
    if hint is float:
        fine = _is_number(data)
    elif hint is int:
        fine = isinstance(data, int) and not isinstance(data, bool) and abs(data) <= _LARGEST_INT
    elif hint is bool:
        fine = isinstance(data, bool)
    else:
        raise TypeError(f"no data is held against {hint}")
    return "" if fine else f"{_place(at)} is not {_ARTICLES[hint]}."


def _is_number(data: Any) -> bool:
    if isinstance(data, bool) or not isinstance(data, int | float):
        return False
    try:
        return math.isfinite(float(data))
    except OverflowError:  # an integer beyond all floats
        return False


def _unwritable(data: str, at: str) -> str:
    """Half a character, or an end of text inside it, is kept by no database."""
    fine = "\0" not in data and not any("\ud800" <= c <= "\udfff" for c in data)
    return "" if fine else f"{_place(at)} holds what is no character."


def _wrong_tuple(args: tuple[Any, ...], data: Any, at: str) -> str:
    if not isinstance(data, list | tuple):
        return f"{_place(at)} is no list."
    if args[-1] is Ellipsis:
        hints = [args[0]] * len(data)
    elif len(args) != len(data):
        return f"{_place(at)} has {len(data)} parts, not {len(args)}."
    else:
        hints = list(args)
    every = (_wrong(h, v, f"{at}[{n}]") for n, (h, v) in enumerate(zip(hints, data, strict=True)))
    return next(filter(None, every), "")


def _wrong_mapping(hint: Any, data: Any, at: str) -> str:
    if not isinstance(data, Mapping):
        return f"{_place(at)} is no table of names."
    for name, value in data.items():
        wrong = _wrong(str, name, f"a name in {at}") or _wrong(hint, value, _under(at, name))
        if wrong:
            return wrong
    return ""


def _wrong_record(hint: Any, data: Any, at: str) -> str:
    if not isinstance(data, Mapping):
        return f"{_place(at)} is no table of names."
    hints = get_type_hints(hint)
    for name, value in data.items():
        if name not in hints:
            return f"{_place(at)} has nothing called “{str(name)[:40]}”."
        wrong = _wrong(hints[name], value, _under(at, name))
        if wrong:
            return wrong
    needed = [f.name for f in fields(hint)
              if f.default is MISSING and f.default_factory is MISSING]  # fmt: skip
    missing = next((name for name in needed if name not in data), "")
    return f"{_place(_under(at, missing))} is missing." if missing else ""


def _loose(data: Any, at: str, deep: int) -> str:
    if deep < 0:
        return f"{_place(at)} is nested too deeply."
    if isinstance(data, str):
        return _unwritable(data, at)
    if data is None or isinstance(data, bool) or _is_number(data):
        return ""
    if isinstance(data, list | tuple):
        every = (_loose(v, f"{at}[{n}]", deep - 1) for n, v in enumerate(data))
        return next(filter(None, every), "")
    if isinstance(data, Mapping):
        every = (
            _unwritable(str(name), at) or _loose(v, _under(at, name), deep - 1)
            for name, v in data.items()
        )
        return next(filter(None, every), "")
    return f"{_place(at)} is not a number."


def _under(at: str, name: Any) -> str:
    return f"{at}.{str(name)[:40]}" if at else str(name)[:40]


def _place(at: str) -> str:
    return f"“{at}”" if at else "It"
