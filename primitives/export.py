"""Export: a program as code to take away, which depends on nothing of this project.

The live part is written as a straight line of assignments, on one parameter array at a time. Where the program
reduces over all weights (`dot`, `clip`, …), every assignment runs over the list of all arrays instead. Constants
become arguments whose defaults are the values found, named after what they do: `beta1` in the first `interp`,
`learning_rate` beside `lr`, `weight_decay` beside `w`, and `c1`, `c2`, … otherwise. What a function is called in code
stands in its row of the registry.
"""

import keyword
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

import jinja2

from primitives.builtins import BUILTINS, source_of
from primitives.checking import kinds_before
from primitives.dataflow import live
from primitives.errors import UserError, nearest
from primitives.kinds import Kind
from primitives.latex import equations, symbol
from primitives.program import GRADIENT, LEARNING_RATE, UPDATE, WEIGHTS, Program, Statement
from primitives.registry import REGISTRY
from primitives.text import constant_text, to_text

_TEMPLATES = {"optax": "optax.py.j2", "python": "python.py.j2", "torch": "torch.py.j2", "latex": "latex.tex.j2"}
_MODULES = {"optax": "jnp", "python": "np", "torch": "torch"}
TARGETS = tuple(_TEMPLATES)

# Names that the exported code uses itself.
_RESERVED = {
    *(
        "jax",
        "jnp",
        "np",
        "optax",
        "torch",
        "state",
        "updates",
        "params",
        "schedule",
        "step",
        "init",
        "x",
        "each",
        "one",
    ),
    *(
        "arguments",
        "arrays",
        "results",
        "structure",
        "leaves",
        "extra_args",
        "gradients",
        "parameters",
        "groups",
        "group",
    ),
    *("self", "super", "zip", "list", "tuple", "map", "loss", "closure", "down", "p", "name", "callable", "sum", "any"),
}


@dataclass(frozen=True)
class Constant:
    """A constant of a program as an argument of the exported code."""

    name: str
    value: str


def export(program: Program, to: str, name: str = "optimizer", origin: str = "") -> str:
    r"""Write a valid program as code.

    Args:
        program: its live part is exported.
        to: `optax`, `python` (NumPy alone), `torch`, or `latex`.
        name: what the exported function or class is called, an identifier.
        origin: where the program came from, for the first lines of the code.

    Raises:
        UserError: an unknown target, a name that is none, or a function without a spelling in code.

    >>> from primitives import builtin
    >>> print(export(builtin("signum"), "latex").splitlines()[-3])
      m_t &= (1 - \beta_{1}) \, g_t + \beta_{1} \, m_{t-1} \\
    """
    if to not in _TEMPLATES:
        raise UserError(f"`{to}` is nothing to export to{nearest(to, TARGETS)} (known: {', '.join(TARGETS)})")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UserError(f"`{name}` cannot be the name of a function; expected letters, digits and `_`")
    code = _Code(program, to)
    facts = {
        "name": name,
        "title": "".join(part.capitalize() for part in name.split("_")),
        "origin": " ".join(origin.split()) or "A program of optsearch.",
        "version": version("optsearch"),
        "text": to_text(code.program).rstrip().splitlines(),
        "slots": code.slots,
        "constants": code.constants,
        "uses_weights": WEIGHTS in code.read,
        "inputs": [n for n in (WEIGHTS, GRADIENT) if n in code.read] + list(code.slots),
        "whole": code.whole,
        "helpers": code.helpers,
        "lines": code.lines() if to != "latex" else [],
        "equations": equations(code.program, code.names) if to == "latex" else [],
        "symbol": symbol,
        "outputs": [UPDATE, *code.slots],
    }
    return _environment().get_template(_TEMPLATES[to]).render(facts)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("primitives", "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


class _Code:
    """The live part of a program as lines of code."""

    def __init__(self, program: Program, to: str) -> None:
        self._module = _MODULES.get(to, "")
        self._torch = to == "torch"
        self.program = _inlined(_unreserved(program).keep(live(program).lines))
        self.slots = live(self.program).slots
        self.read = {name for statement in self.program.statements for name in statement.arguments}
        self.names: dict[tuple[int, int], str] = {}
        self.constants: list[Constant] = []
        self._taken = {str(a) for s in self.program.statements for a in (s.target, *s.arguments)} | _RESERVED
        betas = 0
        for line, place, value in self.program.constants():
            statement = self.program.statements[line]
            betas += statement.primitive == "interp" and place == 2
            name = self._free(_role(statement, place, betas, len(self.constants) + 1))
            self.names[line, place] = name
            self.constants.append(Constant(name, constant_text(value)))
        rows = {statement.primitive: REGISTRY[statement.primitive] for statement in self.program.statements}
        for row in rows.values():
            if to != "latex" and not row.code:
                raise UserError(f"`{row.name}` has no `code` in its row of the registry, so it cannot be exported")
        self.helpers = sorted(name for name, row in rows.items() if row.code.startswith(f"_{name}("))
        if "cosine_sim" in self.helpers:
            self.helpers = sorted({*self.helpers, "dot", "global_norm"})
        if "clip" in self.helpers:
            self.helpers = sorted({*self.helpers, "global_norm"})
        self.whole = bool(self.helpers)

    def _free(self, name: str) -> str:
        number = 2
        found = name
        while found in self._taken:
            found, number = f"{name}_{number}", number + 1
        self._taken.add(found)
        return found

    def lines(self) -> list[str]:
        """One assignment a statement."""
        return list(self._lines())

    def _lines(self) -> Iterator[str]:
        kinds = [kinds_before(self.program, line) for line in range(len(self.program.statements) + 1)]
        for line, statement in enumerate(self.program.statements):
            row = REGISTRY[statement.primitive]
            spelling = (row.torch if self._torch else "") or row.code.replace("xp.", f"{self._module}.")
            arguments = [
                a if isinstance(a, str) else self.names[line, place] for place, a in enumerate(statement.arguments)
            ]
            call = spelling.format(*arguments)
            if self.whole:
                call = self._over_all(call, statement, arguments, kinds[line])
            yield f"{statement.target} = {call}"

    def _over_all(self, call: str, statement: Statement, arguments: list[str], kinds: dict[str, Kind]) -> str:
        """The same over the list of all arrays; in PyTorch scalars are lists too, as groups may differ in them."""
        row = REGISTRY[statement.primitive]
        if row.code.startswith(f"_{row.name}("):
            return call
        given = zip(statement.arguments, arguments, strict=True)
        lists = [
            name
            for argument, name in given
            if self._torch or (isinstance(argument, str) and kinds[argument] is not Kind.SCALAR)
        ]
        over = list(dict.fromkeys(lists))
        if not over:
            return call
        if len(over) == 1:
            return f"[{call} for {over[0]} in {over[0]}]"
        return f"[{call} for {', '.join(over)} in zip({', '.join(over)}, strict=True)]"


def _unreserved(program: Program) -> Program:
    """The program with other names for variables that the exported code uses itself."""
    used = {statement.target for statement in program.statements} | set(program.slots)
    names = {name: f"{name}_" for name in used & _RESERVED}
    return program.renamed(names)._replace(slots=tuple(names.get(slot, slot) for slot in program.slots))


def _inlined(program: Program) -> Program:
    """The program with functions of no arguments as constants."""
    values: dict[str, float] = {}
    statements = []
    for target, primitive, arguments in program.statements:
        row = REGISTRY[primitive]
        inlined = tuple(values.get(a, a) if isinstance(a, str) else a for a in arguments)
        values.pop(target, None)
        if row.arity == 0:
            values[target] = float(row.call([], ()))
        else:
            statements.append(Statement(target, primitive, inlined))
    return program._replace(statements=tuple(statements))


def _role(statement: Statement, place: int, betas: int, number: int) -> str:
    """What a constant is called, after what it is used for."""
    if statement.primitive == "interp" and place == 2:
        return f"beta{betas}"
    if statement.primitive == "multiply":
        other = statement.arguments[1 - place]
        return {LEARNING_RATE: "learning_rate", WEIGHTS: "weight_decay"}.get(str(other), f"c{number}")
    return f"c{number}"


def origin_of(name: str) -> str:
    """Where a built-in comes from, as the first lines of exported code say it."""
    return f"{name}: {source_of(name)}." if name in BUILTINS else ""
