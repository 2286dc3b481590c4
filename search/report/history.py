"""The course of a search, read from its journal in one pass and reduced to the resolution of a figure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from search.record import Outcome

BINS = 48  # number of bins of a search in which outcomes are counted
POINTS = 1200  # largest number of candidates drawn as points; a journal may have hundreds of thousands
CURVES = 40  # largest number of repeats with separate curves

# Outcomes of candidates and their labels. Candidates of the first group were trained, those of the second were not.
OUTCOMES = {
    "ok": "trained on all seeds",
    "rejected": "stopped at a hurdle",
    "unsound": "failed the sanity probe",
    "diverged": "diverged",
    "failed": "crashed or timed out",
    "hash": "same function (hash)",
    "probe": "same updates (probe)",
    "structure": "same structure",
    "replay": "near twin (replay)",
}
_NAMES = {"crashed": "failed", "timeout": "failed"}


def fate(row: Outcome) -> str:
    """What became of a candidate, a key of `OUTCOMES`."""
    return row.matched or _NAMES.get(row.status, row.status)


@dataclass(frozen=True)
class Improvement:
    """A candidate that was the best of its repeat when it was recorded."""

    number: int
    fitness: float
    mutation: str


@dataclass(frozen=True)
class History:
    """The course of a search.

    Attributes:
        candidates: number of candidates.
        longest: number of candidates of the longest repeat.
        curves: improvements of each repeat, in order.
        points: number and fitness of candidates that were trained on all seeds, every k-th where there are many.
        bins: for each outcome the number of candidates in each of `BINS` equal parts of the repeats.
    """

    candidates: int
    longest: int
    curves: dict[int, list[Improvement]]
    points: list[tuple[int, float]]
    bins: dict[str, list[int]]

    @property
    def outcomes(self) -> dict[str, int]:
        """Number of candidates of each outcome that occurred."""
        return {name: sum(counts) for name, counts in self.bins.items() if sum(counts)}


def history(rows: Iterable[Outcome], counts: Iterable[tuple[int, int]]) -> History:
    """Read the course of a search.

    Args:
        rows: what became of all candidates, ordered by repeat and number.
        counts: each repeat and its number of candidates.
    """
    sizes = dict(counts)
    longest, total = max(sizes.values(), default=0), sum(sizes.values())
    width, every = max(1, -(-longest // BINS)), max(1, total // POINTS)
    curves: dict[int, list[Improvement]] = {repeat: [] for repeat in sizes}
    found: Counter[tuple[str, int]] = Counter()
    points: list[tuple[int, float]] = []
    trained = 0
    for row in rows:
        found[fate(row), row.number // width] += 1
        if row.matched or row.status != "ok" or row.fitness is None:
            continue
        if trained % every == 0:
            points.append((row.number, row.fitness))
        trained += 1
        curve = curves[row.repeat]
        if not curve or row.fitness < curve[-1].fitness:
            curve.append(Improvement(row.number, row.fitness, row.mutation))
    parts = -(-longest // width) if longest else 0
    bins = {name: [found[name, place] for place in range(parts)] for name in OUTCOMES}
    return History(total, longest, curves, points, bins)
