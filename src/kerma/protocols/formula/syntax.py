"""Read a formula's text into a tree that can only be arithmetic, comparison and named functions.

Python's own parser is used for the grammar; every node outside a short list is refused, so no
attribute access, subscript, comprehension, keyword or string can reach the evaluator, and the
tree is never compiled or executed.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from difflib import get_close_matches

from kerma.core import InputError, content_hash, unit
from kerma.protocols.formula.functions import FUNCTIONS

# Raised whenever the same formula over the same readings may give another number.
LANGUAGE_VERSION = "1"
_LONGEST = 500
_DEEPEST = 40

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that has been read.

    Attributes
    ----------
    text
        As written.
    tree
        Its expression; only nodes this module admits.
    names
        What it refers to, dotted: ``kv_80``, ``setup.kv``, ``edge_mtf.mtf50``.
    version, sha256
        Version of the language, and the hash of version and text: what a stored result names.

    """

    text: str
    tree: ast.expr = field(compare=False, repr=False)
    names: frozenset[str]
    version: str = LANGUAGE_VERSION

    @property
    def sha256(self) -> str:
        """Hash that fixes the calculation."""
        return content_hash({"language": self.version, "formula": self.text})

    @property
    def is_name(self) -> bool:
        """Whether the formula is one name and nothing else."""
        return isinstance(self.tree, ast.Name | ast.Attribute)

    def __str__(self) -> str:
        return self.text


def dotted(node: ast.expr) -> str:
    """Return the dotted name of a name node."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    assert isinstance(node, ast.Name)
    return node.id


def parse_formula(text: str) -> Formula:
    """Read a formula.

    Raises
    ------
    InputError
        Code ``formula-syntax``, ``unknown-function`` or ``unknown-unit``.

    """
    if len(text) > _LONGEST:
        raise _mistake(f"The formula has {len(text)} characters; the most is {_LONGEST}.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f" near character {error.offset}" if isinstance(error, SyntaxError) else ""
        raise _mistake(f"“{text}” cannot be read as a formula{where}.") from None
    names: set[str] = set()
    _check(tree, names, 0)
    return Formula(text.strip(), tree, frozenset(names))


def _mistake(message: str, code: str = "formula-syntax") -> InputError:
    return InputError(message, code=code)


def _check(node: ast.expr, names: set[str], depth: int) -> None:
    if depth > _DEEPEST:
        raise _mistake("The formula is nested too deeply; split the test in two.")
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            pass
        case ast.Name():
            names.add(node.id)
        case ast.Attribute(value=ast.Name()):
            names.add(dotted(node))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(operand, names, depth + 1)
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _OPERATORS):
            _check(left, names, depth + 1)
            _check(right, names, depth + 1)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if isinstance(op, _COMPARISONS):
            _check(left, names, depth + 1)
            _check(right, names, depth + 1)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            _check_call(name, args, names, depth)
        case _:
            raise _mistake(
                f"“{ast.unparse(node)}” is not part of the formula language, which has numbers, "
                'q(80, "kV"), names, + - * / **, one comparison and named functions.'
            )


def _check_call(name: str, args: list[ast.expr], names: set[str], depth: int) -> None:
    if name == "q":
        _check_quantity(args)
        return
    if name not in FUNCTIONS:
        near = get_close_matches(name, FUNCTIONS, 1)
        hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(FUNCTIONS)}."
        raise _mistake(f"There is no function “{name}”.{hint}", "unknown-function")
    low, high = FUNCTIONS[name].arguments
    if not low <= len(args) <= high:
        wanted = f"{low}" if low == high else f"{low} or more" if high > 99 else f"{low} to {high}"
        raise _mistake(f"{name} takes {wanted} arguments; it was given {len(args)}.")
    for arg in args:
        _check(arg, names, depth + 1)


def _check_quantity(args: list[ast.expr]) -> None:
    match args:
        case [ast.Constant(value=number), ast.Constant(value=str(symbol))] if isinstance(
            number, int | float
        ) and not isinstance(number, bool):
            unit(symbol)
        case _:
            raise _mistake('A quantity is written q(80, "kV"): a number and a unit in quotes.')
