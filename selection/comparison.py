"""Comparison of programs with the tuned AdamW on fresh seeds, paired by seed, with confidence intervals.

The statistic is the mean over seeds and tunings of log(loss of the program / loss of the tuned AdamW): −0.1 is about
ten per cent lower loss. Intervals are those of `selection.intervals`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from primitives import Program
from proxy_tasks import Task, baseline, log_ratio
from selection.intervals import TuningVariance, interval
from selection.trials import Entrant, LocalTrials, Trial, TrialRunner, train

BASELINES = ("adamw", "lion")  # built-in programs with stored tuned constants for each task
FOUND, SIMPLIFIED = "found", "simplified"  # names of the champion and of its simplified form in a comparison
TUNED_ADAMW, TUNED_LION = "adamw (tuned)", "lion (tuned)"  # names of the tuned baselines

# First seeds of each purpose. Purposes are disjoint; the search counts from 0.
FINAL_SEEDS = 10_000  # ranking of the finalists, on the validation split
FRESH_SEEDS = 20_000  # the last table of a search, on the validation and the test split
TUNING_SEEDS = 30_000  # tuning of programs and baselines, on the validation split
REDUCTION_SEEDS = 40_000  # ablation of a program, on the validation split
STAGE_SEEDS = 50_000  # the stages of the funnel, 1,000 apart, on the validation split
LAST_SEEDS = 60_000  # the last table of the funnel, and `compare`, on the test split
CHECK_SEEDS = 70_000  # checks of the best program so far during a search, on the validation split
_LARGE = 1e6  # per cent beyond which a change is written with an exponent


@dataclass(frozen=True)
class Comparison:
    """Losses of one program on one task and split.

    Attributes:
        program: name of the program.
        task: name of the task.
        split: split on which the loss is measured.
        loss: mean loss over seeds, in nats.
        log_ratio: mean over seeds and tunings of the log loss ratio to the tuned AdamW; not finite if one diverged.
        interval: 95 % confidence interval of `log_ratio`.
        per_seed: loss of each seed, in nats, mean over tunings.
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
        """JSON values."""
        return asdict(self) | {"change": self.change}


def compare_losses(
    programs: Mapping[str, Entrant],
    tasks: Sequence[Task],
    seeds: range,
    split: str,
    runner: TrialRunner | None = None,
) -> list[Comparison]:
    """Train with each program without tuning, and compare it with the tuned AdamW of each task, paired by seed.

    Args:
        programs: programs by name.
        tasks: tasks to train; each needs a tuned baseline.
        seeds: seeds of the networks.
        split: split on which the loss is measured.
        runner: runs the trials; this process by default.

    Returns:
        A row for each task and program.
    """
    works = [
        train([Trial(entrant, task, seeds, split) for entrant in (baseline(task), *programs.values())])
        for task in tasks
    ]
    rows = []
    for task, (reference, *others) in zip(tasks, (runner or LocalTrials()).run(works), strict=True):
        for name, losses in zip(programs, others, strict=True):
            rows.append(comparison_row(losses, reference, program=name, task=task.name, split=split))
    return rows


def comparison_row(
    losses: np.ndarray,
    reference: np.ndarray,
    *,
    program: str,
    task: str,
    split: str,
    pooled: TuningVariance | None = None,
) -> Comparison:
    """One row of a table.

    Args:
        losses: losses of the program, shape `(seeds,)` or `(tunings, seeds)`.
        reference: losses of the reference, of the same shape.
        program: name of the program.
        task: name of the task.
        split: split on which the losses are measured.
        pooled: as for `interval`.
    """
    ratios = log_ratio(losses, reference)
    per_seed = tuple(np.atleast_2d(losses).mean(axis=0).tolist())
    numbers = (float(losses.mean()), float(ratios.mean()), interval(ratios, pooled=pooled), per_seed)
    return Comparison(program, task, split, *numbers)


def tuned_baselines(task: Task) -> dict[str, Program]:
    """The built-in programs with the constants tuned for a task, by their names in a comparison."""
    return {name: baseline(task, program) for name, program in zip((TUNED_ADAMW, TUNED_LION), BASELINES, strict=True)}


def percent(log_ratio: float | None) -> float:
    """Relative change of the loss in per cent, from a log loss ratio.

    Args:
        log_ratio: the ratio; `None` stands for a ratio that is not finite, as in JSON.

    Returns:
        The change: NaN if the ratio is not finite, since training diverged; infinite if it exceeds all floats.

    >>> percent(0.0), percent(None), percent(1e6)
    (0.0, nan, inf)
    """
    if log_ratio is None or not math.isfinite(log_ratio):
        return math.nan
    try:
        return 100 * math.expm1(log_ratio)
    except OverflowError:
        return math.inf


def change_text(log_ratio: float | None, digits: int = 1) -> str:
    """A log loss ratio as a change with its sign, or `diverged`.

    >>> change_text(-0.2231), change_text(-1e-9, 0), change_text(50), change_text(None)
    ('-20.0 %', '+0 %', '+5.2e+23 %', 'diverged')
    """
    change = percent(log_ratio)
    if math.isnan(change):
        return "diverged"
    shown = f".{digits}f" if abs(change) < _LARGE else ".1e"
    return f"{round(change, digits) + 0.0:+{shown}} %"  # not -0


def against_adamw(log_ratio: float | None) -> str:
    """A log loss ratio to the tuned AdamW in words, or `diverged`.

    >>> against_adamw(-0.2231), against_adamw(0.2231), against_adamw(None)
    ('20 % below AdamW', '25 % above AdamW', 'diverged')
    """
    change = percent(log_ratio)
    if math.isnan(change):
        return "diverged"
    return f"{change_text(log_ratio, 0)[1:]} {'below' if change < 0 else 'above'} AdamW"
