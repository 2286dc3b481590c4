"""The hurdle: the fitness that a program must reach on its first seeds to be trained on the others.

The hurdle is a rolling quantile of the most recent accepted scores, plus a margin. It depends on the history up to a
candidate number only, so it is the same at any parallelism. Both sides of the comparison are fitnesses on the first
seeds. A race has one hurdle after each stage; at a stage all programs have the same seeds.
"""

from bisect import bisect_left, insort
from collections import deque


class Hurdle:
    """A rolling quantile of accepted scores, plus a margin.

    Args:
        span: number of accepted scores in the window, which at first is filled with the score of the starting program.
        quantile: share of these scores at or below the quantile; 0 selects the lowest score.
        margin: added to the quantile.
    """

    def __init__(self, span: int, quantile: float, margin: float) -> None:
        self._span, self._quantile, self._margin = span, quantile, margin
        self._recent: deque[float] = deque()
        self._ordered: list[float] = []  # sorted, since the height is read for every child

    @property
    def height(self) -> float:
        """Fitness above which a program is rejected; defined after the first score."""
        return self._ordered[min(int(self._quantile * self._span), self._span - 1)] + self._margin

    def add(self, fitness: float) -> None:
        """Add the fitness of an accepted program; the first one is the starting program."""
        if not self._recent:
            self._recent.extend([fitness] * self._span)
            self._ordered = list(self._recent)
        else:
            del self._ordered[bisect_left(self._ordered, self._recent.popleft())]
            self._recent.append(fitness)
            insort(self._ordered, fitness)
