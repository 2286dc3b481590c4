"""Claims about the learning rate and the weight decay of Lion and AdamW: maps of the loss over both.

A map multiplies the tuned rate and decay by powers of two. The best cell and the cells that cannot be told from it give
the range of the ratio between Lion's best rate and AdamW's.
"""

from itertools import product
from typing import Any

import numpy as np

from proxy_tasks import Task, builtin_task, log_loss
from search.claims.claim import Answer, Claim, Result, majority
from search.claims.comparisons import ADAMW, LION, Measuring
from search.claims.entrants import entrant
from search.settings import ComparisonSettings
from selection import LAST_SEEDS, Optimizer, Trial, interval, train

RATES = DECAYS = tuple(2.0**power for power in range(-3, 4))
_PAPER_FACTORS = (3.0, 10.0)  # Lion's rate is this much smaller, and its decay this much larger
_ROBUST = 0.1  # log loss ratio to the best cell


def rate_and_decay(measuring: Measuring) -> Result:
    """Claims about the best rate and decay, and about the sensitivity to both."""
    claims, maps = [], []
    answers: dict[str, list[Answer]] = {"rate": [], "decay": []}
    ranges: dict[str, list[str]] = {"rate": [], "decay": []}
    shares: dict[str, list[float]] = {LION: [], ADAMW: []}
    for name in measuring.settings.map_tasks:
        task = builtin_task(name)
        found = {optimizer: _map(measuring, task, tuned) for optimizer, tuned in tuned_pair(measuring, task).items()}
        maps += [{"task": name, "optimizer": optimizer, **values} for optimizer, values in found.items()]
        for optimizer, values in found.items():
            shares[optimizer].append(values["robust"])
        for what, direction in (("rate", -1), ("decay", 1)):
            factor = (found[LION][f"best_{what}"] / found[ADAMW][f"best_{what}"]) ** direction
            low, high = _ratio_range(found[LION][f"near_{what}"], found[ADAMW][f"near_{what}"], direction)
            answers[what].append(_within(low, high))
            ranges[what].append(f"{factor:.2g} ({low:.2g} … {high:.2g}) on {name}")
    for what, side in (("rate", "smaller"), ("decay", "larger")):
        claims.append(
            Claim(
                f"the best {what} of Lion is 3 to 10 times {side} than that of AdamW",
                f"{what} 3 to 10 times {side}",
                "; ".join(ranges[what]),
                majority(answers[what]),
                "in brackets: the range over all cells that cannot be told from the best; steps of a factor of 2",
            )
        )
    difference = [lion - adamw for lion, adamw in zip(shares[LION], shares[ADAMW], strict=True)]
    claims.append(
        Claim(
            "Lion is more robust to the choice of rate and decay",
            "more robust in the maps of the paper",
            "; ".join(
                f"{100 * lion:.0f} against {100 * adamw:.0f} % of the cells on {name}"
                for name, lion, adamw in zip(measuring.settings.map_tasks, shares[LION], shares[ADAMW], strict=True)
            ),
            majority([Answer.HOLDS if one > 0 else Answer.FAILS if one < 0 else Answer.OPEN for one in difference]),
            "share of cells within 10 % of the best, factors 1/8 to 8; no interval",
        )
    )
    return Result("maps", tuple(claims), {"rates": list(RATES), "decays": list(DECAYS), "maps": maps})


def tuned_pair(measuring: Measuring, task: Task) -> dict[str, Optimizer]:
    """Lion and AdamW with the constants of the first tuning of a comparison."""
    budget = measuring.settings.x1 or ComparisonSettings()
    found = measuring.compare({name: entrant(name, task) for name in (ADAMW, LION)}, task, budget)
    return {name: one for name in (LION, ADAMW) if isinstance(one := found[name].entrants[0], Optimizer)}


def _map(measuring: Measuring, task: Task, tuned: Optimizer) -> dict[str, Any]:
    """Losses of all cells of a map, and which rates and decays cannot be told from the best."""
    cells = list(product(RATES, DECAYS))
    seeds = range(LAST_SEEDS, LAST_SEEDS + measuring.settings.map_seeds)
    measuring.note(f"map of {tuned.name} over rate and decay on {task.name}: {len(cells)} trainings")
    works = [train([Trial(scaled(tuned, *cell), task, seeds)]) for cell in cells]
    with np.errstate(all="ignore"):
        logs = np.array([log_loss(losses) for (losses,) in measuring.runner.run(works)])
        means = np.where(np.all(np.isfinite(logs), axis=1), logs.mean(axis=1), np.inf)
    best = int(np.argmin(means))
    near = [number for number in range(len(cells)) if _alike(logs[number], logs[best])]
    constants = dict(zip(tuned.names, tuned.values, strict=True))
    values: dict[str, Any] = {"mean_log_loss": means.reshape(len(RATES), len(DECAYS)).tolist()}
    for place, (what, constant) in enumerate((("rate", "learning_rate"), ("decay", "weight_decay"))):
        values[f"tuned_{what}"] = constants[constant]
        values[f"best_{what}"] = constants[constant] * cells[best][place]
        values[f"near_{what}"] = sorted({constants[constant] * cells[number][place] for number in near})
    return values | {"robust": float(np.mean(means < means[best] + _ROBUST))}


def scaled(optimizer: Optimizer, rate: float, decay: float) -> Optimizer:
    """An optimizer whose learning rate and weight decay are multiplied.

    >>> from selection import optimizer
    >>> str(scaled(optimizer("lion", [0.1, 0.9, 0.99, 0.5]), 2.0, 4.0))
    'optax.lion(learning_rate=0.2, b1=0.9, b2=0.99, weight_decay=2.0)'
    """
    factors = {"learning_rate": rate, "weight_decay": decay}
    pairs = zip(optimizer.names, optimizer.values, strict=True)
    return optimizer.with_constants(value * factors.get(name, 1.0) for name, value in pairs)


def _alike(logs: np.ndarray, best: np.ndarray) -> bool:
    """Whether a cell cannot be told from the best: the interval of the difference, paired by seed, includes zero."""
    with np.errstate(all="ignore"):
        low, _ = interval(logs - best)
    return bool(low <= 0)


def _ratio_range(lion: list[float], adamw: list[float], direction: int) -> tuple[float, float]:
    """Smallest and largest ratio of Lion's values to AdamW's, or of AdamW's to Lion's if `direction` is −1."""
    if direction < 0:
        lion, adamw = adamw, lion
    return min(lion) / max(adamw), max(lion) / min(adamw)


def _within(low: float, high: float) -> Answer:
    """Whether a range lies within the factors of the paper, outside, or neither."""
    least, most = _PAPER_FACTORS
    return (
        Answer.HOLDS if least <= low and high <= most else Answer.FAILS if high < least or low > most else Answer.OPEN
    )
