"""Queries over candidates, such as `uses:sign and length < 8`, and the front of fitness over length.

A query is a Python expression over the columns below; `uses:NAME` is true if the live part calls the function NAME. It
is parsed and interpreted, and never executed as Python.

| name | value |
|---|---|
| `number`, `repeat`, `parent` | position in the history |
| `fitness`, `first_fitness` | infinite where training diverged |
| `length`, `statements` | live statements, all statements |
| `status`, `mutation`, `hash` | text |
| `evaluated` | whether the candidate was trained, not looked up |
"""

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

from primitives import REGISTRY, ProgramError, UserError, live_part, nearest, parse
from search.record.candidate_table import CandidateRow
from search.record.journal import Journal

COLUMNS: dict[str, Callable[[CandidateRow], Any]] = {
    "number": lambda row: row.number,
    "repeat": lambda row: row.repeat,
    "parent": lambda row: row.parent,
    "fitness": lambda row: row.fitness,
    "first_fitness": lambda row: row.first_fitness,
    "length": lambda row: row.live,
    "statements": lambda row: row.statements,
    "status": lambda row: row.status,
    "mutation": lambda row: row.mutation,
    "hash": lambda row: row.hash,
    "evaluated": lambda row: not row.matched,
}
_OPERATORS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
Predicate = Callable[[CandidateRow], bool]
_LONGEST = 1000  # largest number of characters of a query


def query(text: str) -> Predicate:
    """Parse a query.

    Args:
        text: a condition such as `uses:sign and length < 8` or `status == "ok" and not fitness > 0`.

    Returns:
        `row -> bool`.

    Raises:
        UserError: the text is not a query.

    >>> from search.record import query
    >>> query("length <")
    Traceback (most recent call last):
    ...
    primitives.errors.UserError: query `length <` is not valid: invalid syntax; an example is `uses:sign and length < 8`
    """
    if len(text) > _LONGEST:
        raise UserError(f"a query has at most {_LONGEST:,} characters; this one has {len(text):,}")
    try:
        tree = ast.parse(re.sub(r"\buses:\s*(\w+)", r'uses("\1")', text.strip()), mode="eval").body
        return _condition(tree)
    except SyntaxError as error:
        reason = error.msg
    except RecursionError:
        reason = "it is nested too deeply"
    raise UserError(f"query `{text}` is not valid: {reason}; an example is `uses:sign and length < 8`")


def front(journal: Journal) -> list[CandidateRow]:
    """The best program of each number of live statements that is better than all shorter ones, shortest first."""
    rows: list[CandidateRow] = []
    for row in journal.best_of_each_length():
        if not rows or row.fitness < rows[-1].fitness:
            rows.append(row)
    return rows


def _condition(node: ast.expr) -> Predicate:
    if isinstance(node, ast.BoolOp):
        parts = [_condition(value) for value in node.values]
        combine = all if isinstance(node.op, ast.And) else any
        return lambda row: combine(part(row) for part in parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        part = _condition(node.operand)
        return lambda row: not part(row)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _OPERATORS:
        return _comparison(node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "uses":
        if len(node.args) != 1 or not isinstance(node.args[0], ast.Constant):
            raise SyntaxError("`uses` takes the name of one function")
        function = REGISTRY.find(str(node.args[0].value)).name
        return lambda row: _uses(row, function)
    if isinstance(node, ast.Name):
        value = _column(node.id)
        return lambda row: bool(value(row))
    raise SyntaxError(f"`{ast.unparse(node)}` is not a condition")


def _uses(row: CandidateRow, function: str) -> bool:
    """Whether the live part of a row calls a function; false if it cannot be analysed without a plugin."""
    try:
        program = live_part(parse(row.program))
    except ProgramError:
        return False
    return any(statement.primitive == function for statement in program.statements)


def _comparison(node: ast.Compare) -> Predicate:
    left, right, compare = _value(node.left), _value(node.comparators[0]), _OPERATORS[type(node.ops[0])]

    def holds(row: CandidateRow) -> bool:
        try:
            return bool(compare(left(row), right(row)))
        except TypeError:  # such as `parent < 5` without a parent
            return False

    return holds


def _value(node: ast.expr) -> Callable[[CandidateRow], Any]:
    if isinstance(node, ast.Name):
        return _column(node.id)
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):  # a TypeError for `{[]}`, whose element has no hash
        raise SyntaxError(f"`{ast.unparse(node)}` is neither a column nor a value") from None
    return lambda row: value


def _column(name: str) -> Callable[[CandidateRow], Any]:
    if name not in COLUMNS:
        raise UserError(f"unknown column `{name}`{nearest(name, COLUMNS)} (known: {', '.join(COLUMNS)})")
    return COLUMNS[name]
