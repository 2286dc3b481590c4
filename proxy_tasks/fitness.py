"""Fitness: the log ratio of the validation loss to that of the tuned AdamW, plus a price.

    fitness(program) = Σ_tasks share(task) · mean_seeds log(loss(program) / loss(AdamW))  +  price(program)

Lower is better: 0 is as good as the tuned AdamW, and −0.1 is a loss about ten per cent lower. The share of a task is
the inverse of its noise over seeds, so that a noisy task does not decide alone. The price, zero by default, is a small
charge for live statements and live state slots. Losses of the program and of AdamW are paired by seed.
`proxy_tasks.loss` has the formulas.

An evaluation has stages of increasing cost, and a program that fails a stage is not trained further:

1. sanity probe (`sanity_steps`): a few steps on the first seeds show whether the program can train at all;
2. short training (`short_share`): a share of the steps on the first seeds;
3. first seeds (`first_seeds`): the fitness on them must not exceed the hurdle;
4. race (`race`): more seeds in stages, with a hurdle after each;
5. all seeds.

The hurdle is computed from the fitness of other programs on the same seeds. A fixed hurdle would not work, since on a
few seeds the baseline may be lucky, which shifts the fitness of every program.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

import numpy as np

from primitives import Program
from proxy_tasks.baselines import baseline, shares
from proxy_tasks.loss import Price, fault, fitness_of
from proxy_tasks.sanity import Probe
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer

Heights = float | Sequence[float]  # fitness of the hurdle on the first seeds, and of the hurdles of a race


class Status(StrEnum):
    """Outcome of an evaluation."""

    OK = "ok"  # trained on all seeds
    REJECTED = "rejected"  # its fitness exceeded a hurdle
    UNSOUND = "unsound"  # failed the sanity probe
    DIVERGED = "diverged"  # a loss was not finite
    CRASHED = "crashed"  # ended the process that trained it
    TIMEOUT = "timeout"  # exceeded its time limit


@dataclass(frozen=True, slots=True)
class Score:
    """Result of an evaluation.

    Attributes:
        status: outcome.
        fitness: log loss ratio to the tuned AdamW, plus price; infinite if training diverged.
        first_fitness: fitness on the first seeds only, which is compared with the hurdle.
        reason: readable reason for a status other than `ok`; empty otherwise.
        losses: validation loss of each trained seed, for each task.
        later: fitness after each stage of a race that was reached, without the last stage of all seeds.
    """

    status: Status
    fitness: float
    first_fitness: float
    reason: str = ""
    losses: dict[str, tuple[float, ...]] = field(default_factory=dict)
    later: tuple[float, ...] = ()


@dataclass
class _Run:
    """State of an evaluation in progress."""

    program: Program
    references: dict[str, tuple[float, ...]] = field(default_factory=dict)  # losses of AdamW on the seeds so far
    losses: dict[str, tuple[float, ...]] = field(default_factory=dict)
    reached: list[float] = field(default_factory=list)  # fitness after each stage
    score: Score | None = None  # set as soon as it is decided

    def check(self, hurdle: float, when: str) -> None:
        """Reject the program if its fitness after the latest stage exceeds the hurdle."""
        if self.score is None and self.reached and self.reached[-1] > hurdle:
            first, *later = self.reached
            reason = f"beyond the hurdle {hurdle:.4f} {when}"
            self.score = Score(Status.REJECTED, self.reached[-1], first, reason, self.losses, tuple(later))

    def result(self) -> Score:
        """The score of a program that was rejected or has completed all stages."""
        later = tuple(self.reached[1:-1])
        return self.score or Score(Status.OK, self.reached[-1], self.reached[0], "", self.losses, later)

    def take(self, task: str, found: np.ndarray, reference: np.ndarray) -> None:
        """Add the losses of some seeds, and the losses of AdamW on the same seeds."""
        self.losses[task] = self.losses.get(task, ()) + tuple(found.tolist())
        self.references[task] = self.references.get(task, ()) + tuple(reference.tolist())
        reason = fault(found, task)
        if reason:
            self.score = Score(Status.DIVERGED, math.inf, math.inf, reason, self.losses)


class Evaluator:
    """Scores programs on tasks.

    Args:
        tasks: tasks to train on; each needs a tuned baseline.
        seeds: the seeds of an evaluation.
        first_seeds: number of seeds that are trained before the hurdle; 0 for no hurdle.
        statement_price: added to the fitness for each live statement.
        slot_price: added to the fitness for each live state slot.
        split: rows on which losses are computed.
        short_share: share of the steps of the short training; 0 for none.
        short_margin: margin added to the hurdle after the short training, whose reference is an equally short AdamW.
        race: numbers of seeds, between `first_seeds` and all, after which there is another hurdle.
        sanity_steps: steps of the sanity probe; 0 for none.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        seeds: Sequence[int],
        first_seeds: int = 0,
        *,
        statement_price: float = 0.0,
        slot_price: float = 0.0,
        split: str = "validation",
        short_share: float = 0.0,
        short_margin: float = math.inf,
        race: Sequence[int] = (),
        sanity_steps: int = 0,
    ) -> None:
        self.shares = shares(tasks)
        self.price = Price(statement_price, slot_price)
        self._ends = [end for end in (first_seeds, *race, len(seeds)) if end]  # seeds at the end of each stage
        groups = [seeds[begin:end] for begin, end in pairwise((0, *self._ends)) if begin < end]
        self._stages = [[Trainer(task, group, split) for task in tasks] for group in groups]
        self._probes = [Probe(task, groups[0], sanity_steps, split) for task in tasks if sanity_steps]
        self._short: list[Trainer] = []
        if short_share and first_seeds:
            steps = [max(1, round(short_share * task.steps)) for task in tasks]
            self._short = [Trainer(t, groups[0], split, horizon=n) for t, n in zip(tasks, steps, strict=True)]
        self._short_margin = short_margin
        self._references: dict[Trainer, np.ndarray] = {}

    def evaluate(self, program: Program, hurdle: Heights = math.inf) -> Score:
        """Score a program.

        Args:
            program: a valid program.
            hurdle: fitness on the first seeds above which the program is rejected; with a race, a sequence of this
                value and the hurdle of each stage.
        """
        return self.evaluate_all([program], [hurdle])[0]

    def evaluate_all(self, programs: Sequence[Program], hurdles: Sequence[Heights]) -> list[Score]:
        """Score many programs, each against its own hurdles; on an accelerator they are trained in batches."""
        heights = [(hurdle,) if isinstance(hurdle, int | float) else hurdle for hurdle in hurdles]
        runs = [self._run(program) for program in programs]
        for probe in self._probes:
            left = [run for run in runs if run.score is None]
            for run, reason in zip(left, probe.faults([run.program for run in left]), strict=True):
                run.score = Score(Status.UNSOUND, math.inf, math.inf, reason) if reason else None
        if self._short:
            looks = [self._run(run.program, run.score) for run in runs]
            self._train(self._short, looks)
            for run, look, height in zip(runs, looks, heights, strict=True):
                look.check(height[0] + self._short_margin, "early on")
                run.score = look.score
        for place, stage in enumerate(self._stages):
            if place:
                when = "on the first seeds" if place == 1 else f"on {self._ends[place - 1]} seeds"
                for run, height in zip(runs, heights, strict=True):
                    run.check(height[place - 1] if place <= len(height) else math.inf, when)
            self._train(stage, runs)
        return [run.result() for run in runs]

    def _run(self, program: Program, score: Score | None = None) -> _Run:
        return _Run(program, score=score)

    def _train(self, trainers: Sequence[Trainer], runs: Sequence[_Run]) -> None:
        """Train with each program that has no score yet, and note the fitness that it has reached."""
        for trainer in trainers:
            left = [run for run in runs if run.score is None]
            for run, found in zip(left, trainer.losses_of([run.program for run in left]), strict=True):
                run.take(trainer.task.name, found, self._reference(trainer))
        for run in runs:
            if run.score is None:
                run.reached.append(fitness_of(run.losses, run.references, self.shares) + self.price.of(run.program))

    def _reference(self, trainer: Trainer) -> np.ndarray:
        """Loss of the tuned AdamW for each seed; AdamW is trained at the first call."""
        if trainer not in self._references:
            self._references[trainer] = trainer.losses(baseline(trainer.task))
        return self._references[trainer]
