"""The hurdle: what a program must reach on its first seeds to be trained on the others.

A rolling quantile over the last scores that were accepted, plus a margin; a matter of candidate numbers alone, so
that it is the same at any parallelism. A hurdle compares like with like, hence first seeds with first seeds. In a race
there are several, one after each stage: the same seeds for all programs, so that they are compared in pairs.
"""

from bisect import bisect_left, insort
from collections import deque


class Hurdle:
    """Rolls over recorded scores.

    Args:
        span: how many accepted scores count; before there are so many, the starting program stands in for the rest.
        quantile: share of these that reach or beat the mark; 0 is the best one's.
        margin: how far beyond the mark the hurdle lies.
    """

    def __init__(self, span: int, quantile: float, margin: float) -> None:
        self._span, self._quantile, self._margin = span, quantile, margin
        self._recent: deque[float] = deque()
        self._ordered: list[float] = []  # kept in order, since the hurdle is wanted for every child

    @property
    def height(self) -> float:
        """Fitness beyond which a program is rejected; defined once a score has been added."""
        return self._ordered[min(int(self._quantile * self._span), self._span - 1)] + self._margin

    def add(self, fitness: float) -> None:
        """Take in what an accepted program reached on as many seeds, the starting program's first."""
        if not self._recent:
            self._recent.extend([fitness] * self._span)
            self._ordered = list(self._recent)
        else:
            del self._ordered[bisect_left(self._ordered, self._recent.popleft())]
            self._recent.append(fitness)
            insort(self._ordered, fitness)
