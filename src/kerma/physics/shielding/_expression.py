"""Formulae of reference rows, evaluated as the row writes them, so no coefficient is copied here.

Arithmetic of numbers and named values only: ``+ - * / ^`` and brackets.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from kerma.core import InputError
from kerma.reference import Row

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip


def evaluate(found: Row, names: Mapping[str, Any]) -> Any:
    """Return the right-hand side of a row's ``expr`` for named values (numbers or arrays).

    Raises
    ------
    InputError
        ``not-a-formula``: the row holds no arithmetic of these names.
    """
    right = found.text("expr").rpartition("=")[2].strip().replace("^", "**")
    try:
        return _value(_parsed(right), names)
    except (SyntaxError, KeyError, TypeError):
        raise InputError(
            f"{found.id} holds no formula of {', '.join(names)}: “{found.text('expr')}”.",
            code="not-a-formula",
            detail={"row": found.id},
        ) from None


@cache
def _parsed(right: str) -> ast.expr:
    return ast.parse(right, mode="eval").body


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, names)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, names), _value(node.right, names))
    raise TypeError


def stated(found: Row, field: str, pattern: str) -> float:
    """Return a number a row states in words.

    Parameters
    ----------
    found, field
        The row, and its field that holds the words.
    pattern
        Regular expression whose first group is the number.

    Raises
    ------
    InputError
        ``not-a-number``.
    """
    match = re.search(pattern, found.text(field))
    if match is None:
        raise InputError(
            f"{found.id} does not state the figure looked for in “{field}”.",
            code="not-a-number",
            detail={"row": found.id, "field": field},
        )
    return float(match[1])
