"""A program found by a search, with its fitness."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from primitives import Program, live_part, to_text
from search.record import CandidateRow
from selection import against_adamw


class Interval(NamedTuple):
    """An estimate with its 95 % confidence interval, in units of the fitness (log loss ratio to the tuned AdamW)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} ({self.low:+.3f} … {self.high:+.3f})"


@dataclass(frozen=True)
class Found:
    """A program that a search found.

    Attributes:
        program: the program, redundant statements included.
        fitness: mean log loss ratio to the tuned AdamW, plus price; lower is better, and 0 is as good as AdamW.
        number: number of the candidate in its repeat.
        repeat: number of the repeat.
        length: number of live statements.
        fresh: log loss ratio on seeds that neither the search nor the choice of the champion used, with its 95 %
            interval; `None` except for the champion of a complete run on one task, read from `summary.json`.
        recognised: name of the known optimizer that the program is; `None` if it is none or was not examined.
        simplified: the simplified program; `None` if the program was not simplified.
        constants: hyperparameters by their usual names, if the program was recognised.
        price: price of length and memory in the fitness.
    """

    program: Program
    fitness: float
    number: int
    repeat: int
    length: int
    fresh: Interval | None = None
    recognised: str | None = None
    simplified: Program | None = None
    constants: dict[str, float] = field(default_factory=dict)
    price: float = 0.0

    @classmethod
    def of(cls, row: CandidateRow, program: Program, price: float = 0.0) -> "Found":
        """Make the value from a row of the journal."""
        return cls(program, row.fitness, row.number, row.repeat, row.live, price=price)

    def __repr__(self) -> str:
        name = f", recognised={self.recognised!r}" if self.recognised else ""
        fresh = f", fresh={self.fresh}" if self.fresh else ""
        return f"Found(fitness={self.fitness:.4f}{fresh}{name}, number={self.number}, length={self.length})"

    def __str__(self) -> str:
        return to_text(live_part(self.program))

    def _repr_html_(self) -> str:
        from optsearch._display import found_html

        return found_html(self)

    def percent(self) -> str:
        """Change of the loss against AdamW, without the price, as text such as `20 % below AdamW`; or `diverged`."""
        return against_adamw(self.fitness - self.price)

    def to_optax(self, **hyperparameters: Any) -> Any:  # noqa: ANN401 - a GradientTransformation
        """Convert the program to an `optax.GradientTransformation`; see `optsearch.to_optax`."""
        from optsearch._programs import to_optax

        return to_optax(self, **hyperparameters)

    def to_torch(self, parameters: Any, **hyperparameters: Any) -> Any:  # noqa: ANN401 - torch is optional
        """Convert the program to a `torch.optim.Optimizer` of the given parameters; see `optsearch.to_torch`."""
        from optsearch._programs import to_torch

        return to_torch(self, parameters, **hyperparameters)
