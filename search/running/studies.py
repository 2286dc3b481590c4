"""Trainings for the report: learning curves, and sensitivity to learning rate and weight decay.

The points of a learning curve are validation losses of trainings that stop after a share of the steps. They keep the
schedule of the whole training, so that all points lie on one trajectory. These trainings use the compiled loop and the
seeds of the last table. A run includes them if they cost at most `LARGEST_SHARE` of its trainings;
`optsearch report --train` runs them in any case.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from primitives import DECAY, UPDATE, Program, Statement, constant_names, live_part
from proxy_tasks import Task, baseline, shares, weighted_log_loss
from selection import FOUND, TUNED_ADAMW, Trial, TrialRunner, Work, train, tuned_baselines

SHARES = (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)  # shares of the steps at the points of a curve
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # factors on rate and decay
LARGEST_SHARE = 0.05


@dataclass(frozen=True)
class CurvePoint:
    """A point of a learning curve.

    Attributes:
        program: name of the program.
        task: name of the task.
        share: share of the steps, in (0, 1].
        per_seed: validation loss of each seed, in nats; not finite where training diverged.
    """

    program: str
    task: str
    share: float
    per_seed: tuple[float, ...]


@dataclass(frozen=True)
class SensitivityPoint:
    """A program with its rate and decay multiplied.

    Attributes:
        program: name of the program.
        rate: factor on the update, which equals a factor on the learning rate.
        decay: factor on the weight decay.
        log_ratio: mean log loss ratio to the tuned AdamW on the validation split, weighted over tasks.
    """

    program: str
    rate: float
    decay: float
    log_ratio: float


@dataclass(frozen=True)
class Studies:
    """Learning curves and sensitivities; empty if they were not trained."""

    curves: tuple[CurvePoint, ...] = ()
    sensitivity: tuple[SensitivityPoint, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: [asdict(point) for point in getattr(self, name)] for name in ("curves", "sensitivity")}


COST: float = 3 * sum(SHARES[:-1]) + 2 * len(FACTORS) * len(
    FACTORS
)  # trainings of all steps that a study takes on each task


def study(champion: Program, tasks: Sequence[Task], seeds: range, runner: TrialRunner) -> Studies:
    """Train the learning curves and sensitivities of the champion and the tuned baselines.

    Args:
        champion: the champion.
        tasks: the tasks of the search.
        seeds: fresh seeds.
        runner: runs the trials.
    """
    entrants = {task.name: {FOUND: champion} | tuned_baselines(task) for task in tasks}
    curves = [_curve(name, program, task, seeds) for task in tasks for name, program in entrants[task.name].items()]
    maps = [
        _sensitivity(name, [entrants[task.name][name] for task in tasks], tasks, seeds) for name in (FOUND, TUNED_ADAMW)
    ]
    points = tuple(point for found in runner.run(curves) for point in found)
    return Studies(points, tuple(point for found in runner.run(maps) for point in found))


def _curve(name: str, program: Program, task: Task, seeds: range) -> Work[list[CurvePoint]]:
    trials = [Trial(program, task, seeds, horizon=share if share < 1 else None) for share in SHARES]
    losses = yield from train(trials)
    return [
        CurvePoint(name, task.name, share, tuple(values.tolist())) for share, values in zip(SHARES, losses, strict=True)
    ]


def _sensitivity(
    name: str, programs: Sequence[Program], tasks: Sequence[Task], seeds: range
) -> Work[list[SensitivityPoint]]:
    """Sensitivity of one program, given with its constants for each task."""
    decays = FACTORS if _decays(live_part(programs[0])) else (1.0,)
    grid = [(rate, decay) for rate in FACTORS for decay in decays]
    pairs = list(zip(tasks, programs, strict=True))
    trials = [Trial(baseline(task), task, seeds) for task in tasks]
    trials += [Trial(scaled(program, *factors), task, seeds) for factors in grid for task, program in pairs]
    losses = iter((yield from train(trials)))
    logs = [weighted_log_loss({task.name: next(losses) for task in tasks}, shares(tasks)) for _ in (None, *grid)]
    with np.errstate(invalid="ignore"):
        ratios = [float(np.mean(own - logs[0])) for own in logs[1:]]
    return [SensitivityPoint(name, *factors, ratio) for factors, ratio in zip(grid, ratios, strict=True)]


def scaled(program: Program, rate: float, decay: float) -> Program:
    """A program whose update is multiplied by `rate`, and whose constants of weight decay by `decay`.

    >>> from primitives import builtin, to_text
    >>> print(to_text(scaled(builtin("signum"), 2.0, 1.0)).splitlines()[-2])
        update = update * 2.0
    """
    part = live_part(program)
    places = _decays(part)
    values = [value * (decay if (line, place) in places else 1) for line, place, value in part.constants()]
    changed = part.with_constants(values)
    if rate == 1:
        return changed
    return Program((*changed.statements, Statement(UPDATE, "multiply", (UPDATE, rate))), changed.slots)


def _decays(part: Program) -> set[tuple[int, int]]:
    """Places of the constants that are a weight decay, in a program of live statements."""
    return {place for place, name in constant_names(part, ()).items() if name.startswith(DECAY)}
