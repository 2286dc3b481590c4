"""Log losses of tuned optimizers on several tasks, and estimates of the differences between them.

A training that diverged counts as the worst training of any optimizer on its task. Otherwise a single one would leave
all comparisons without an answer, and a comparison without it would favour the optimizer that diverged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from proxy_tasks import log_loss
from search.claims.claim import Answer, Estimate, majority
from search.claims.entrants import OTHER_KINDS
from selection import TunedComparison, TuningVariance, pooled_variance


@dataclass(frozen=True)
class LogLosses:
    """Log losses of tuned optimizers, mean over tasks, in nats.

    Attributes:
        tables: log losses of each optimizer, shape `(tunings, seeds)`; all finite, unless every training of every
            optimizer diverged on a task.
        diverged: number of trainings of each optimizer that diverged.
    """

    tables: Mapping[str, np.ndarray]
    diverged: Mapping[str, int]

    @classmethod
    def of(cls, compared: Sequence[TunedComparison]) -> "LogLosses":
        """The log losses of the optimizers that all comparisons have."""
        first, *others = compared
        names = [name for name in first.losses if all(name in found.losses for found in others)]
        raw = {name: np.array([log_loss(found.losses[name]) for found in compared]) for name in names}
        everything = np.stack([*raw.values()], axis=1).reshape(len(compared), -1)
        worst = [max(row[np.isfinite(row)], default=np.nan) for row in everything]
        filled = {name: np.where(np.isfinite(v), v, np.reshape(worst, (-1, 1, 1))) for name, v in raw.items()}
        tables = {name: np.asarray(values.mean(axis=0)) for name, values in filled.items()}
        diverged = {name: int(np.sum(~np.isfinite(values))) for name, values in raw.items()}
        return cls(tables, diverged)

    def pooled(self, names: Sequence[str]) -> TuningVariance | None:
        """Variance between tunings for a comparison of some optimizers; `None` with one tuning.

        It is pooled over these optimizers and all variants of Lion and AdamW, except those of which a training
        diverged. Optimizers of other kinds are harder or easier to tune.
        """
        similar = [name for name in self.tables if name in names or name not in OTHER_KINDS]
        return pooled_variance(self.tables[name] for name in similar if not self.diverged[name])

    def contrast(self, ones: Sequence[str], others: Sequence[str]) -> Estimate:
        """Mean log loss of some optimizers minus that of as many others.

        The mean of n optimizers varies between tunings with a variance of 1 / n of that of one.
        """
        own, other = (np.mean([self.tables[name] for name in names], axis=0) for names in (ones, others))
        pooled = self.pooled([*ones, *others])
        return Estimate.of(own - other, pooled and pooled._replace(variance=pooled.variance / len(ones)))


@dataclass(frozen=True)
class Contrast:
    """Difference between optimizers on several tasks.

    Attributes:
        text: the mean over tasks, the number of tasks with an answer, and the number of diverged trainings.
        mean: estimate of the mean over tasks.
        answer: that of more than half of the tasks.
    """

    text: str
    mean: Estimate
    answer: Answer


@dataclass(frozen=True)
class Families:
    """Comparisons of tuned optimizers on tasks of one size.

    Attributes:
        size: cost of the tasks as a multiple of the smallest.
        compared: comparison on the task of each family.
    """

    size: int
    compared: Mapping[str, TunedComparison]

    @cached_property
    def each(self) -> dict[str, LogLosses]:
        """Log losses on the task of each family."""
        return {family: LogLosses.of([found]) for family, found in self.compared.items()}

    def among(self, families: Sequence[str]) -> "Families":
        """The comparisons of some families, as far as they were measured."""
        return Families(self.size, {name: self.compared[name] for name in families if name in self.compared})

    @property
    def tunings(self) -> int:
        """Number of independent tunings."""
        return min(found.tunings for found in self.compared.values())

    def contrast(self, ones: Sequence[str], others: Sequence[str], *, negative: bool = True) -> Contrast:
        """Difference between the mean log losses of some optimizers and of as many others.

        Args:
            ones: names of optimizers.
            others: names of the optimizers from which they differ.
            negative: whether the claim is that `ones` have the lower loss.
        """
        estimates = [logs.contrast(ones, others) for logs in self.each.values()]
        total = LogLosses.of([*self.compared.values()])
        mean = total.contrast(ones, others)
        lower, higher = (sum(one.answer(negative=side) is Answer.HOLDS for one in estimates) for side in (True, False))
        text = mean.per_cent()
        if len(estimates) > 1:
            text += f" on average; lower in {lower}, higher in {higher} of {len(estimates)} families"
        lost = sum(total.diverged[name] for name in {*ones, *others})
        if lost:
            count = sum(total.tables[name].size for name in {*ones, *others}) * len(estimates)
            text += f"; {lost} of {count} trainings diverged"
        return Contrast(text, mean, majority([one.answer(negative=negative) for one in estimates]))
