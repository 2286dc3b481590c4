"""Comparison of programs on seeds that the search has never used, paired by seed, with confidence intervals.

The statistic is the mean over seeds and tasks, and tunings where there are several, of log(loss of the program / loss
of the tuned AdamW): −0.1 is about ten per cent lower loss. Intervals are those of `selection.intervals`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from primitives.program import Program
from proxy_tasks.baselines import baseline
from proxy_tasks.loss import log_ratio
from proxy_tasks.task import Task
from selection.intervals import TuningVariance, interval
from selection.trials import Bench, Local, Subject, Trial, train

BASELINES = ("adamw", "lion")  # the baselines that come tuned with each task

# Seeds of different purposes never meet: the search counts from 0.
FINAL_SEEDS = 10_000  # the choice of the champion among the finalists, on the validation split
FRESH_SEEDS = 20_000  # the last table, on the validation and the test split
TUNING_SEEDS = 30_000  # tuning of programs and baselines, on the validation split
REDUCTION_SEEDS = 40_000  # what may be left out of a program, on the validation split
STAGE_SEEDS = 50_000  # the stages of the funnel, 1,000 apart, on the validation split
LAST_SEEDS = 60_000  # the last table of the funnel, on the test split
CHECK_SEEDS = 70_000  # the best so far during a search, on the validation split


@dataclass(frozen=True)
class Comparison:
    """One program on one task and split.

    Attributes:
        program: its name.
        task: the task's name.
        split: which rows the loss is taken on.
        loss: mean over seeds, in nats.
        log_ratio: mean over seeds and tunings of the log loss ratio to the tuned AdamW; not finite where one diverged.
        interval: its 95 % confidence interval.
        per_seed: loss of each seed, in nats; mean over tunings, where there are several.
    """

    program: str
    task: str
    split: str
    loss: float
    log_ratio: float
    interval: tuple[float, float]
    per_seed: tuple[float, ...]

    @property
    def change(self) -> float:
        """Relative change of the loss against the tuned AdamW: −0.2 is twenty per cent lower."""
        return float(np.expm1(self.log_ratio))

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"change": self.change}


def compare(
    programs: Mapping[str, Subject], tasks: Sequence[Task], seeds: range, split: str, bench: Bench | None = None
) -> list[Comparison]:
    """Train with each program on each task, and set it beside the tuned AdamW seed by seed.

    Args:
        programs: by what they are called in the table.
        tasks: what to train; each needs a tuned baseline.
        seeds: of the networks.
        split: on which rows the loss is taken.
        bench: trains; by default this process does.
    """
    works = [
        train([Trial(subject, task, seeds, split) for subject in (baseline(task), *programs.values())])
        for task in tasks
    ]
    rows = []
    for task, (reference, *others) in zip(tasks, (bench or Local()).run(works), strict=True):
        for name, losses in zip(programs, others, strict=True):
            rows.append(comparison(name, task.name, split, losses, reference))
    return rows


def comparison(
    name: str, task: str, split: str, losses: np.ndarray, reference: np.ndarray, pooled: TuningVariance | None = None
) -> Comparison:
    """One row of a table: losses of a program and of the reference, shape `(seeds,)` or `(tunings, seeds)` each."""
    ratios = log_ratio(losses, reference)
    per_seed = tuple(np.atleast_2d(losses).mean(axis=0).tolist())
    numbers = (float(losses.mean()), float(ratios.mean()), interval(ratios, pooled=pooled), per_seed)
    return Comparison(name, task, split, *numbers)


def tuned_baselines(task: Task) -> dict[str, Program]:
    """The baselines with the constants that were tuned for a task, by names such as `adamw (tuned)`."""
    return {f"{name} (tuned)": baseline(task, name) for name in BASELINES}
