"""Export of programs as source code that does not depend on this project.

Targets are an optax transformation, a Python module that needs NumPy alone, a PyTorch optimizer, and LaTeX. Constants
become arguments whose defaults are the values of the program, named after their role (`primitives.hyperparameters`).
The code is vetted before it is returned: it contains only literals and names of the program and the template, it
compiles, and it has run for one step on a small tree (`primitives.vetting`).

`to_optax` and `to_torch` execute the same source in this process.
"""

import linecache
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from primitives.builtins import BUILTINS, source_of
from primitives.dataflow import live_part
from primitives.errors import UserError, nearest
from primitives.escaping import escaped, printable
from primitives.exported_code import Code
from primitives.identifiers import is_name, taken_names, unused
from primitives.latex import equations, latex_number, symbols
from primitives.program import LEARNING_RATE, UPDATE, WEIGHTS, Program
from primitives.registry import described
from primitives.text import to_text
from primitives.vetting import vet

if TYPE_CHECKING:
    import jinja2
    import optax
    import torch

_TEMPLATES = {"optax": "optax.py.j2", "python": "python.py.j2", "torch": "torch.py.j2", "latex": "latex.tex.j2"}
_DESCRIPTIONS = {
    "optax": "a function that returns a GradientTransformationExtraArgs",
    "python": "functions on lists of NumPy arrays",
    "torch": "a subclass of torch.optim.Optimizer",
    "latex": "the equations of one step",
}
TARGETS = tuple(_TEMPLATES)

Exporter = Callable[[Program, str, str], str]
_registered: dict[str, Exporter] = {}


def export_targets() -> dict[str, str]:
    """Names of the targets of `export`, each with a description: the built-in ones first, then those of plugins."""
    return {name: _DESCRIPTIONS[name] for name in TARGETS} | described(_registered)


def register_target(name: str, exporter: Exporter) -> None:
    """Add a target of `export`.

    Args:
        name: value of `to` that selects it.
        exporter: `(program, name, origin) -> text`: the live part of a program, the name of the exported function, and
            the origin of the program, in which control characters and quotes are escaped. The text is not vetted.

    Raises:
        UserError: the name is taken.
    """
    if name in export_targets():
        raise UserError(f"the name of export target `{name}` is taken; choose another name")
    _registered[name] = exporter


def export(
    program: Program,
    to: str,
    name: str = "optimizer",
    origin: str = "",
    *,
    hyperparameters: Mapping[str, float] | None = None,
) -> str:
    r"""Export a program as source code that does not depend on this project.

    Args:
        program: a valid program; its live part is exported.
        to: `optax`, `python` (NumPy alone), `torch`, `latex`, or a target of a plugin (`register_target`).
        name: name of the exported function or class, an identifier. If the code uses the name for something else
            (`optax`, `zip`), the function is called `optax_`, `zip_`.
        origin: origin of the program, for the first line of the code; any text.
        hyperparameters: names and values from recognition, such as `{"beta1": 0.9, "decay": 0.1}`. A constant with
            one of these values gets its name.

    Returns:
        The source; that of a built-in target is vetted.

    Raises:
        UserError: the target is unknown, the name is no identifier, or the program calls a primitive without `code`.

    Example:
        >>> from primitives import builtin
        >>> print(export(builtin("signum"), "latex").splitlines()[-3])
          m_t &= (1 - \beta_{1}) \, g_t + \beta_{1} \, m_{t-1} \\
    """
    if to not in (known := export_targets()):
        raise UserError(f"`to` must be one of {', '.join(known)}, not `{printable(to)}`{nearest(to, known)}")
    if not is_name(name):
        raise UserError(f"`{printable(name)}` cannot be the name of a function; expected letters, digits and `_`")
    if to in _registered:
        return _exported_by_plugin(to, live_part(program), name, escaped(origin))
    code = Code(program, to, hyperparameters)
    facts = _facts(code, name, origin, to)
    text = _environment().get_template(_TEMPLATES[to]).render(facts)
    vet(text, to, facts["entry"], {facts["name"], facts["title"], f"{facts['title']}State"}, code)
    return text


def _exported_by_plugin(to: str, program: Program, name: str, origin: str) -> str:
    try:
        text = _registered[to](program, name, origin)
    except Exception as error:
        raise UserError(f"export target `{to}` failed: {type(error).__name__}: {printable(str(error))}") from error
    if not isinstance(text, str):
        raise UserError(f"export target `{to}` must return the text of a file, not {type(text).__name__}")
    return text


def to_optax(
    program: Program,
    *,
    name: str = "optimizer",
    recognised: Mapping[str, float] | None = None,
    **hyperparameters: Any,  # noqa: ANN401 - numbers, arrays, schedules
) -> "optax.GradientTransformationExtraArgs":
    """Make an optax transformation from a program, by executing its exported source.

    Args:
        program: a valid program.
        name: name of the function in the source.
        recognised: `hyperparameters` of `export`.
        **hyperparameters: arguments of the exported function, such as `learning_rate=3e-4`: numbers, arrays, or
            functions of the step. Those left out keep the value of the program.

    Raises:
        UserError: the exported function has no such argument.

    Example:
        >>> import jax.numpy as jnp
        >>> from primitives import builtin
        >>> signum = to_optax(builtin("signum"), learning_rate=0.5)
        >>> updates, state = signum.update(jnp.ones(2), signum.init(jnp.zeros(2)))
        >>> updates.tolist()
        [-0.5, -0.5]
    """
    return _call(program, "optax", name, recognised, (), hyperparameters)


def to_torch(
    program: Program,
    params: Iterable[Any],
    *,
    name: str = "optimizer",
    recognised: Mapping[str, float] | None = None,
    **hyperparameters: Any,  # noqa: ANN401 - numbers, and a dtype
) -> "torch.optim.Optimizer":
    """Make a PyTorch optimizer from a program, by executing its exported source.

    Args:
        program: a valid program.
        params: parameters of the model, or groups of them.
        name: name of the class in the source, in the form `my_optimizer` for `MyOptimizer`.
        recognised: `hyperparameters` of `export`.
        **hyperparameters: arguments of the exported class, such as `lr=3e-4`.

    Raises:
        UserError: PyTorch is not installed, or the exported class has no such argument.
    """
    if find_spec("torch") is None:
        raise UserError("`to_torch` requires PyTorch, which is not installed; `pip install torch`")
    optimizer: torch.optim.Optimizer = _call(program, "torch", name, recognised, (params,), hyperparameters)
    return optimizer


def origin_of(name: str) -> str:
    """Origin of a program for the first line of exported code: publication of a built-in, or name of a file."""
    return f"{name}: {source_of(name)}." if name in BUILTINS else f"The program in `{Path(name).name}`."


def _facts(code: Code, name: str, origin: str, to: str) -> dict[str, Any]:
    """The values that a template reads."""
    slots, count = code.slots, len(code.slots)
    function = name if name not in taken_names() else unused(f"{name}_", taken_names())
    title = _title(name)
    sources = {"torch": {WEIGHTS: "p", "g": "p.grad"}, "python": {WEIGHTS: "params", "g": "gradients"}}
    held = {"torch": 'state["{}"]', "python": 'state["{}"]'}.get(to, "state.{}")
    given = sources.get(to, {WEIGHTS: "params", "g": "updates"})
    arguments = {constant.name: constant.value for constant in code.constants}
    rate = {LEARNING_RATE: code.rate} if code.rate else {}
    return {
        "name": function,
        "title": title,
        "entry": title if to == "torch" else function,
        "origin": escaped(origin) or "A program of optsearch.",
        "version": version("optsearch"),
        "text": to_text(code.program).rstrip().splitlines(),
        "memory": f"Memory: {count} array{'' if count == 1 else 's'} for each parameter array"
        + (f" ({', '.join(slots)})" if slots else ""),
        "slots": slots,
        "constants": code.constants,
        "scalars": code.scalars,
        "settings": ["schedule" if scalar == LEARNING_RATE else scalar for scalar in code.scalars],
        "inputs": code.arrays,
        "trees": [given.get(array) or held.format(array) for array in code.arrays],
        "outputs": [UPDATE, *slots],
        "uses_weights": WEIGHTS in code.read,
        "reads_rate": LEARNING_RATE in code.read,
        "rate": code.rate,
        "example": _example(rate | arguments),
        "whole": code.whole,
        "helpers": code.helpers,
        "lines": list(code.lines()) if to != "latex" else [],
        "equations": equations(code.program, code.names) if to == "latex" else [],
        "opening": _latex_opening(code) if to == "latex" else "",
    }


def _title(name: str) -> str:
    """Name of a class, after that of a function: `my_adam` becomes `MyAdam`."""
    title = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    title = title if is_name(title) else f"Optimizer{name.strip('_')}"
    title = title if is_name(title) else "Optimizer"
    return title if title not in taken_names() else f"{title}_"


def _example(arguments: Mapping[str, str]) -> str:
    """One argument for the usage example: the learning rate if there is one."""
    for name in (LEARNING_RATE, "learning_rate", *arguments):
        if name in arguments:
            return f"{name}={arguments[name]}"
    return ""


def _latex_opening(code: Code) -> str:
    """The sentence before the equations, with the meanings of the symbols and the values of the constants."""
    written = symbols(code.names)
    meanings = ["$w$ are the weights", "$g$ is the gradient"]
    meanings += ["$s$ is the schedule of the learning rate"] if LEARNING_RATE in code.read else []
    meanings += ["the state is zero at first"] if code.slots else []
    meanings += [f"${written[line, place]} = {latex_number(value)}$" for line, place, value in code.program.constants()]
    return f"Step $t$, where {', '.join(meanings[:-1])} and {meanings[-1]}:"


def _call(
    program: Program,
    to: str,
    name: str,
    recognised: Mapping[str, float] | None,
    positional: tuple[Any, ...],
    hyperparameters: dict[str, Any],
) -> Any:  # noqa: ANN401 - what the exported code makes
    code = Code(program, to, recognised)
    known = [*_facts(code, name, "", to)["settings" if to == "optax" else "scalars"]]
    known += ["state_dtype"] if code.slots else []
    for argument in hyperparameters:
        if argument not in known:
            listed = ", ".join(f"`{one}`" for one in known) or "none"
            raise UserError(f"`{argument}` is no hyperparameter of this program ({listed}){nearest(argument, known)}")
    source = export(program, to, name, hyperparameters=recognised)
    module = _module(source, to)
    return getattr(module, _facts(code, name, "", to)["entry"])(*positional, **hyperparameters)


@cache
def _module(source: str, to: str) -> ModuleType:
    """Execute an export as a module; tracebacks show its lines."""
    file = f"<optsearch export to {to}, {abs(hash(source)):x}>"
    module = ModuleType(f"optsearch_export_{to}")
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), module.__dict__)
    return module


@cache
def _environment() -> "jinja2.Environment":
    import jinja2  # exports alone need it

    return jinja2.Environment(
        loader=jinja2.PackageLoader("primitives", "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
