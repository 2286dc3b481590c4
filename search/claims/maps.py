"""Claims about the learning rate and the weight decay of Lion and AdamW: maps of the loss over both.

A map multiplies the rate and the decay of one tuning by powers of two. The best cell and the cells that cannot be told
from it give a range of rates and of decays. The range of an optimizer covers its maps around all tunings, and is open
on a side where it reaches the edge of a map.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from proxy_tasks import Task, log_loss
from search.claims.claim import Answer, Claim, Estimate, Result, majority
from search.claims.comparisons import ADAMW, LION, Measuring
from search.claims.entrants import entrant, untuned
from search.settings import ComparisonSettings
from selection import LAST_SEEDS, Optimizer, Trial, interval, pooled_variance, train

RATES = DECAYS = tuple(2.0**power for power in range(-3, 4))
_SHAPE = (len(RATES), len(DECAYS))
_CONSTANTS = {"rate": "learning_rate", "decay": "weight_decay"}
_PAPER_FACTORS = (3.0, 10.0)  # Lion's rate is this much smaller, and its decay this much larger
_ROBUST = 0.1  # log loss ratio to the best cell


@dataclass(frozen=True)
class LossMap:
    """Losses over rates and decays around the constants of one tuning.

    Attributes:
        tuned: constants of the tuning, `rate` and `decay`.
        logs: log loss of each cell and seed, shape `(rates, decays, seeds)`; infinite where training diverged.
    """

    tuned: dict[str, float]
    logs: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """Mean log loss of each cell, shape `(rates, decays)`; infinite if a training of the cell diverged."""
        return np.asarray(self.logs.mean(axis=-1))

    @property
    def best(self) -> tuple[int, int]:
        """Place of the cell with the lowest mean."""
        row, column = np.unravel_index(np.argmin(self.means), self.means.shape)
        return int(row), int(column)

    def constant(self, what: str, place: int) -> float:
        """The rate of a row, or the decay of a column."""
        return self.tuned[what] * RATES[place]

    def near(self, what: str) -> tuple[float, float]:
        """Range of the rates or decays of all cells that cannot be told from the best.

        It is open (0 or infinity) on a side where it reaches the edge of the map, and on both if every cell diverged.
        """
        alike = np.array([[self._alike(cell) for cell in row] for row in self.logs])
        places = np.flatnonzero(alike.any(axis=1 if what == "rate" else 0))
        if not len(places):
            return 0.0, math.inf
        low, high = int(places[0]), int(places[-1])
        return (
            0.0 if low == 0 else self.constant(what, low),
            math.inf if high == len(RATES) - 1 else self.constant(what, high),
        )

    def _alike(self, cell: np.ndarray) -> bool:
        """Whether the interval of the difference to the best cell, paired by seed, includes zero."""
        with np.errstate(invalid="ignore"):
            low, _ = interval(cell - self.logs[self.best])
        return bool(low <= 0)

    def robust(self) -> np.ndarray:
        """Share of the cells that are within `_ROBUST` of the best cell, for each seed, shape `(seeds,)`."""
        best = self.logs[self.best]
        return np.asarray(np.mean(self.logs < np.where(np.isfinite(best), best, -np.inf) + _ROBUST, axis=(0, 1)))

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        values: dict[str, Any] = {"mean_log_loss": self.means.tolist(), "robust": float(self.robust().mean())}
        for what, place in zip(_CONSTANTS, self.best, strict=True):
            values[f"tuned_{what}"] = self.tuned[what]
            values[f"best_{what}"] = self.constant(what, place)
            values[f"near_{what}"] = list(self.near(what))
        return values


def rate_and_decay(measuring: Measuring) -> Result:
    """Claims about the best rate and decay, and about the sensitivity to both."""
    rows: list[dict[str, Any]] = []
    answers: dict[str, list[Answer]] = {"rate": [], "decay": [], "robust": []}
    texts: dict[str, list[str]] = {"rate": [], "decay": [], "robust": []}
    for name in measuring.settings.map_tasks:
        task = untuned(name)
        found = {one: _maps(measuring, task, tuned) for one, tuned in tuned_pair(measuring, task).items()}
        rows += [
            {"task": name, "optimizer": one, "tuning": number, **values.as_json()}
            for one, maps in found.items()
            for number, values in enumerate(maps)
        ]
        for what, large, small in (("rate", ADAMW, LION), ("decay", LION, ADAMW)):
            low, high = ratio_range(_covered(found[large], what), _covered(found[small], what))
            factor = _middle(found[large], what) / _middle(found[small], what)
            answers[what].append(_within(low, high))
            texts[what].append(f"{factor:.2g} ({low:.2g} … {high:.2g}) on {name}".replace("inf", "∞"))
        shares = {one: np.array([values.robust() for values in maps]) for one, maps in found.items()}
        gain = Estimate.of(shares[LION] - shares[ADAMW], pooled_variance(shares.values()))
        answers["robust"].append(gain.answer(negative=False))
        texts["robust"].append(
            f"{100 * shares[LION].mean():.0f} against {100 * shares[ADAMW].mean():.0f} % of the cells, "
            f"{gain.as_share()}, on {name}"
        )
    claims = [
        Claim(
            f"the best {what} of Lion is 3 to 10 times {side} than that of AdamW",
            f"{what} 3 to 10 times {side}",
            "; ".join(texts[what]),
            majority(answers[what]),
            "mean over tunings; in brackets: range over all tunings and cells that cannot be told from the best",
        )
        for what, side in (("rate", "smaller"), ("decay", "larger"))
    ]
    claims.append(
        Claim(
            "Lion is more robust to the choice of rate and decay",
            "more robust in the maps of the paper",
            "; ".join(texts["robust"]),
            majority(answers["robust"]),
            "share of cells within 10 % of the best, factors 1/8 to 8 around each tuning",
        )
    )
    return Result("maps", tuple(claims), {"rates": list(RATES), "decays": list(DECAYS), "maps": rows})


def tuned_pair(measuring: Measuring, task: Task) -> dict[str, tuple[Optimizer, ...]]:
    """Lion and AdamW with the constants of each tuning of a comparison."""
    budget = measuring.settings.x1 or ComparisonSettings()
    found = measuring.compare({name: entrant(name) for name in (ADAMW, LION)}, task, budget)
    return {name: tuple(one for one in found[name].entrants if isinstance(one, Optimizer)) for name in (LION, ADAMW)}


def _maps(measuring: Measuring, task: Task, tuned: Sequence[Optimizer]) -> list[LossMap]:
    """The maps of an optimizer around the constants of each tuning."""
    cells = list(product(RATES, DECAYS))
    seeds = range(LAST_SEEDS, LAST_SEEDS + measuring.settings.map_seeds)
    measuring.note(f"maps of {tuned[0].name} over rate and decay on {task.name}: {len(tuned)} × {len(cells)} trainings")
    works = [train([Trial(scaled(one, *cell), task, seeds)]) for one in tuned for cell in cells]
    logs = np.reshape([log_loss(losses) for (losses,) in measuring.runner.run(works)], (len(tuned), *_SHAPE, -1))
    constants = [dict(zip(one.names, one.values, strict=True)) for one in tuned]
    return [
        LossMap({what: float(known[constant]) for what, constant in _CONSTANTS.items()}, table)
        for known, table in zip(constants, logs, strict=True)
    ]


def scaled(optimizer: Optimizer, rate: float, decay: float) -> Optimizer:
    """An optimizer whose learning rate and weight decay are multiplied.

    >>> from selection import optimizer
    >>> str(scaled(optimizer("lion", [0.1, 0.9, 0.99, 0.5]), 2.0, 4.0))
    'optax.lion(learning_rate=0.2, b1=0.9, b2=0.99, weight_decay=2.0)'
    """
    factors = {"learning_rate": rate, "weight_decay": decay}
    pairs = zip(optimizer.names, optimizer.values, strict=True)
    return optimizer.with_constants(value * factors.get(name, 1.0) for name, value in pairs)


def _covered(maps: Sequence[LossMap], what: str) -> tuple[float, float]:
    """The range over all maps."""
    lows, highs = zip(*(one.near(what) for one in maps), strict=True)
    return min(lows), max(highs)


def _middle(maps: Sequence[LossMap], what: str) -> float:
    """Geometric mean of the best rates or decays of all maps."""
    axis = list(_CONSTANTS).index(what)
    return float(np.exp(np.mean([math.log(one.constant(what, one.best[axis])) for one in maps])))


def ratio_range(own: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Range of the ratio of two numbers that lie in ranges, whose ends may be 0 and infinity.

    >>> ratio_range((2.0, 8.0), (1.0, 4.0))
    (0.5, 8.0)
    >>> ratio_range((2.0, 8.0), (0.0, 4.0))
    (0.5, inf)
    """
    low = own[0] / other[1]  # dividing by infinity gives 0
    return low, own[1] / other[0] if other[0] else math.inf


def _within(low: float, high: float) -> Answer:
    """Whether a range lies within the factors of the paper, outside, or neither."""
    least, most = _PAPER_FACTORS
    return (
        Answer.HOLDS if least <= low and high <= most else Answer.FAILS if high < least or low > most else Answer.OPEN
    )
