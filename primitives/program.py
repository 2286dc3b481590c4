"""Programs: straight lines of single calls that compute an update from weights, gradient and state.

A program is an immutable value. A statement `(target, primitive, arguments)` assigns the result of one call to one
variable. An argument is a variable (`str`) or a constant (`float`, always a float32 value). Variables with fixed names
are the inputs `w`, `g`, the state slots and `lr`, and the outputs `update` and the state slots. Two known instances
are AdamW (nine statements, two state slots) and Lion (seven statements, one live slot).
"""

import html
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from primitives.errors import ProgramError, UserError

if TYPE_CHECKING:
    import networkx
    import optax
    import torch

Argument = str | float

WEIGHTS, GRADIENT, LEARNING_RATE, UPDATE = "w", "g", "lr", "update"
PEAK = 0.01  # peak of `lr` on the smallest tasks, by which a program multiplies its rate constant
PAPER_SLOTS = ("m", "v")  # the two state slots of Chen et al. (2023)
_FLOAT32 = Struct("<f")


class Statement(NamedTuple):
    """Assignment `target = primitive(arguments…)`, with the primitive by its registered name."""

    target: str
    primitive: str
    arguments: tuple[Argument, ...]


class Program(NamedTuple):
    """Statements in order, and names of the state slots."""

    statements: tuple[Statement, ...]
    slots: tuple[str, ...] = PAPER_SLOTS

    def __str__(self) -> str:
        """The text of the program."""
        from primitives.text import to_text  # which needs this module

        return to_text(self).rstrip()

    def __repr__(self) -> str:
        """The text of the program; its fields if a statement calls a function that is not registered."""
        try:
            return str(self)
        except KeyError:
            return f"Program(statements={tuple(self.statements)!r}, slots={self.slots!r})"

    def _repr_html_(self) -> str:
        """The text and the equations of the program, for notebooks."""
        formula = ""
        with suppress(ValueError, KeyError):  # invalid programs have a text, and no equations
            formula = f"<div>$${html.escape(_equations(self.latex()))}$$</div>"
        return f"<pre>{html.escape(repr(self))}</pre>{formula}"

    def latex(self, *, hyperparameters: Mapping[str, float] | None = None) -> str:
        """Write the equations of one step in LaTeX, with the values of the constants.

        Args:
            hyperparameters: names and values from recognition; see `primitives.export`.
        """
        from primitives.export import export  # which needs this module

        return export(self, "latex", hyperparameters=hyperparameters)

    def graph(self) -> "networkx.DiGraph":
        """Build the data flow of the live part; `primitives.graph.graph` describes nodes and edges."""
        from primitives.graph import graph  # which needs this module

        return graph(self)

    def to_optax(self, **hyperparameters: Any) -> "optax.GradientTransformationExtraArgs":  # noqa: ANN401 - schedules
        """Make an optax transformation; `primitives.to_optax` describes the arguments."""
        from primitives.export import to_optax  # which needs this module

        return to_optax(self, **hyperparameters)

    def to_torch(self, params: Iterable[Any], **hyperparameters: Any) -> "torch.optim.Optimizer":  # noqa: ANN401
        """Make a PyTorch optimizer; `primitives.to_torch` describes the arguments."""
        from primitives.export import to_torch  # which needs this module

        return to_torch(self, params, **hyperparameters)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Variables that are defined at the start, in the order of the signature."""
        return (WEIGHTS, GRADIENT, *self.slots, LEARNING_RATE)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Variables that are returned: the update and the next value of each state slot."""
        return (UPDATE, *self.slots)

    def constants(self) -> Iterator[tuple[int, int, float]]:
        """Iterate over the constants as (index of the statement, index of the argument, value)."""
        for line, statement in enumerate(self.statements):
            for place, argument in enumerate(statement.arguments):
                if not isinstance(argument, str):
                    yield line, place, argument

    def with_constants(self, values: Iterable[float]) -> "Program":
        """The program with other values for its constants, in the order of `constants()`.

        Raises:
            UserError: the number of values is not that of the constants.
            ProgramError: a value is not finite as a float32.
        """
        given, count = list(values), sum(1 for _ in self.constants())
        if len(given) != count:
            raise UserError(f"a program with {count} constants needs {count} values, not {len(given)}")
        supply = iter(given)
        statements = tuple(
            statement._replace(
                arguments=tuple(
                    argument if isinstance(argument, str) else float32(next(supply)) for argument in statement.arguments
                )
            )
            for statement in self.statements
        )
        return self._replace(statements=statements)

    def keep(self, lines: Iterable[int]) -> "Program":
        """The program reduced to the statements with the given indices, in their old order."""
        chosen = set(lines)
        return self._replace(
            statements=tuple(statement for line, statement in enumerate(self.statements) if line in chosen)
        )

    def renamed(self, names: Mapping[str, str]) -> "Program":
        """The program with variables renamed in its statements; the state slots of the signature keep their names."""
        statements = tuple(
            Statement(
                names.get(target, target),
                primitive,
                tuple(
                    names.get(argument, argument) if isinstance(argument, str) else argument for argument in arguments
                ),
            )
            for target, primitive, arguments in self.statements
        )
        return self._replace(statements=statements)


def _equations(latex: str) -> str:
    """The equations of a LaTeX export as one formula, which is what notebooks show."""
    begin, end = r"\begin{align}", r"\end{align}"
    rows = latex[latex.index(begin) + len(begin) : latex.index(end)]
    return rf"\begin{{aligned}}{rows}\end{{aligned}}"


def float32(value: float) -> float:
    """Round to the nearest float32.

    Raises:
        ProgramError: the value is not finite as a float32.

    Example:
        >>> float32(0.9)
        0.8999999761581421
    """
    try:
        (rounded,) = _FLOAT32.unpack(_FLOAT32.pack(value))
    except OverflowError:
        rounded = math.inf
    if not math.isfinite(rounded):
        raise ProgramError(f"constant {value} does not fit into a float32")
    return float(rounded + 0.0)  # minus zero becomes zero
