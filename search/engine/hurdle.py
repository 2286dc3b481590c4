"""The hurdle: the fitness that a program must reach on its first seeds to be trained on the others.

It is a rolling quantile over the most recent accepted scores, plus a margin. It depends on candidate numbers only, so
it is the same at any parallelism. Fitness on the first seeds is compared with fitness on the first seeds. A race has
several hurdles, one after each stage, each on the same seeds for all programs.
"""

from bisect import bisect_left, insort
from collections import deque


class Hurdle:
    """A rolling quantile of accepted scores, plus a margin.

    Args:
        span: number of accepted scores that count; at the start copies of the score of the starting program fill it.
        quantile: share of these scores that are at or below the quantile; 0 selects the lowest.
        margin: added to the quantile.
    """

    def __init__(self, span: int, quantile: float, margin: float) -> None:
        self._span, self._quantile, self._margin = span, quantile, margin
        self._recent: deque[float] = deque()
        self._ordered: list[float] = []  # sorted, since the height is read for every child

    @property
    def height(self) -> float:
        """Fitness beyond which a program is rejected; defined once a score has been added."""
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
