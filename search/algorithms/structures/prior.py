"""Prior over functions, arguments and constants: a mixture of uniform draws and of frequencies in the corpus.

    p(function) = u / N + (1 − u) · (uses in the corpus) / (all uses in the corpus)

with N functions and the weight u of the uniform part. `interp`, `*` and `sqrt` are drawn more often than `arctan`, and
every function is drawn. The share of constants among arguments is the same mixture, and some constants are drawn near
those of the corpus. With u = 1, or without a corpus, all draws are uniform.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate

from primitives import Argument, Kind, Primitive, Program, ProgramError, float32
from search.engine import Draws

_CONSTANTS = 0.25  # share of constants among arguments of functions that the corpus does not use
_LIKE_CORPUS = 0.7  # share of constants drawn near one that the corpus has in the same argument
_AROUND = 1.3  # standard deviation of these draws, in log or logit units
_NORMAL = 0.5  # share of draws from N(0, 1) among the others; the rest are log-uniform
_NEGATIVE = 0.2  # share of negative signs among log-uniform draws
_DECADES = (-2.5, 0.5)  # range of log-uniform draws


class Prior:
    """Draws functions, arguments and constants.

    Args:
        primitives: functions that may be drawn.
        corpus: programs whose frequencies are counted.
        uniform: weight u of the uniform part, in [0, 1].
    """

    def __init__(self, primitives: Sequence[Primitive], corpus: Sequence[Program], uniform: float) -> None:
        self.primitives = tuple(primitives)
        self._uniform = uniform if corpus else 1.0
        uses = Counter(statement.primitive for program in corpus for statement in program.statements)
        total = sum(uses[row.name] for row in self.primitives) or 1
        self._weights = {
            row.name: self._uniform / len(self.primitives) + (1 - self._uniform) * uses[row.name] / total
            for row in self.primitives
        }
        self._uses = uses
        self._constants: dict[tuple[str, int], list[float]] = {}
        for program in corpus:
            for line, place, value in program.constants():
                self._constants.setdefault((program.statements[line].primitive, place), []).append(value)

    def function(self, draws: Draws, like: Primitive | None = None) -> Primitive | None:
        """Draw a function with at least one argument; if another one is given, a different one with its signature."""
        rows = [
            row
            for row in self.primitives
            if row.accepts and (like is None or (row.accepts == like.accepts and row.name != like.name))
        ]
        return draws.weighted(rows, list(accumulate(self._weights[row.name] for row in rows))) if rows else None

    def argument(self, row: Primitive, place: int, kinds: Mapping[str, Kind], draws: Draws) -> Argument | None:
        """Draw a variable or constant that a function accepts; `None` if there is none.

        Args:
            row: the function.
            place: index of the argument.
            kinds: kind of each defined variable.
            draws: random numbers.
        """
        accepted = row.accepts[place]
        variables = [name for name, kind in kinds.items() if kind in accepted]
        if Kind.SCALAR in accepted and (not variables or draws.uniform() < self._constant_share(row.name, place)):
            return self.constant(row.name, place, draws)
        return draws.choice(variables) if variables else None

    def constant(self, function: str, place: int, draws: Draws) -> float:
        """Draw a constant for an argument of a function."""
        known = self._constants.get((function, place))
        if known and self._uniform < 1 and draws.uniform() < _LIKE_CORPUS:
            return _around(draws.choice(known), draws)
        if draws.uniform() < _NORMAL:
            return float32(draws.normal())
        low, high = _DECADES
        sign = -1 if draws.uniform() < _NEGATIVE else 1
        return float32(sign * 10 ** (low + (high - low) * draws.uniform()))

    def _constant_share(self, function: str, place: int) -> float:
        uses = self._uses[function]
        if not uses or self._uniform == 1:
            return _CONSTANTS
        share = len(self._constants.get((function, place), ())) / uses
        return self._uniform * _CONSTANTS + (1 - self._uniform) * share


def _around(value: float, draws: Draws) -> float:
    """A constant near another, on the logit scale between 0.3 and 1 and on the log scale elsewhere."""
    step = draws.normal() * _AROUND
    try:
        if 0.3 < value < 1:
            return float32(1 / (1 + math.exp(-math.log(value / (1 - value)) - step)))
        return float32(value * math.exp(step))
    except (ProgramError, OverflowError):
        return value
