"""Fitness: how much lower the validation loss is than that of the tuned AdamW.

    fitness(program) = Σ_tasks share(task) · mean_seeds log(loss(program) / loss(AdamW))  +  price(program)

Zero is as good as the tuned AdamW, −0.1 about ten per cent lower loss, and lower is better. A task's share is the
inverse of its noise over seeds, so that a noisy task does not decide alone. The price, zero by default, is a small
charge for live statements and live state slots. Losses of a program and the baseline are paired by seed.

Cheap first: the first few seeds of each task are trained alone, and a program whose fitness on them is beyond a
hurdle is rejected without the rest. A hurdle compares like with like: it is set by what other programs reached on the
same first seeds, since on any few seeds the baseline may have been lucky. Before that, the first seeds may be trained
for a share of the steps only, which tells what will never work (`short_share`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from primitives.dataflow import live
from primitives.program import Program
from proxy_tasks.baselines import baseline, shares
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer


class Status(StrEnum):
    """What became of an evaluation."""

    OK = "ok"  # trained on all seeds
    REJECTED = "rejected"  # beyond the hurdle on the first seeds
    DIVERGED = "diverged"  # a loss that is not finite
    CRASHED = "crashed"  # it ended the process that trained it
    TIMEOUT = "timeout"  # it took longer than it was given


@dataclass(frozen=True, slots=True)
class Score:
    """Result of an evaluation.

    Attributes:
        status: what became of it.
        fitness: log loss ratio to the tuned AdamW plus price; infinite where training diverged.
        first_fitness: the same on the first seeds alone, which is what a hurdle is compared with.
        reason: why it was not `ok`, for people; empty otherwise.
        losses: for each task the validation loss of each seed that was trained.
    """

    status: Status
    fitness: float
    first_fitness: float
    reason: str = ""
    losses: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass
class _Run:
    """An evaluation under way."""

    program: Program
    ratios: dict[str, list[float]]  # for each task log(loss / loss of AdamW) of the seeds so far
    losses: dict[str, tuple[float, ...]] = field(default_factory=dict)
    reached: list[float] = field(default_factory=list)  # fitness after each stage
    score: Score | None = None  # set as soon as it is decided

    def check(self, hurdle: float, when: str) -> None:
        """Reject what is beyond the hurdle on the first seeds."""
        if self.score is None and self.reached and self.reached[0] > hurdle:
            reason = f"beyond the hurdle {hurdle:.4f} {when}"
            self.score = Score(Status.REJECTED, self.reached[0], self.reached[0], reason, self.losses)

    def take(self, task: str, found: np.ndarray, reference: np.ndarray) -> None:
        """Take in the losses of some seeds, and the log losses of AdamW on the same."""
        self.losses[task] = self.losses.get(task, ()) + tuple(found.tolist())
        fault = _fault(found, task)
        if fault:
            self.score = Score(Status.DIVERGED, math.inf, math.inf, fault, self.losses)
        else:
            self.ratios[task] += (np.log(found) - reference).tolist()


class Evaluator:
    """Scores programs on tasks.

    Args:
        tasks: what to train; each needs a tuned baseline.
        seeds: the seeds of an evaluation.
        first_seeds: how many of them are trained before the hurdle; 0 for no hurdle.
        statement_price: added to the fitness for each live statement.
        slot_price: added to the fitness for each live state slot.
        split: rows on which losses are taken.
        short_share: share of the steps after which the first seeds are looked at before anything else; 0 for no look.
        short_margin: how far beyond the hurdle a program may be then, AdamW having come as far.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        seeds: Sequence[int],
        first_seeds: int = 0,
        statement_price: float = 0.0,
        slot_price: float = 0.0,
        split: str = "validation",
        short_share: float = 0.0,
        short_margin: float = math.inf,
    ) -> None:
        self.shares = shares(tasks)
        self._prices = (statement_price, slot_price)
        groups = [group for group in (seeds[:first_seeds], seeds[first_seeds:]) if group]
        self._stages = [[Trainer(task, group, split) for task in tasks] for group in groups]
        self._short: list[Trainer] = []
        if short_share and first_seeds:
            steps = [max(1, round(short_share * task.steps)) for task in tasks]
            self._short = [Trainer(t, groups[0], split, horizon=n) for t, n in zip(tasks, steps, strict=True)]
        self._short_margin = short_margin
        self._references: dict[Trainer, np.ndarray] = {}

    def evaluate(self, program: Program, hurdle: float = math.inf) -> Score:
        """Train with a valid program and score it; see the module for what the fitness is."""
        return self.evaluate_all([program], [hurdle])[0]

    def evaluate_all(self, programs: Sequence[Program], hurdles: Sequence[float]) -> list[Score]:
        """Score many programs, each with its hurdle; on an accelerator they are trained in batches."""
        runs = [self._run(program) for program in programs]
        if self._short:
            looks = [self._run(program) for program in programs]
            self._train(self._short, looks)
            for run, look, hurdle in zip(runs, looks, hurdles, strict=True):
                look.check(hurdle + self._short_margin, "early on")
                run.score = look.score
        for stage in self._stages:
            for run, hurdle in zip(runs, hurdles, strict=True):
                run.check(hurdle, "on the first seeds")
            self._train(stage, runs)
        return [run.score or Score(Status.OK, run.reached[-1], run.reached[0], "", run.losses) for run in runs]

    def _run(self, program: Program) -> _Run:
        return _Run(program, {name: [] for name in self.shares})

    def _train(self, trainers: Sequence[Trainer], runs: Sequence[_Run]) -> None:
        """Train with every program that is not decided yet, and note what fitness it has reached."""
        for trainer in trainers:
            left = [run for run in runs if run.score is None]
            for run, found in zip(left, trainer.losses_of([run.program for run in left]), strict=True):
                run.take(trainer.task.name, found, self._reference(trainer))
        for run in runs:
            if run.score is None:
                run.reached.append(self._combine(run.ratios) + self.price(run.program))

    def price(self, program: Program) -> float:
        """What the live statements and the live state slots of a program cost."""
        lines, slots = live(program)
        return self._prices[0] * len(lines) + self._prices[1] * len(slots)

    def _reference(self, trainer: Trainer) -> np.ndarray:
        """Log loss of the tuned AdamW for each seed; trained when it is first asked for."""
        if trainer not in self._references:
            self._references[trainer] = np.log(trainer.losses(baseline(trainer.task)))
        return self._references[trainer]

    def _combine(self, ratios: dict[str, list[float]]) -> float:
        return sum(share * float(np.mean(ratios[name])) for name, share in self.shares.items())


def _fault(losses: np.ndarray, task: str) -> str:
    """Why losses cannot be compared; empty if they can. A loss of exactly zero is an overflow, not a success."""
    bad = int(np.sum(~np.isfinite(losses)))
    if bad:
        return f"loss not finite on {task} for {bad} of {len(losses)} seeds"
    return f"loss of exactly zero on {task}" if np.any(losses <= 0) else ""
