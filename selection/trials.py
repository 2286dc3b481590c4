"""Trials: trainings that selection asks for, whoever does them, and however many at once.

Choosing, tuning, reduction and the funnel all ask for the losses of programs on tasks and seeds. Each is written as a
generator that yields the trials that it needs next, is sent their results, and returns what it found. So the same code
runs in this process or on a cluster, side by side with others, and goes on after a crash from the trials that are on
record: its result depends on nothing but the losses.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from hashlib import blake2b
from typing import Protocol, TypeVar

import numpy as np

from primitives.dataflow import live_part
from primitives.program import Program
from primitives.text import to_text
from proxy_tasks.families import fingerprint
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer
from selection.learned import weights_digest
from selection.optimizers import Optimizer

T = TypeVar("T")
Subject = Program | Optimizer

_TRAINERS = 16  # that are kept; each holds the data of a task and the initial weights of its seeds


@dataclass(frozen=True)
class Trial:
    """Training a network for each seed.

    Attributes:
        subject: what trains: a valid program, or a baseline.
        task: what is trained.
        seeds: of the networks, which are trained together.
        split: rows on which the loss is taken.
        horizon: share of the steps after which training stops, in (0, 1], the schedule being that of the whole
            training; `None` for all of them.
    """

    subject: Subject
    task: Task
    seeds: range
    split: str = "validation"
    horizon: float | None = None

    @cached_property
    def key(self) -> tuple[str, str, str, int, int]:
        """What it is known by on record: subject, task, split, first seed, number of seeds."""
        task = _task_key(self.task) if self.horizon is None else f"{_task_key(self.task)}@{self.horizon:g}"
        return (subject_text(self.subject), task, self.split, self.seeds.start, len(self.seeds))

    def losses(self) -> np.ndarray:
        """Train, here and now. Loss of each seed, not finite where training diverged; shape `(seeds,)`."""
        return np.asarray(_trainer(self.task, self.seeds, self.split, self.horizon).losses(self.subject), float)


Work = Generator[list[Trial], list[np.ndarray], T]


class Bench(Protocol):
    """Does trials."""

    @property
    def width(self) -> int:
        """How many trials are done at once."""

    def run(self, works: Sequence[Work[T]]) -> list[T]:
        """Bring several works to their ends side by side; their results, in order."""


class Local:
    """Does trials in this process, one after the other, and remembers them."""

    width = 1

    def __init__(self) -> None:
        self._known: dict[object, np.ndarray] = {}

    def run(self, works: Sequence[Work[T]]) -> list[T]:
        """Bring the works to their ends, one after the other."""
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
    """The plainest work: the losses of some trials."""
    return (yield list(trials))


def subject_text(subject: Subject) -> str:
    """What a subject is known by: the live part of a program, or the name and constants of a baseline."""
    if isinstance(subject, Program):
        return to_text(live_part(subject))
    return f"{subject} with weights {weights_digest()}" if subject.name == "learned" else str(subject)


@cache
def _task_key(task: Task) -> str:
    """The name of a task and a digest of what it is, so that records of another task by that name are not mixed in."""
    settings = sorted((key, value) for key, value in task.settings.items() if key != "data")  # a path
    facts = (task.batch, task.steps, task.schedule_power, task.peak, settings, task.circumstances, fingerprint(task))
    return f"{task.name}:{blake2b(repr(facts).encode(), digest_size=6).hexdigest()}"


@lru_cache(maxsize=_TRAINERS)
def _trainer(task: Task, seeds: range, split: str, horizon: float | None) -> Trainer:
    """Small tasks are for the interpreter; where training takes long, XLA compiles each program."""
    return Trainer(task, seeds, split, compile_programs=task.size > 1, horizon=horizon)
