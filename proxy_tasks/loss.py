"""Log loss, fitness and price: the formulas by which programs and baselines are compared everywhere.

    log_loss(loss) = log(loss), and infinity if the loss is not finite or not above zero
    fitness = Σ_tasks share(task) · mean_seeds (log_loss(program) − log_loss(reference))

A loss of zero comes from an overflow, and a negative loss has no logarithm. Both count as diverged; the logarithm of
zero would be the best possible fitness.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from primitives import Program, live

Losses = Mapping[str, Sequence[float] | np.ndarray]  # for each task the loss of each seed


def sound(losses: ArrayLike) -> np.ndarray:
    """Whether each loss can be compared: finite and above zero. Shape as `losses`.

    >>> sound([0.5, 0.0, float("nan")]).tolist()
    [True, False, False]
    """
    values = np.asarray(losses, float)
    return np.asarray(np.isfinite(values) & (values > 0))


def log_loss(losses: ArrayLike) -> np.ndarray:
    """Natural logarithm of each loss, infinite where the loss is not `sound`. float64, shape as `losses`.

    >>> log_loss([1.0, 0.0]).tolist()
    [0.0, inf]
    """
    values = np.asarray(losses, float)
    usable = sound(values)
    return np.where(usable, np.log(np.where(usable, values, 1.0)), np.inf)


def mean_log_loss(losses: ArrayLike) -> float:
    """Mean of `log_loss`; infinite if one loss is not sound."""
    return float(np.mean(log_loss(losses)))


def log_ratio(losses: ArrayLike, reference: ArrayLike) -> np.ndarray:
    """log(loss / reference) for each pair; infinite where the loss is not sound, NaN where the reference is not.

    >>> log_ratio([1.0, 0.0, 1.0], [1.0, 1.0, 0.0]).tolist()
    [0.0, inf, nan]
    """
    own, other = log_loss(losses), log_loss(reference)
    comparable = np.isfinite(other)
    return np.where(comparable, own - np.where(comparable, other, 0.0), np.nan)


def weighted_log_loss(losses: Losses, shares: Mapping[str, float]) -> np.ndarray:
    """Σ_tasks share · log loss of each seed, shape `(seeds,)`; infinite if the log loss of a task is.

    Args:
        losses: for each task the losses of the same S seeds.
        shares: the weight of each task, above zero.
    """
    return np.asarray(sum(share * log_loss(losses[name]) for name, share in shares.items()))


def fitness_of(losses: Losses, references: Losses, shares: Mapping[str, float]) -> float:
    """Σ_tasks share · mean over seeds of the log ratio; infinite or NaN where a loss or a reference is not sound.

    Args:
        losses: for each task, the validation loss of a program for each seed.
        references: losses of the tuned AdamW with the same seeds.
        shares: the weight of each task.
    """
    means = {name: float(np.mean(log_ratio(losses[name], references[name]))) for name in shares}
    return float(sum(share * means[name] for name, share in shares.items()))


def fault(losses: ArrayLike, task: str) -> str:
    """Reason why losses on a task cannot be compared; empty if they can."""
    values = np.asarray(losses, float)
    infinite = int(np.sum(~np.isfinite(values)))
    if infinite:
        return f"loss not finite on {task} for {infinite} of {len(values)} seeds"
    if np.all(values > 0):
        return ""
    return f"loss of exactly zero on {task}" if np.min(values) == 0 else f"loss below zero on {task}"


class Price(NamedTuple):
    """Charge for the length and the memory of a program, added to its fitness.

    Attributes:
        statement: price of a live statement.
        slot: price of a live state slot.
    """

    statement: float = 0.0
    slot: float = 0.0

    def of(self, program: Program) -> float:
        """The price of a program.

        >>> from primitives import builtin
        >>> round(Price(0.01, 0.1).of(builtin("lion")), 3)
        0.17
        """
        lines, slots = live(program)
        return self.statement * len(lines) + self.slot * len(slots)
