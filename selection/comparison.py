"""Comparison of programs on seeds that the search has never used, paired by seed, with confidence intervals.

The statistic is the mean over seeds and tasks of log(loss of the program / loss of the tuned AdamW): −0.1 is about
ten per cent lower loss. Intervals are studentized bootstraps over seeds (`selection.intervals`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from primitives.program import Program
from proxy_tasks.baselines import baseline
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer
from selection.intervals import interval

BASELINES = ("adamw", "lion")  # the baselines that come tuned with each task

# Seeds of different purposes never meet: the search counts from 0.
FINAL_SEEDS = 10_000  # the choice of the champion among the finalists, on the validation split
FRESH_SEEDS = 20_000  # the last table, on the validation and the test split
TUNING_SEEDS = 30_000  # tuning of the baselines, on the validation split


@dataclass(frozen=True)
class Comparison:
    """One program on one task and split.

    Attributes:
        program: its name.
        task: the task's name.
        split: which rows the loss is taken on.
        loss: mean over seeds, in nats.
        log_ratio: mean over seeds of the log loss ratio to the tuned AdamW; not finite where a seed diverged.
        interval: its 95 % confidence interval.
        per_seed: loss of each seed, in nats.
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


def compare(
    programs: Mapping[str, Program], tasks: Sequence[Task], seeds: Sequence[int], split: str
) -> list[Comparison]:
    """Train with each program on each task, and set it beside the tuned AdamW seed by seed."""
    rows = []
    for task in tasks:
        trainer = Trainer(task, seeds, split)
        reference = trainer.losses(baseline(task))
        for name, program in programs.items():
            losses = trainer.losses(program)
            ratios = np.log(losses) - np.log(reference)
            numbers = (float(losses.mean()), float(ratios.mean()), interval(ratios), tuple(losses.tolist()))
            rows.append(Comparison(name, task.name, split, *numbers))
    return rows


def tuned_baselines(task: Task) -> dict[str, Program]:
    """The baselines with the constants that were tuned for a task, by names such as `adamw (tuned)`."""
    return {f"{name} (tuned)": baseline(task, name) for name in BASELINES}
