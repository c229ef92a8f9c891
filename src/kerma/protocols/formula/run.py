"""Work a formula out over numbers.

Units were settled when the protocol was loaded; here every number is in coherent units. A missing
value is ``None``: it is dropped by the functions that gather values, carried through arithmetic on
a series, and stops the formula where a single value is needed.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from kerma.core import unit
from kerma.protocols.formula.errors import NotEnoughError
from kerma.protocols.formula.functions import FUNCTIONS
from kerma.protocols.formula.statistics import divided, nominal
from kerma.protocols.formula.syntax import Formula, dotted

__all__ = ["NotEnoughError", "run"]

Number = Any
Item = Any  # a number, None, or a list of them

_ARITHMETIC: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: divided,
}
# Equal within floating-point noise is equal, as in `kerma.core.levels`.
_NOISE = 1e-9
_COMPARE: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: lambda a, b: a < b and not _equal(a, b),
    ast.LtE: lambda a, b: a <= b or _equal(a, b),
    ast.Gt: lambda a, b: a > b and not _equal(a, b),
    ast.GtE: lambda a, b: a >= b or _equal(a, b),
}


def run(formula: Formula, values: Mapping[str, Item]) -> Number:
    """Return the formula's value.

    Parameters
    ----------
    formula
        Checked with `infer`.
    values
        Number, or list of numbers and ``None``, for every name in the formula; coherent units.

    Raises
    ------
    NotEnoughError
        Too few values, a missing value, a division by zero, or a value outside what was measured.

    """
    result = _value(formula.tree, values)
    if result is None:
        raise NotEnoughError("A value the formula needs is missing.")
    return result


def _value(node: ast.expr, values: Mapping[str, Item]) -> Item:
    match node:
        case ast.Constant(value=value):
            assert isinstance(value, int | float)
            return float(value)
        case ast.Name() | ast.Attribute():
            return values[dotted(node)]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _apply(operator.mul, -1.0, _value(operand, values))
        case ast.UnaryOp(operand=operand):
            return _value(operand, values)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _apply(_raised, _value(left, values), _value(right, values))
        case ast.BinOp(left=left, op=op, right=right):
            return _apply(_ARITHMETIC[type(op)], _value(left, values), _value(right, values))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            a, b = _single(_value(left, values)), _single(_value(right, values))
            return float(_COMPARE[type(op)](nominal(a), nominal(b)))
        case ast.Call(func=ast.Name(id="q"), args=[number, ast.Constant(value=str(symbol))]):
            return _value(number, values) * unit(symbol).factor
        case ast.Call(func=ast.Name(id=name), args=args):
            return _call(name, [_value(arg, values) for arg in args])
    raise AssertionError(ast.dump(node))


def _equal(a: float, b: float) -> bool:
    return abs(a - b) <= _NOISE * max(abs(a), abs(b))


def _raised(base: Number, exponent: Number) -> Number:
    if nominal(base) == 0 and nominal(exponent) < 0:
        raise NotEnoughError("The formula divides by zero.", code="division-by-zero")
    return base ** nominal(exponent)


def _single(item: Item) -> Number:
    if item is None:
        raise NotEnoughError("A value the formula needs is missing.")
    return item


def _apply(operation: Callable[[Number, Number], Number], a: Item, b: Item) -> Item:
    if isinstance(a, list) or isinstance(b, list):
        size = len(a) if isinstance(a, list) else len(b)
        left = a if isinstance(a, list) else [a] * size
        right = b if isinstance(b, list) else [b] * size
        if len(left) != len(right):
            raise NotEnoughError(
                f"A series of {len(left)} cannot be taken with one of {len(right)}."
            )
        return [
            None if x is None or y is None else operation(x, y)
            for x, y in zip(left, right, strict=True)
        ]
    return None if a is None or b is None else operation(a, b)


def _call(name: str, args: list[Item]) -> Item:
    function = FUNCTIONS[name]
    if name == "list":
        return [v for arg in args for v in (arg if isinstance(arg, list) else [arg])]
    if function.gathers:
        there = [
            v for arg in args for v in (arg if isinstance(arg, list) else [arg]) if v is not None
        ]
        if len(there) < function.least:
            raise NotEnoughError(_too_few(name, function.least, len(there)))
        return function.run(there)
    if function.least > 1:
        pairs = [(x, y) for x, y in zip(args[0], args[1], strict=True) if None not in (x, y)]
        if len(pairs) < function.least:
            raise NotEnoughError(_too_few(name, function.least, len(pairs)))
        return function.run([x for x, _ in pairs], [y for _, y in pairs], *map(_single, args[2:]))
    if len(args) == 1:
        return None if args[0] is None else function.run(args[0])
    if name == "inverse_square":
        return _apply(lambda k, f: k * f, args[0], function.run(1.0, *map(_single, args[1:])))
    return _apply(function.run, args[0], args[1])


def _too_few(name: str, least: int, there: int) -> str:
    return f"{name} needs at least {least} values; there {'is' if there == 1 else 'are'} {there}."
