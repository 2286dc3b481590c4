"""Text form of programs: `parse` and `to_text` are inverse to each other.

The text has Python's syntax. Python's parser reads it and nothing executes it: a program file is data. Comments,
docstrings and any spacing are accepted. Anything else than a straight line of single calls is an error that names its
line::

    def train(w, g, m, v, lr):
        m = interp(g, m, 0.9)
        update = m * lr
        return update, m, v
"""

import ast
import re
from functools import lru_cache

import numpy as np

from primitives.checking import check
from primitives.errors import ProgramError
from primitives.program import GRADIENT, LEARNING_RATE, UPDATE, WEIGHTS, Argument, Program, Statement, float32
from primitives.registry import REGISTRY

_INFIX = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_SHAPE = "expected `def train(w, g, m, v, lr):`, statements such as `m = interp(g, m, 0.9)`, `return update, m, v`"
MAX_SLOTS = 100  # the analysis of slots takes time in proportion to their number and that of the statements
MAX_NAME = 200  # characters
_LONG_NAME = re.compile(rf"[^\W\d]\w{{{MAX_NAME}}}")
_MAX_CHARACTERS = 1_000_000  # far beyond any program; longer texts are not given to Python's parser


def parse(text: str) -> Program:
    """Parse and validate a program.

    Args:
        text: the program, as printed by `to_text` or written by hand.

    Returns:
        The program, with constants rounded to float32.

    Raises:
        ProgramError: an invalid program; the message names the line and what is required there.

    Example:
        >>> program = parse('''
        ... def train(w, g, m, v, lr):
        ...     rate = lr * 0.1  # peak rate
        ...     update = g * rate
        ...     return update, m, v
        ... ''')
        >>> program.statements[1]
        Statement(target='update', primitive='multiply', arguments=('g', 'rate'))
    """
    function = _function(_tree(text))
    slots = _slots(function)
    body = [node for node in function.body if not _is_docstring(node)]
    if not body or not isinstance(body[-1], ast.Return):
        raise _error(body[-1] if body else function, f"expected `return {', '.join((UPDATE, *slots))}` at the end")
    _check_return(body[-1], slots)
    lines = [node.lineno for node in body[:-1]]
    program = Program(tuple(_statement(node) for node in body[:-1]), slots)
    problem = check(program)
    if problem is not None:
        line = body[-1].lineno if problem.statement is None else lines[problem.statement]
        raise ProgramError(f"line {line}: {problem.message}")
    return program


def to_text(program: Program) -> str:
    """Print a program. `parse` returns an equal program for this text."""
    lines = [f"def train({', '.join(program.inputs)}):"]
    lines += [f"    {statement_text(statement)}" for statement in program.statements]
    lines.append(f"    return {', '.join(program.outputs)}")
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=65536)
def statement_text(statement: Statement) -> str:
    """Print one statement, such as `m = interp(g, m, 0.9)`."""
    target, name, arguments = statement
    written = [argument if isinstance(argument, str) else constant_text(argument) for argument in arguments]
    symbol = REGISTRY[name].symbol
    call = f" {symbol} ".join(written) if symbol else f"{name}({', '.join(written)})"
    return f"{target} = {call}"


@lru_cache(maxsize=65536)
def constant_text(value: float) -> str:
    """Print a constant with the fewest digits that identify its float32.

    Example:
        >>> constant_text(0.8999999761581421)
        '0.9'
    """
    return str(np.float32(value))


def _tree(text: str) -> ast.Module:
    text = text.removeprefix("\ufeff")  # a byte order mark, which editors on Windows write
    if not text.strip():
        raise ProgramError(f"the program is empty; {_SHAPE}")
    if len(text) > _MAX_CHARACTERS:
        raise ProgramError(f"the program has {len(text)} characters; the limit is {_MAX_CHARACTERS}")
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ProgramError(f"line {error.lineno or 1}: {error.msg}; {_SHAPE}") from None
    except (ValueError, RecursionError, MemoryError):  # null bytes; nesting beyond Python's grammar
        raise ProgramError(f"this is not the text of a program; {_SHAPE}") from None
    if _LONG_NAME.search(text):  # it may be a comment
        _check_lengths(tree)
    return tree


def _check_lengths(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        name = getattr(node, "id", getattr(node, "arg", None))
        if isinstance(name, str) and len(name) > MAX_NAME:
            raise _error(node, f"a name has {len(name)} characters; the limit is {MAX_NAME}")


def _error(node: ast.AST, message: str) -> ProgramError:
    return ProgramError(f"line {getattr(node, 'lineno', 1)}: {message}")


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _function(module: ast.Module) -> ast.FunctionDef:
    nodes = [node for node in module.body if not _is_docstring(node)]
    if not nodes:
        raise ProgramError(f"the program is empty; {_SHAPE}")
    for node in nodes:
        if not isinstance(node, ast.FunctionDef) or node.name != "train":
            raise _error(node, f"{_construct(node)} is not part of the language; {_SHAPE}")
    if len(nodes) > 1:
        raise _error(nodes[1], "a second function; a program is one function `train`")
    function = nodes[0]
    assert isinstance(function, ast.FunctionDef)
    if function.decorator_list or function.returns:
        raise _error(function, f"decorators and annotations are not part of the language; {_SHAPE}")
    return function


def _slots(function: ast.FunctionDef) -> tuple[str, ...]:
    arguments = function.args
    names = [argument.arg for argument in arguments.args]
    extra = [
        *arguments.posonlyargs,
        *arguments.kwonlyargs,
        *arguments.defaults,
        arguments.vararg,
        arguments.kwarg,
    ]
    annotated = any(argument.annotation for argument in arguments.args)
    fits = names[:2] == [WEIGHTS, GRADIENT] and names[-1:] == [LEARNING_RATE] and len(names) >= 3
    if any(extra) or annotated or not fits or UPDATE in names or len(set(names)) < len(names):
        raise _error(function, "expected the arguments `w, g`, then the state slots, each once, then `lr`")
    if len(names) - 3 > MAX_SLOTS:
        raise _error(function, f"a program has {len(names) - 3} state slots; the limit is {MAX_SLOTS}")
    return tuple(names[2:-1])


def _check_return(node: ast.Return, slots: tuple[str, ...]) -> None:
    expected = [UPDATE, *slots]
    value = node.value
    elements = value.elts if isinstance(value, ast.Tuple) else [value]
    names = [element.id if isinstance(element, ast.Name) else None for element in elements]
    if names != expected:
        raise _error(node, f"expected `return {', '.join(expected)}`")


def _statement(node: ast.stmt) -> Statement:
    if not isinstance(node, ast.Assign):
        raise _error(node, f"{_construct(node)} is not part of the language; expected `name = function(…)`")
    if len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        raise _error(node, "expected one variable on the left of `=`")
    name, arguments = _call(node.value)
    try:
        row = REGISTRY.find(name)
        if len(arguments) != row.arity:
            raise ProgramError(f"`{name}` takes {row.arity} arguments, got {len(arguments)}")
        operands = tuple(_argument(argument) for argument in arguments)
    except ProgramError as error:
        raise _error(node, str(error)) from None
    return Statement(node.targets[0].id, row.name, operands)


def _call(node: ast.expr) -> tuple[str, list[ast.expr]]:
    if isinstance(node, ast.BinOp) and type(node.op) in _INFIX:
        return _INFIX[type(node.op)], [node.left, node.right]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        raise _error(node, "`**` is not part of the language; write `power(x, y)`")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.keywords:
            raise _error(node, f"`{node.func.id}` takes its arguments by position, without `{_keyword(node)}`")
        return node.func.id, node.args
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Name):
        return "negative", [node.operand]
    raise _error(node, f"{_construct(node)} is not a single call; expected one such as `interp(g, m, 0.9)` or `m * lr`")


def _keyword(call: ast.Call) -> str:
    """The first argument by keyword of a call, such as `beta=` or `**`."""
    name = call.keywords[0].arg
    return "**" if name is None else f"{name}="


def _argument(node: ast.expr) -> Argument:
    if isinstance(node, ast.Name):
        return node.id
    sign = 1.0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Name):
        raise ProgramError(f"`-{node.operand.id}` cannot be an argument; write `x = -{node.operand.id}` first")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        node = node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        try:
            value = float32(sign * float(node.value))
        except OverflowError:
            raise ProgramError("a constant does not fit into a float32") from None
        if value == 0 and node.value != 0:
            raise ProgramError(f"constant {node.value} would become 0 as a float32; 1.4e-45 is the smallest above 0")
        return value
    raise ProgramError(f"{_construct(node)} cannot be an argument; expected a variable or a number (one call a line)")


_CONSTRUCTS = {
    **dict.fromkeys(("For", "While", "AsyncFor"), "a loop"),
    **dict.fromkeys(("Import", "ImportFrom"), "an import"),
    **dict.fromkeys(("If", "IfExp", "Match"), "a conditional"),
    **dict.fromkeys(("ListComp", "SetComp", "DictComp", "GeneratorExp"), "a comprehension"),
    **dict.fromkeys(("FunctionDef", "AsyncFunctionDef"), "another function"),
    "Attribute": "an attribute",
    "Lambda": "a lambda",
    "Call": "a call inside a call",
    "BinOp": "a formula",
    "Name": "a bare variable",
    "Constant": "a bare constant",
    "ClassDef": "a class",
    "Assign": "an assignment",
    "AugAssign": "an augmented assignment",
    "AnnAssign": "an annotation",
    "Return": "an early return",
    "Expr": "a bare expression",
}


def _construct(node: ast.AST) -> str:
    if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
        node = node.func
    name = type(node).__name__
    return _CONSTRUCTS.get(name, f"`{name.lower()}`")
