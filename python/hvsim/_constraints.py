"""Constraints of a sweep: expressions over a config's keys that say which points make sense."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from hvsim._space import RefusedError

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "len": len,
    "log2": math.log2,
}
# What evaluating an expression may end in.
_FAILS = (ArithmeticError, TypeError, ValueError, MemoryError, RecursionError)
_GRAMMAR = "a comparison of keys and values such as hypervisor.queue_capacity >= machine.harts * 8"


class _UnknownKeyError(Exception):
    """The keys at hand do not decide it."""


class Constraint:
    """One expression: keys with dots and indices, numbers, texts and lists.

    Arithmetic, comparisons, and, or, not, and the functions min, max, abs, len, log2.
    """

    def __init__(self, text: Any, path: str) -> None:
        self._path = path
        self._text = text
        if not isinstance(text, str):
            raise RefusedError(path, text, _GRAMMAR)
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise RefusedError(path, text[:200], _GRAMMAR) from error
        self._check(self._tree)

    def early(self, settings: Mapping[str, Any]) -> bool | None:
        """Whether a point's settings meet it; None if that takes the whole config."""
        try:
            return bool(self._value(self._tree, lambda path: _setting(settings, path)))
        except (_UnknownKeyError, *_FAILS):
            return None

    def holds(self, config: Mapping[str, Any]) -> bool:
        """Whether a complete config meets it."""
        try:
            return bool(self._value(self._tree, lambda path: _look_up(config, path)))
        except _UnknownKeyError as unknown:
            raise RefusedError(self._path, self._text, f"keys of the config, not {unknown}") from unknown
        except _FAILS as error:
            raise RefusedError(self._path, self._text, f"values that can be compared ({error})") from error

    def _check(self, node: ast.AST) -> None:
        allowed: tuple[type[ast.AST], ...]
        allowed = (ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Compare)
        allowed += (ast.Name, ast.Attribute, ast.Subscript, ast.Load, ast.Call, ast.List, ast.Tuple)
        allowed += (ast.Constant, *_BINARY, *_COMPARISONS)
        for each in ast.walk(node):
            call = isinstance(each, ast.Call) and not (
                isinstance(each.func, ast.Name) and each.func.id in _FUNCTIONS and not each.keywords
            )
            if not isinstance(each, allowed) or call:
                raise RefusedError(self._path, self._text, _GRAMMAR)

    def _value(self, node: ast.expr, look_up: Callable[[str], Any]) -> Any:
        def value(each: ast.expr) -> Any:
            return self._value(each, look_up)

        match node:
            case ast.Constant():
                return node.value
            case ast.List() | ast.Tuple():
                return [value(each) for each in node.elts]
            case ast.BoolOp(op=ast.And()):
                return all(value(each) for each in node.values)
            case ast.BoolOp():
                return any(value(each) for each in node.values)
            case ast.UnaryOp(op=ast.Not()):
                return not value(node.operand)
            case ast.UnaryOp():
                return -value(node.operand)
            case ast.BinOp():
                return _BINARY[type(node.op)](value(node.left), value(node.right))
            case ast.Compare():
                sides = [value(each) for each in (node.left, *node.comparators)]
                pairs = zip(node.ops, sides[:-1], sides[1:], strict=True)
                return all(_COMPARISONS[type(op)](left, right) for op, left, right in pairs)
            case ast.Call(func=ast.Name(id=name)):
                return _FUNCTIONS[name](*[value(each) for each in node.args])
            case ast.Name(id="true" | "false" as name):
                return name == "true"
        return look_up(ast.unparse(node))


def _setting(settings: Mapping[str, Any], path: str) -> Any:
    value = settings.get(path)
    # "64MiB" is a number only in the config that comes out.
    if path not in settings or (isinstance(value, str) and value[:1].isdigit()):
        raise _UnknownKeyError(path)
    return value


def _look_up(config: Any, path: str) -> Any:
    found = config
    for part in path.replace("[", ".[").split("."):
        try:
            found = found[int(part[1:-1])] if part.startswith("[") else found[part]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise _UnknownKeyError(path) from error
    return found
