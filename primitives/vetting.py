"""Vetting of exported code, which is parsed, compared with its template, compiled and run once before it is returned.

Everything in an export that does not come from the template is a literal or a name. Each identifier must therefore come
from the template, the program or the rows of its functions. Each string that is no docstring must be a string of the
template, or the name of an argument or a state slot. The imports must be those of the template.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Collection, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from primitives.errors import UserError
from primitives.exported_code import Code
from primitives.identifiers import vocabulary

_TEMPLATES = Path(__file__).parent / "templates"
_IMPORTS = frozenset({"collections.abc", "typing", "jax", "jax.numpy", "optax", "numpy", "torch"})
_SMALL = ((2, 3), (3,), (), (0, 2))  # shapes of the parameter arrays that every export takes a step on
_LONG = 500  # statements; a longer program is traced by JAX and not compiled, which would take many seconds
_COMMAND = re.compile(r"\\(?:[a-zA-Z]+|.)")
_DEFINITIONS = (ast.Module, ast.FunctionDef, ast.ClassDef)


def vet(text: str, to: str, entry: str, names: Collection[str], code: Code) -> None:
    """Check exported code, and run it where its library is installed.

    Args:
        text: the export.
        to: its target.
        entry: name of the exported function or class.
        names: names that the export defines in its module, `entry` among them.
        code: the content of the template.

    Raises:
        UserError: a row of the registry, added by a user, whose code does not run.
        ValueError: anything else, which is a fault of this package.
    """
    if to == "latex":
        _vet_latex(text, code)
        return
    tree = ast.parse(text)
    _require("identifier", _words(tree), vocabulary() | code.words | set(names))
    _require("string", _strings(tree), {*code.slots, *code.scalars}, _template_text())
    _require("comment", _comments(text), (), _template_text())
    _require("import", _imports(tree), _IMPORTS)
    try:
        _run(compile(text, f"<export to {to}>", "exec"), to, entry, code)
    except Exception as error:
        if not code.foreign:
            raise
        rows = ", ".join(f"`{name}`" for name in code.foreign)
        raise UserError(f"the export does not run ({error}); check the `code` of {rows}") from error


def _require(kind: str, found: Iterator[str], allowed: Collection[str], within: str = "") -> None:
    for each in found:
        if each not in allowed and not (within and each in within):
            raise ValueError(f"the export holds the {kind} {each!r}, which comes from neither template nor program")


def _words(tree: ast.Module) -> Iterator[str]:
    """Identifiers, wherever the grammar has them."""
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, str) and not isinstance(node, ast.Constant | ast.ImportFrom | ast.alias):
                yield value
        if isinstance(node, ast.JoinedStr | ast.Global | ast.Nonlocal | ast.Lambda) and not _is_leaf_test(node):
            raise ValueError(f"the export holds a {type(node).__name__}")


def _is_leaf_test(node: ast.AST) -> bool:
    """Whether it is the one lambda of the templates."""
    return isinstance(node, ast.Lambda) and ast.unparse(node) == "lambda x: x is None"


def _strings(tree: ast.Module) -> Iterator[str]:
    """Strings other than docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, _DEFINITIONS) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in docstrings:
            yield str(node.value)


def _comments(text: str) -> Iterator[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return (token.string for token in tokens if token.type == tokenize.COMMENT)


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _vet_latex(text: str, code: Code) -> None:
    """Comments are comments, braces are balanced, and commands are those of template and registry."""
    allowed = {r"\\", *_COMMAND.findall(_template_text() + (Path(__file__).parent / "latex.py").read_text("utf-8"))}
    allowed |= {command for row in code.rows for command in _COMMAND.findall(row.latex)}
    for line in text.splitlines():
        if not line.isprintable():
            raise ValueError(f"the export holds a line that cannot be printed: {line!r}")
        if not line.startswith("%"):
            _require("command", iter(_COMMAND.findall(line)), allowed)
            if line.count("{") - line.count(r"\{") != line.count("}") - line.count(r"\}") or "%" in line:
                raise ValueError(f"the export holds a line that is no equation: {line!r}")


@cache
def _template_text() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(_TEMPLATES.iterdir()))


def _run(module: Any, to: str, entry: str, code: Code) -> None:  # noqa: ANN401 - a code object
    """Take one step on a small tree."""
    if find_spec({"optax": "optax", "python": "numpy", "torch": "torch"}[to]) is None:
        return
    scope: dict[str, Any] = {"__name__": "optsearch_export"}
    exec(module, scope)
    arrays = [np.full(shape, 0.5, np.float32) for shape in _SMALL]
    _STEPS[to](scope, entry, arrays, code)


def _step_optax(scope: dict[str, Any], entry: str, arrays: list[np.ndarray], code: Code) -> None:
    import jax  # compiled as a whole, since JAX would compile each operation by itself for each shape

    transformation = scope[entry]()

    def step(x: list[np.ndarray]) -> Any:  # noqa: ANN401 - updates and state
        return transformation.update(x, transformation.init(x), x)

    if len(code.program.statements) > _LONG:
        jax.eval_shape(step, arrays)
    else:
        jax.jit(step)(arrays)


def _step_python(scope: dict[str, Any], entry: str, arrays: list[np.ndarray], code: Code) -> None:
    scope[entry](arrays, scope["init"](arrays), arrays)


def _step_torch(scope: dict[str, Any], entry: str, arrays: list[np.ndarray], code: Code) -> None:
    import torch  # takes seconds, and is optional

    parameters = [torch.nn.Parameter(torch.tensor(array)) for array in arrays]
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    scope[entry](parameters).step()


_STEPS: dict[str, Callable[[dict[str, Any], str, list[np.ndarray], Code], None]] = {
    "optax": _step_optax,
    "python": _step_python,
    "torch": _step_torch,
}
