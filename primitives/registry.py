"""The registry of primitives: one row for each function that a program may call.

Parser, printer, mutation, abstract execution, interpreter, exports and tests read these rows. A function works on
arrays whose last axis, of length P, holds the weights of all parameter arrays one after the other:

=========  ==============================================================================
kind       shape
=========  ==============================================================================
`TREE`     `(..., P)`
`LEAF`     `(..., P)`, constant over the weights of each parameter array
`SCALAR`   `()` or `(..., 1)`
=========  ==============================================================================

A module adds a function with one call::

    register(Primitive("softsign", lambda x: x / (1 + jnp.abs(x)), (ANY,), formula="x / (1 + |x|)"))
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jax import Array

from primitives.errors import ProgramError, UserError, nearest
from primitives.kinds import Kind


class Property(StrEnum):
    """Property of a function on the real numbers; tests check each one on probes."""

    COMMUTATIVE = "commutative"  # f(x, y) = f(y, x), bit for bit
    ODD = "odd"  # f(-x) = -f(x)
    EVEN = "even"  # f(-x) = f(x)
    IDEMPOTENT = "idempotent"  # f(f(x)) = f(x)
    INCREASING = "increasing"  # x < y implies f(x) <= f(y), wherever f is defined
    POSITIVELY_HOMOGENEOUS = "positively_homogeneous"  # f(c x) = c f(x) for c > 0


@dataclass(frozen=True)
class Primitive:
    """One function of the language.

    Attributes:
        name: spelling in programs, unless there is a `symbol`.
        function: from arrays to an array, both of the shapes above. With `per_array`, it takes the sizes of the
            parameter arrays, a `tuple[int, ...]`, as the keyword `sizes`.
        accepts: kinds that each argument may have.
        result: kind of the result; `None` means the widest kind among the arguments.
        formula: the exact meaning in ordinary notation.
        source: publication that defines the function.
        symbol: infix sign of a function of two arguments, one of `SYMBOLS`.
        aliases: other spellings that the parser takes.
        properties: known properties.
        per_array: whether the result depends on the sizes of the parameter arrays.
        code: call in exported code, with `{0}`, `{1}` for arguments and `xp` for the array module. A program with a
            function that has no `code` cannot be exported as code.
        torch: call in PyTorch, if it differs from `code`.
        latex: call in LaTeX, with other braces doubled; by default the name in upright letters.
    """

    name: str
    function: Callable[..., Array]
    accepts: tuple[frozenset[Kind], ...] = ()
    result: Kind | None = None
    formula: str = ""
    source: str = ""
    symbol: str | None = None
    aliases: tuple[str, ...] = ()
    properties: frozenset[Property] = frozenset()
    per_array: bool = False
    code: str = ""
    torch: str = ""
    latex: str = ""

    @property
    def arity(self) -> int:
        """Number of arguments."""
        return len(self.accepts)

    def call(self, arguments: list[Array], sizes: tuple[int, ...]) -> Array:
        """Apply the function to arrays of the shapes above; `sizes` are those of the parameter arrays."""
        return self.function(*arguments, sizes=sizes) if self.per_array else self.function(*arguments)

    def signature(self) -> str:
        """Kinds of arguments and result, such as `(any, any, scalar) -> widest`."""
        accepted = ", ".join(describe_kinds(kinds) for kinds in self.accepts)
        return f"({accepted}) -> {'widest' if self.result is None else self.result}"


def describe_kinds(kinds: frozenset[Kind]) -> str:
    """Name a set of kinds: `any`, `tree`, or `scalar or leaf`."""
    return "any" if kinds == frozenset(Kind) else " or ".join(str(kind) for kind in sorted(kinds))


class Registry:
    """Primitives by name, in the order in which they were added.

    Operation codes of the interpreter are positions in this order, so rows are added and never removed.
    """

    def __init__(self) -> None:
        self._rows: dict[str, Primitive] = {}
        self._spellings: dict[str, str] = {}
        self._codes: dict[str, int] = {}

    def add(self, primitive: Primitive) -> Primitive:
        """Add a row.

        Raises:
            UserError: a spelling that is registered already, a name that is no identifier, an infix sign that the
                parser does not read, or more arguments than `MAX_ARITY`.
        """
        spellings = (primitive.name, *primitive.aliases, *filter(None, [primitive.symbol]))
        for spelling in spellings:
            if spelling in self._spellings:
                raise UserError(f"function `{spelling}` is registered already; choose another name")
        if not primitive.name.isidentifier():
            raise UserError(f"the name of a function (={primitive.name!r}) must be an identifier")
        if primitive.symbol is not None and (primitive.symbol not in SYMBOLS or primitive.arity != 2):
            raise UserError(
                f"`symbol` (={primitive.symbol!r}) must be one of {' '.join(SYMBOLS)}, on a function of two arguments"
            )
        if primitive.arity > MAX_ARITY:
            raise UserError(
                f"function `{primitive.name}` takes {primitive.arity} arguments; the largest number is {MAX_ARITY}"
            )
        self._codes[primitive.name] = len(self._rows)
        self._rows[primitive.name] = primitive
        self._spellings |= dict.fromkeys(spellings, primitive.name)
        return primitive

    def __getitem__(self, name: str) -> Primitive:
        return self._rows[name]

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def __iter__(self) -> Iterator[Primitive]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def code(self, name: str) -> int:
        """Operation code of the primitive `name`."""
        return self._codes[name]

    def find(self, spelling: str) -> Primitive:
        """Row for a name, alias or infix sign; raises `ProgramError` if there is none."""
        if spelling not in self._spellings:
            raise ProgramError(f"unknown function `{spelling}`{nearest(spelling, self._spellings)}")
        return self._rows[self._spellings[spelling]]


SYMBOLS = ("+", "-", "*", "/")  # the infix signs that the parser knows
MAX_ARITY = 3  # `interp` has the most arguments of any function in the paper

REGISTRY = Registry()


def register(primitive: Primitive) -> Primitive:
    """Add a primitive to the language, and return it. From then on programs may call it."""
    return REGISTRY.add(primitive)


def by_names(names: list[str]) -> tuple[Primitive, ...]:
    """Rows for a list of spellings, in the same order; raises `ProgramError` for an unknown one."""
    return tuple(REGISTRY.find(name) for name in names)


def described(table: Mapping[str, object]) -> dict[str, str]:
    """Names of a table of functions or classes, each with the first line of its docstring."""
    return {name: (value.__doc__ or "").strip().partition("\n")[0] for name, value in table.items()}


def describe(primitive: Primitive) -> dict[str, Any]:
    """Convert a row to plain values, for listings and JSON."""
    return {
        "name": primitive.name,
        "symbol": primitive.symbol,
        "aliases": list(primitive.aliases),
        "signature": primitive.signature(),
        "formula": primitive.formula,
        "properties": sorted(primitive.properties),
        "source": primitive.source,
    }
