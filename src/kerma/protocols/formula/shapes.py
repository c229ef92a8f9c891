"""Check a formula's units before any reading exists.

This is where dividing by kV in place of mAs, or comparing a fraction of 1 with a number of per
cent as if they were the same, stops: when the protocol is loaded.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from difflib import get_close_matches

from kerma.core import InputError, unit
from kerma.protocols.formula.errors import units_differ
from kerma.protocols.formula.functions import FUNCTIONS
from kerma.protocols.formula.shape import (
    DIMENSIONLESS,
    Shape,
    common_length,
    known,
    power,
    product,
    quotient,
)
from kerma.protocols.formula.syntax import Formula, dotted

__all__ = ["Shape", "infer"]


def infer(formula: Formula, names: Mapping[str, Shape]) -> Shape:
    """Return what a formula's result is measured in.

    Parameters
    ----------
    formula
        From `parse_formula`.
    names
        Shape of everything the formula may refer to.

    Raises
    ------
    InputError
        Codes ``unknown-name``, ``formula-unit``, ``formula-length``, ``too-few-values``.

    """
    return _shape(formula.tree, names)


def _shape(node: ast.expr, names: Mapping[str, Shape]) -> Shape:
    match node:
        case ast.Constant():
            return DIMENSIONLESS
        case ast.Name() | ast.Attribute():
            return _named(dotted(node), names)
        case ast.UnaryOp(operand=operand):
            return _shape(operand, names)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _raised(left, right, names)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _shape(left, names), _shape(right, names)
            if isinstance(op, ast.Mult):
                return product(a, b)
            if isinstance(op, ast.Div):
                return quotient(a, b)
            if known(a) != known(b):
                raise units_differ(a, b)
            return Shape(a.dimensions, common_length(a, b))
        case ast.Compare(left=left, comparators=[right]):
            a, b = _shape(left, names), _shape(right, names)
            if known(a) != known(b):
                raise units_differ(a, b)
            if a.length is not None or b.length is not None:
                raise InputError(
                    "A comparison needs single values, not a series.", code="formula-length"
                )
            return DIMENSIONLESS
        case ast.Call(func=ast.Name(id="q"), args=[_, ast.Constant(value=str(symbol))]):
            return Shape.of(unit(symbol))
        case ast.Call(func=ast.Name(id=name), args=args):
            return _called(name, [_shape(arg, names) for arg in args])
    raise AssertionError(ast.dump(node))


def _named(name: str, names: Mapping[str, Shape]) -> Shape:
    if name not in names:
        near = get_close_matches(name, names, 1)
        hint = f" Did you mean “{near[0]}”?" if near else ""
        raise InputError(
            f"The formula refers to “{name}”, which is not a reading, a setup value or an "
            f"analysis of this protocol.{hint}",
            code="unknown-name",
        )
    return names[name]


def _raised(left: ast.expr, right: ast.expr, names: Mapping[str, Shape]) -> Shape:
    exponent = right.operand if isinstance(right, ast.UnaryOp) else right
    if not isinstance(exponent, ast.Constant):
        raise InputError("An exponent must be a plain number.", code="formula-syntax")
    sign = -1 if isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.USub) else 1
    value = exponent.value
    assert isinstance(value, int | float)
    return power(_shape(left, names), sign * value)


def _called(name: str, shapes: list[Shape]) -> Shape:
    function = FUNCTIONS[name]
    if function.gathers:
        there = sum(1 if s.length is None else s.length for s in shapes)
        if there < function.least:
            raise InputError(
                f"{name} needs at least {function.least} values; the protocol gives it {there}.",
                code="too-few-values",
            )
    elif function.least > 1:
        _series(name, shapes, function.least)
    return function.shape(shapes)


def _series(name: str, shapes: list[Shape], least: int) -> None:
    x, y = shapes[0], shapes[1]
    if x.length is None or y.length is None:
        raise InputError(
            f"{name} needs two series of values; write list(a, b, c).", code="formula-length"
        )
    common_length(x, y)
    if x.length < least:
        raise InputError(f"{name} needs at least {least} points.", code="too-few-values")
