"""The registry: one row for each function that a program may call, and the only place that lists them.

Parser, printer, mutation, abstract execution, interpreter and tests are all driven by these rows. A function
works on arrays whose last axis runs over the weights, all parameter arrays laid end to end:

=========  ==============================================================================
kind       shape
=========  ==============================================================================
`TREE`     `(..., P)`
`LEAF`     `(..., P)`, constant over the stretch of each parameter array
`SCALAR`   `()` or `(..., 1)`
=========  ==============================================================================

A new function is one call, from any module::

    register(Primitive("softsign", lambda x: x / (1 + jnp.abs(x)), (ANY,), formula="x / (1 + |x|)"))
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jax import Array

from primitives.errors import ProgramError, nearest
from primitives.kinds import Kind


class Property(StrEnum):
    """What is known of a function in real numbers; each claim is checked on probes by the tests."""

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
        name: how programs spell it, unless it has a `symbol`.
        function: `Array… -> Array` on arrays laid out as the module says. A function with `per_array` set
            takes the sizes of the parameter arrays, a `tuple[int, ...]`, as keyword `sizes`.
        accepts: for each argument the kinds that it may have.
        result: kind of the result; `None` means the widest kind among the arguments.
        formula: the exact meaning in ordinary notation.
        source: where the meaning is taken from.
        symbol: infix sign, for a function of two arguments that has one.
        aliases: other spellings that the parser takes.
        properties: what is known of the function.
        per_array: whether the result depends on where one parameter array ends and the next begins.
        code: the call in exported code, its arguments as `{0}`, `{1}`; `xp` stands for the array module. Without it a
            program that uses the function cannot be exported as code.
        torch: the same where PyTorch has another spelling.
        latex: the call in LaTeX, braces doubled; without it the name is written out.
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
        """Apply the function to arrays laid out as the module says; `sizes` are those of the parameter arrays."""
        return self.function(*arguments, sizes=sizes) if self.per_array else self.function(*arguments)

    def signature(self) -> str:
        """Kinds in and out, such as `(any, any, scalar) -> widest`."""
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
        """Add a row; raises `ValueError` if one of its spellings is taken or its shape makes no sense."""
        spellings = (primitive.name, *primitive.aliases, *filter(None, [primitive.symbol]))
        for spelling in spellings:
            if spelling in self._spellings:
                raise ValueError(f"`{spelling}` is registered already; give the new primitive another name.")
        if not primitive.name.isidentifier():
            raise ValueError(f"`name` (={primitive.name!r}) must be an identifier.")
        if primitive.symbol is not None and (primitive.symbol not in SYMBOLS or primitive.arity != 2):
            raise ValueError(
                f"`symbol` (={primitive.symbol!r}) must be one of {SYMBOLS}, on a function of two arguments."
            )
        if primitive.arity > MAX_ARITY:
            raise ValueError(
                f"`{primitive.name}` takes {primitive.arity} arguments; {MAX_ARITY} is the most there is room for."
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
        """Row for a name, alias or infix sign; raises `ProgramError` with the nearest known name."""
        if spelling not in self._spellings:
            raise ProgramError(f"unknown function `{spelling}`{nearest(spelling, self._spellings)}")
        return self._rows[self._spellings[spelling]]


SYMBOLS = ("+", "-", "*", "/")  # the infix signs that the parser knows
MAX_ARITY = 3  # `interp` has the most arguments of any function in the paper

REGISTRY = Registry()


def register(primitive: Primitive) -> Primitive:
    """Add a primitive to the language; it can be parsed, mutated, run and printed from then on."""
    return REGISTRY.add(primitive)


def by_names(names: list[str]) -> tuple[Primitive, ...]:
    """Rows for a list of spellings, in that order; raises `ProgramError` for an unknown one."""
    return tuple(REGISTRY.find(name) for name in names)


def describe(primitive: Primitive) -> dict[str, Any]:
    """One row as plain values, for listings."""
    return {
        "name": primitive.name,
        "symbol": primitive.symbol,
        "aliases": list(primitive.aliases),
        "signature": primitive.signature(),
        "formula": primitive.formula,
        "properties": sorted(primitive.properties),
        "source": primitive.source,
    }
