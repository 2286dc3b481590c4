"""Curves of search methods with equal budgets, and two figures.

The figures follow Chen et al. (2023, section 2): best fitness so far against evaluations with its spread over repeats,
and the shares of redundant statements and of cache hits against children.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from search.record import Journal, whole_file

BEST_FIGURE, REDUNDANCY_FIGURE = "best_so_far.png", "redundancy.png"
_WINDOW = 200  # children in a window
_POINTS = 200  # points of a drawn curve


@dataclass(frozen=True)
class Method:
    """Curves of one config; arrays have a row for each repeat.

    Attributes:
        name: name of the config.
        best: lowest fitness so far after each evaluation, shape (repeats, evaluations).
        redundant: share of redundant statements in windows of children, shape (repeats, windows).
        hits: share of cache hits in windows of children, shape (repeats, windows).
        fresh: fitness of the best program of each repeat on seeds that no search uses.
        statistics: counts of the journal.
        digest: digest of the journal.
    """

    name: str
    best: np.ndarray
    redundant: np.ndarray
    hits: np.ndarray
    fresh: tuple[float, ...]
    statistics: dict[str, Any]
    digest: str

    def as_json(self) -> dict[str, Any]:
        """Plain values; curves have the points of the figure."""
        final = self.best[:, -1]
        return {
            "method": self.name,
            "best": final.tolist(),
            "best_median": float(np.median(final)),
            "fresh": list(self.fresh),
            "fresh_median": float(np.median(self.fresh)),
            "statistics": self.statistics,
            "digest": self.digest,
            "evaluations": _marks(self.best).tolist(),
            "best_so_far": self.best[:, _marks(self.best) - 1].tolist(),
            "redundant_share": self.redundant.tolist(),
            "hit_share": self.hits.tolist(),
            "window": _WINDOW,
        }

    @classmethod
    def of(cls, name: str, journal: Journal, repeats: range, fresh: Sequence[float]) -> "Method":
        """Compute the curves of the repeats of a journal."""
        curves = zip(*(_curves(journal, repeat) for repeat in repeats), strict=True)
        best, redundant, hits = map(_together, curves)
        return cls(name, best, redundant, hits, tuple(fresh), journal.statistics(), journal.digest())


def _curves(journal: Journal, repeat: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Best fitness after each evaluation; shares of redundant statements and of hits in each window of children."""
    rows = list(journal.rows("repeat = ?", given=(repeat,)))
    fitness = [row.fitness if row.status == "ok" else math.inf for row in rows if not row.matched]
    counts = np.array([(row.statements, row.live, bool(row.matched)) for row in rows], float)
    windows = [counts[start : start + _WINDOW].sum(0) for start in range(0, len(rows), _WINDOW)]
    sizes = [min(_WINDOW, len(rows) - start) for start in range(0, len(rows), _WINDOW)]
    redundant = np.array([1 - live / total for total, live, _ in windows])
    return np.minimum.accumulate(fitness), redundant, np.array([hit for *_, hit in windows]) / sizes


def _together(curves: Sequence[np.ndarray]) -> np.ndarray:
    """Curves of all repeats as one array, cut to the length of the shortest."""
    return np.stack([curve[: min(map(len, curves))] for curve in curves])


def _marks(best: np.ndarray) -> np.ndarray:
    """Numbers of evaluations at which a curve is drawn, evenly spaced on a log scale."""
    return np.unique(np.geomspace(1, best.shape[1], _POINTS).astype(int))


def draw(methods: Sequence[Method], folder: Path) -> None:
    """Draw both figures as PNG files in a folder."""
    from matplotlib.figure import Figure  # takes half a second to import

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for method in methods:
        marks = _marks(method.best)
        curve = method.best[:, marks - 1]
        (line,) = axes.plot(marks, curve.mean(0), label=f"{method.name} ({len(curve)} repeats)")
        axes.fill_between(marks, curve.min(0), curve.max(0), color=line.get_color(), alpha=0.2, linewidth=0)
    axes.axhline(0.0, color="black", linestyle=":", linewidth=1, label="tuned AdamW")
    axes.set(xscale="log", xlabel="evaluations", ylabel="best fitness so far (log loss ratio to tuned AdamW)")
    axes.set_ylim(top=min(axes.get_ylim()[1], 1.0))
    axes.set_title("search methods: mean and range over repeats")
    axes.legend()
    with whole_file(folder / BEST_FIGURE) as part:
        figure.savefig(part, dpi=120)

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for axes, what, title in zip(
        figure.subplots(1, 2), ("redundant", "hits"), ("redundant statements", "cache hits"), strict=True
    ):
        for method in methods:
            shares = getattr(method, what)
            children = (np.arange(shares.shape[1]) + 1) * _WINDOW
            (line,) = axes.plot(children, 100 * shares.mean(0), label=method.name)
            axes.fill_between(
                children, 100 * shares.min(0), 100 * shares.max(0), color=line.get_color(), alpha=0.2, linewidth=0
            )
        axes.set(xlabel="children", ylabel=f"{title} (%)", ylim=(0, 100), title=title)
        axes.legend()
    with whole_file(folder / REDUNDANCY_FIGURE) as part:
        figure.savefig(part, dpi=120)
