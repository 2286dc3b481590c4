"""What a run found: one program with its fitness and its origin, and how it shows itself."""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from primitives import Program, live_part, to_text
from search.record import CandidateRow


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
        fitness: mean log of the loss ratio to the tuned AdamW, plus price; lower is better, 0 is as good as AdamW.
        number: number of the candidate in its repeat.
        repeat: number of the repeat.
        length: live statements.
        fresh: the same on seeds that neither the search nor the choice of the champion used, with its 95 % interval;
            `None` for all but the champion of a complete run on one task.
        recognised: name of the known optimizer that the program is; `None` if it is none of them, or was not examined.
        simplified: the program after simplification; `None` where that was not done.
        constants: hyperparameters under their usual names, where the program was recognised.
        price: part of the fitness that is the price of length and memory.
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
        """The candidate of a row of the journal."""
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
        """The loss in words, without the price: `20 % below AdamW`."""
        if not math.isfinite(self.fitness):
            return "diverged"
        log_ratio = self.fitness - self.price
        return f"{abs(math.expm1(log_ratio)) * 100:.0f} % {'below' if log_ratio < 0 else 'above'} AdamW"

    def to_optax(self, **hyperparameters: Any) -> Any:  # noqa: ANN401 - a GradientTransformation
        """The program as an `optax.GradientTransformation`; see `optsearch.to_optax`."""
        from optsearch._programs import to_optax

        return to_optax(self, **hyperparameters)

    def to_torch(self, parameters: Any, **hyperparameters: Any) -> Any:  # noqa: ANN401 - torch is optional
        """The program as a `torch.optim.Optimizer` of some parameters; see `optsearch.to_torch`."""
        from optsearch._programs import to_torch

        return to_torch(self, parameters, **hyperparameters)
