"""How a measurement reads its parameters and writes its record."""

from __future__ import annotations

import dataclasses
import numbers
import types
import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from kerma.core import Image, InputError, Provenance

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

P = TypeVar("P", bound="DataclassInstance")


def choose(kind: type[P], given: Mapping[str, Any]) -> P:
    """Turn keyword parameters into the measurement's parameter record.

    Lists become tuples and whole numbers become floats where the record says so, so that what a
    YAML protocol states and what a notebook passes give the same provenance.

    Raises
    ------
    InputError
        Code ``unknown-parameter`` or ``bad-parameter``.
    """
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(given) - set(hints))
    if unknown:
        raise InputError(
            f"There is no parameter called “{unknown[0]}” here. There are: {', '.join(hints)}.",
            code="unknown-parameter",
            detail={"unknown": unknown},
        )
    missing = [
        f.name
        for f in dataclasses.fields(kind)
        if f.default is dataclasses.MISSING and f.name not in given
    ]
    if missing:
        raise InputError(
            f"This measurement needs the parameter “{missing[0]}”.",
            code="missing-parameter",
            detail={"missing": missing},
        )
    return kind(**{name: _fitted(name, value, hints[name]) for name, value in given.items()})


def _fitted(name: str, value: Any, hint: Any) -> Any:
    accepted = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for option in accepted:
        if option is type(None) and value is None:
            return None
        if option is bool and isinstance(value, bool):
            return value
        if option is str and isinstance(value, str):
            return value
        if option is int and isinstance(value, numbers.Integral) and not isinstance(value, bool):
            return int(value)
        if option is float and isinstance(value, numbers.Real) and not isinstance(value, bool):
            return float(value)
        origin = typing.get_origin(option)
        if origin is tuple and isinstance(value, Sequence) and not isinstance(value, str):
            return _fitted_tuple(name, value, typing.get_args(option))
        if origin is not None and issubclass(origin, Mapping) and isinstance(value, Mapping):
            return dict(value)
    raise InputError(
        f"The parameter “{name}” cannot be {value!r}.",
        code="bad-parameter",
        detail={"parameter": name},
    )


def _fitted_tuple(name: str, value: Sequence[Any], hints: tuple[Any, ...]) -> tuple[Any, ...]:
    if hints[-1] is Ellipsis:
        return tuple(_fitted(name, item, hints[0]) for item in value)
    if len(value) != len(hints):
        raise InputError(
            f"The parameter “{name}” needs {len(hints)} values; {len(value)} were given.",
            code="bad-parameter",
            detail={"parameter": name},
        )
    return tuple(_fitted(name, item, hint) for item, hint in zip(value, hints, strict=True))


def require(condition: bool, parameter: str, message: str) -> None:
    """Refuse a parameter outside the range its measurement allows.

    Raises
    ------
    InputError
        Code ``bad-parameter``.
    """
    if not condition:
        raise InputError(message, code="bad-parameter", detail={"parameter": parameter})


def provenance(
    name: str,
    version: str,
    edition: str,
    images: Sequence[Image],
    parameters: DataclassInstance,
    **derived: Any,
) -> Provenance:
    """Return what is needed to obtain the numbers again: every parameter, default or given.

    `derived` holds choices the measurement made itself (seed, region found), as plain data.
    """
    return Provenance(
        algorithm=name,
        version=version,
        parameters={**_plain(dataclasses.asdict(parameters)), **derived},
        inputs=tuple(image.sha256 for image in images),
        edition=edition,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value
