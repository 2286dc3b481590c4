"""Identifiers of exported code: free names, and new names for variables of a program.

Exported code has two kinds of scope. A separate function contains the assignments of the program; in it, only the names
that its calls use are taken (`jnp`, `zip`, `_clip`, …). Names in the scope of the module (the exported function, its
arguments) must differ from all identifiers of the templates, which are read from the templates.
"""

import ast
import keyword
import re
import unicodedata
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import NamedTuple

from primitives.errors import ProgramError, UserError
from primitives.program import GRADIENT, LEARNING_RATE, UPDATE, WEIGHTS, Program
from primitives.registry import REGISTRY, Primitive

MODULES = {"optax": "jnp", "python": "np", "torch": "torch"}  # array module of each target
_TEMPLATES = Path(__file__).parent / "templates"
_UNASSIGNABLE = frozenset({*keyword.kwlist, "__debug__"})
_BODY = frozenset({*MODULES.values(), "zip"})  # names that a function with the assignments of a program may use
_TUPLE = frozenset({"count", "index"})  # the step counter of the optax state, and a method of every tuple
_ARGUMENT = re.compile(r"(beta|c)\d+|learning_rate|weight_decay")  # names of constants
_WORD = re.compile(r"[^\W\d]\w*")


@cache
def vocabulary() -> frozenset[str]:
    """Identifiers that the templates of code use, outside of docstrings and comments."""
    return frozenset(_WORD.findall(_code_of_templates()))


@cache
def taken_names() -> frozenset[str]:
    """Names that nothing else in the scope of an exported module may have."""
    return _UNASSIGNABLE.union(re.findall(rf"(?<![.\w]){_WORD.pattern}", _code_of_templates()))


@cache
def _code_of_templates() -> str:
    texts = [path.read_text(encoding="utf-8") for path in sorted(_TEMPLATES.glob("*.py.j2"))]
    return re.sub(r'""".*?"""|{%.*?%}|#.*?$', "", "\n".join(texts), flags=re.DOTALL | re.MULTILINE)


def is_name(text: str) -> bool:
    """Whether a text is an identifier that Python reads as it is written."""
    return text.isidentifier() and not keyword.iskeyword(text) and unicodedata.normalize("NFKC", text) == text


def unused(name: str, taken: Collection[str]) -> str:
    """The name, or the first of `name_2`, `name_3`, … that is not taken."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


class CodeWords(NamedTuple):
    """Identifiers in the calls of a row, without its arguments.

    Attributes:
        names: names, which a variable of the program must not have.
        others: attributes such as `maximum`, and keywords such as `min` in `clamp(x, min=0.0)`.
    """

    names: frozenset[str]
    others: frozenset[str]


def code_words(row: Primitive) -> CodeWords:
    """Read the calls of a row.

    Raises:
        UserError: a call that is no expression of Python.
    """
    holes = [f"argument_{place}" for place in range(row.arity)]
    nodes: list[ast.AST] = []
    for code in filter(None, (row.code, row.torch)):
        try:
            nodes += ast.walk(ast.parse(code.format(*holes), mode="eval"))
        except (SyntaxError, IndexError, KeyError, ValueError) as error:
            raise UserError(f"the code of `{row.name}` (={code!r}) is no expression of Python: {error}") from None
    names = {node.id for node in nodes if isinstance(node, ast.Name)} - {*holes, "xp"}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    keywords = {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg is not None}
    return CodeWords(frozenset(names), frozenset(attributes | keywords))


def with_free_names(program: Program) -> Program:
    """Rename variables of a program whose names the exported function uses itself.

    A state slot also names a field of the exported state, so it must not begin with an underscore or be `count`.

    Raises:
        ProgramError: a variable whose name is no identifier.
    """
    fixed = {WEIGHTS, GRADIENT, LEARNING_RATE, UPDATE}
    variables = {*program.slots, *(statement.target for statement in program.statements)}
    for name in sorted(variables):
        if not is_name(name):
            raise ProgramError(f"{name!r} cannot be the name of a variable; expected letters, digits and `_`")
    needed = _BODY | _UNASSIGNABLE
    needed = needed.union(*(code_words(REGISTRY[statement.primitive]).names for statement in program.statements))
    names: dict[str, str] = {}
    taken = variables | fixed | needed
    for name in sorted(variables - fixed):
        slot = name in program.slots
        found = (name.lstrip("_") or "slot") if slot else name
        if found in needed or (slot and found in _TUPLE) or _ARGUMENT.fullmatch(found):
            found = f"{found}_"
        if found != name:
            names[name] = unused(found, taken)
            taken.add(names[name])
    return program.renamed(names)._replace(slots=tuple(names.get(slot, slot) for slot in program.slots))
