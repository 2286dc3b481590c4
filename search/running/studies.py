"""Trainings that only the report shows: learning curves, and the sensitivity to learning rate and weight decay.

A learning curve is the validation loss of one training, stopped after a share of its steps; the schedule is that of
the whole training, so that the points of a curve lie on one trajectory. These trainings use the compiled loop and the
seeds of the last table. They are part of a run where they cost at most `LARGEST_SHARE` of what it has trained, so that
short searches do not spend most of their time on them; `optsearch report --train` runs them in any case.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from primitives import DECAY, UPDATE, Program, Statement, constant_names, live_part
from proxy_tasks import Task, baseline, shares, weighted_log_loss
from selection import Trial, TrialRunner, Work, train, tuned_baselines

SHARES = (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)  # of the steps
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of rate and decay
LARGEST_SHARE = 0.05
FOUND, ADAMW = "found", "adamw (tuned)"  # names of the champion and of the reference in tables


@dataclass(frozen=True)
class CurvePoint:
    """A point of a learning curve.

    Attributes:
        program: name of the program.
        task: name of the task.
        share: of the steps, in (0, 1].
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
        rate: factor of the update, which is that of the learning rate.
        decay: factor of the weight decay.
        log_ratio: mean log loss ratio to the tuned AdamW on the validation split, weighted over tasks.
    """

    program: str
    rate: float
    decay: float
    log_ratio: float


@dataclass(frozen=True)
class Studies:
    """Learning curves and sensitivities; empty where they were not trained."""

    curves: tuple[CurvePoint, ...] = ()
    sensitivity: tuple[SensitivityPoint, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: [asdict(point) for point in getattr(self, name)] for name in ("curves", "sensitivity")}


COST: float = 3 * sum(SHARES[:-1]) + 2 * len(FACTORS) * len(
    FACTORS
)  # trainings of all steps that a study takes on each task


def study(champion: Program, tasks: Sequence[Task], seeds: range, runner: TrialRunner) -> Studies:
    """Train what the figures of the report need: champion and tuned baselines on each task.

    Args:
        champion: the champion.
        tasks: tasks of the search.
        seeds: fresh seeds.
        runner: runs the trials.
    """
    entrants = {task.name: {FOUND: champion} | tuned_baselines(task) for task in tasks}
    curves = [_curve(name, program, task, seeds) for task in tasks for name, program in entrants[task.name].items()]
    maps = [_sensitivity(name, [entrants[task.name][name] for task in tasks], tasks, seeds) for name in (FOUND, ADAMW)]
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
    """The map of one program, given with its constants for each task."""
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
