"""Turn a criterion as written in a data file into a `Criterion`.

The same few words serve the reference levels and the local levels of a protocol file::

    {max: 5 %}                      {min: 2.9 mm Al}          {max: 10 uGy, strict: true}
    {range: [-5 HU, 5 HU]}          {percent: 10, of: nominal}
    {percent: [-20, null], of: baseline}                       {deviation: 1 kV, of: nominal}
    {larger-of: [{...}, {...}]}     {sum-of: [{...}, {...}]}
    {lookup: min, by: kv, points: [[80 kV, 2.9 mm Al], ...], steps: true}
    functional
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kerma.core import Criterion, InputError, Quantity, parse_quantity, quantity

Build = Callable[[Mapping[str, Any], bool], Criterion]

CLASSES = ("remedial", "suspension", "investigation", "DRL", "legal limit")
_KINDS = ("max", "min", "range", "percent", "deviation", "larger-of", "sum-of", "lookup")
_MORE = {
    "max": {"strict"},
    "min": {"strict"},
    "range": {"strict"},
    "percent": {"of", "strict"},
    "deviation": {"of", "strict"},
    "larger-of": {"strict"},
    "sum-of": {"strict"},
    "lookup": {"by", "points", "steps", "strict"},
}


def criterion(spec: object) -> Criterion:
    """Build a criterion from its written form.

    Raises
    ------
    InputError
        Code ``bad-criterion``, ``not-a-quantity`` or ``unknown-unit``; the message says what was
        expected.

    """
    if spec == "functional":
        return Criterion("functional")
    if not isinstance(spec, Mapping):
        raise _bad(
            f"“{spec}” is not a level. Write “functional” or a mapping such as {{max: 5 %}}."
        )
    kinds = [k for k in _KINDS if k in spec]
    if len(kinds) != 1:
        raise _bad(f"A level has exactly one of {', '.join(_KINDS)}; this one has {list(spec)}.")
    kind = kinds[0]
    extra = set(spec) - {kind} - _MORE[kind]
    if extra:
        allowed = ", ".join(sorted(_MORE[kind]))
        raise _bad(f"“{extra.pop()}” does not belong to a {kind} level; beside {kind}: {allowed}.")
    return _BUILD[kind](spec, bool(spec.get("strict", False)))


def _bad(message: str) -> InputError:
    return InputError(message, code="bad-criterion")


def _one(value: object) -> Quantity:
    return quantity(value, "1") if isinstance(value, int | float) else parse_quantity(str(value))


def _pair(value: object, what: str) -> tuple[Any, Any]:
    if not (isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2):
        raise _bad(f"{what} is written as two values in brackets, not as {value}.")
    return value[0], value[1]


def _max(spec: Mapping[str, Any], strict: bool) -> Criterion:
    return Criterion("max", high=_one(spec["max"]), strict=strict)


def _min(spec: Mapping[str, Any], strict: bool) -> Criterion:
    return Criterion("min", low=_one(spec["min"]), strict=strict)


def _range(spec: Mapping[str, Any], strict: bool) -> Criterion:
    low, high = (_one(v) for v in _pair(spec["range"], "A range"))
    if low.value * low.unit.factor > high.value * high.unit.factor:
        raise _bad(f"The range {low} to {high} is upside down.")
    return Criterion("range", low=low, high=high, strict=strict)


def _signed(spec: Mapping[str, Any], kind: str) -> tuple[Any, Any]:
    """Return the lower and upper allowance as written; one number stands for ±."""
    value = spec[kind]
    if isinstance(value, list):
        return _pair(value, f"A {kind} level with two sides")
    return "-", value


def _basis(spec: Mapping[str, Any]) -> Any:
    if spec.get("of") not in ("nominal", "baseline"):
        raise _bad("A level taken from another value needs “of: nominal” or “of: baseline”.")
    return spec["of"]


def _mirrored(
    low: Any, high: Any, read: Callable[[Any], Quantity]
) -> tuple[Quantity | None, Quantity | None]:
    top = None if high is None else read(high)
    if low == "-":
        return (None if top is None else Quantity(-top.value, top.unit)), top
    return (None if low is None else read(low)), top


def _percent(spec: Mapping[str, Any], strict: bool) -> Criterion:
    low, high = _mirrored(*_signed(spec, "percent"), lambda v: quantity(float(v), "%"))
    return Criterion("percent", low=low, high=high, basis=_basis(spec), strict=strict)


def _deviation(spec: Mapping[str, Any], strict: bool) -> Criterion:
    low, high = _mirrored(*_signed(spec, "deviation"), _one)
    return Criterion("deviation", low=low, high=high, basis=_basis(spec), strict=strict)


def _several(kind: Any) -> Build:
    def build(spec: Mapping[str, Any], strict: bool) -> Criterion:
        parts = tuple(criterion(part) for part in spec[kind])
        if len(parts) < 2 or any(p.kind not in ("percent", "deviation") for p in parts):
            raise _bad(f"{kind} joins two or more percent or deviation levels.")
        return Criterion(kind, parts=parts, strict=strict)

    return build


def _lookup(spec: Mapping[str, Any], strict: bool) -> Criterion:
    if spec["lookup"] not in ("min", "max"):
        raise _bad("A lookup is “lookup: min” or “lookup: max”.")
    if not spec.get("by") or not spec.get("points"):
        raise _bad("A lookup needs “by” (the other quantity) and “points” [[x, bound], ...].")
    points = tuple(
        (_one(x), _one(bound)) for x, bound in (_pair(p, "A point") for p in spec["points"])
    )
    return Criterion(
        "lookup",
        by=str(spec["by"]),
        points=points,
        side=spec["lookup"],
        steps=bool(spec.get("steps", False)),
        strict=strict,
    )


_BUILD: dict[str, Build] = {
    "max": _max,
    "min": _min,
    "range": _range,
    "percent": _percent,
    "deviation": _deviation,
    "larger-of": _several("larger-of"),
    "sum-of": _several("sum-of"),
    "lookup": _lookup,
}
