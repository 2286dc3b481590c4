"""Trials: the trainings that tuning, ranking, ablation and the funnel request, and the code that runs them.

Each of these procedures is a generator (`Work`): it yields the trials that it needs next, receives their losses, and
returns its result, which depends on the losses alone. The same code can therefore run in this process or on a cluster,
concurrently with others, and continue after a crash from the recorded trials.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from hashlib import blake2b
from typing import Protocol, TypeVar

import numpy as np

from primitives import Program, live_part, to_text
from proxy_tasks import Task, Trainer, fingerprint, in_batches, train_on_own_seeds
from selection.learned import weights_digest
from selection.optimizers import Optimizer

T = TypeVar("T")
Entrant = Program | Optimizer

_TRAINERS = 16  # number of cached trainers; each has the data of a task and the initial weights of its seeds


@dataclass(frozen=True)
class Trial:
    """Training one network for each seed.

    Attributes:
        entrant: a valid program or an optimizer.
        task: task to train on.
        seeds: seeds of the networks, which are trained together.
        split: rows on which the loss is computed.
        horizon: share of the steps, in (0, 1], after which training stops; the schedule is that of the whole training.
            `None` for all steps.
    """

    entrant: Entrant
    task: Task
    seeds: range
    split: str = "validation"
    horizon: float | None = None

    @cached_property
    def key(self) -> tuple[str, str, str, int, int]:
        """Key in the journal: entrant, task, split, first seed, number of seeds."""
        task = _task_key(self.task) if self.horizon is None else f"{_task_key(self.task)}@{self.horizon:g}"
        return (entrant_text(self.entrant), task, self.split, self.seeds.start, len(self.seeds))

    def losses(self) -> np.ndarray:
        """Train in this process; returns the loss of each seed, shape `(seeds,)`, not finite if training diverged."""
        return np.asarray(_trainer(self.task, self.seeds, self.split, self.horizon).losses(self.entrant), float)


Work = Generator[list[Trial], list[np.ndarray], T]


class TrialRunner(Protocol):
    """Runs trials."""

    @property
    def width(self) -> int:
        """Number of trials that are run at the same time."""

    def run(self, works: Sequence[Work[T]]) -> list[T]:
        """Run several generators of trials (`Work`) concurrently to their ends; returns their results in order."""


class LocalTrials:
    """Runs trials in this process, one after the other, and keeps their losses."""

    width = 1

    def __init__(self) -> None:
        self._known: dict[object, np.ndarray] = {}

    def run(self, works: Sequence[Work[T]]) -> list[T]:
        """Complete the works, one after the other."""
        return [self._run(work) for work in works]

    def _run(self, work: Work[T]) -> T:
        try:
            trials = next(work)
            while True:
                trials = work.send([self._losses(trial) for trial in trials])
        except StopIteration as end:
            result: T = end.value
            return result

    def _losses(self, trial: Trial) -> np.ndarray:
        if trial.key not in self._known:
            self._known[trial.key] = trial.losses()
        return self._known[trial.key]


def train(trials: Sequence[Trial]) -> Work[list[np.ndarray]]:
    """A generator that requests some trials and returns their losses."""
    return (yield list(trials))


def losses_together(trials: Sequence[Trial]) -> list[np.ndarray]:
    """Losses of many trials, in their order; on an accelerator programs are trained in batches.

    The batches depend on the trials alone. Trials of one task, split and horizon are trained together if they have the
    same number of seeds, under the same circumstances.
    """
    alike: dict[object, list[int]] = {}
    for place, trial in enumerate(trials):
        alike.setdefault(_batch_key(trial) if isinstance(trial.entrant, Program) else place, []).append(place)
    losses: dict[int, np.ndarray] = {}
    for places in alike.values():
        losses |= zip(places, _losses_of([trials[place] for place in places]), strict=True)
    return [losses[place] for place in range(len(trials))]


def _batch_key(trial: Trial) -> object:
    """Key that is equal for trials of programs which can be trained together."""
    circumstances = tuple(trial.task.circumstance(seed) for seed in trial.seeds)
    seeds = circumstances if in_batches() and _interprets(trial.task) else trial.seeds
    return (trial.task, seeds, trial.split, trial.horizon)


def _losses_of(trials: Sequence[Trial]) -> Sequence[np.ndarray]:
    """Losses of trials that can be trained together."""
    first = trials[0]
    programs = [trial.entrant for trial in trials if isinstance(trial.entrant, Program)]
    if not programs:
        return [trial.losses() for trial in trials]
    if all(trial.seeds == first.seeds for trial in trials):
        found = _trainer(first.task, first.seeds, first.split, first.horizon).losses_of(programs)
    else:
        found = train_on_own_seeds(first.task, programs, [trial.seeds for trial in trials], first.split, first.horizon)
    return list(np.asarray(found, float))


def entrant_text(entrant: Entrant) -> str:
    """Key of an entrant in the journal: the live part of a program, or the name and constants of an optimizer."""
    if isinstance(entrant, Program):
        return to_text(live_part(entrant))
    if entrant.own is not None:
        return f"{entrant} of {entrant.own.token}"
    return f"{entrant} with weights {weights_digest()}" if entrant.name == "learned" else str(entrant)


@cache
def _task_key(task: Task) -> str:
    """Key of a task in the journal: its name, and a digest of its description and data."""
    settings = sorted((key, value) for key, value in task.settings.items() if key != "data")  # a path
    facts = (task.batch, task.steps, task.schedule_power, task.peak, settings, task.circumstances, fingerprint(task))
    return f"{task.name}:{blake2b(repr(facts).encode(), digest_size=6).hexdigest()}"


@lru_cache(maxsize=_TRAINERS)
def _trainer(task: Task, seeds: range, split: str, horizon: float | None) -> Trainer:
    """A cached trainer, which interprets programs on small tasks and compiles them on larger ones."""
    return Trainer(task, seeds, split, compile_programs=not _interprets(task), horizon=horizon)


def _interprets(task: Task) -> bool:
    """Whether programs are interpreted on a task."""
    return task.size == 1
