"""Random search over the constants of a program or an optimizer with a budget of trials.

All entrants have the same number of trials and the same step sizes. The first trials are drawn around the given
constants with wide steps, the others around the best so far with narrow steps. A constant in (0, 1) that weighs an
average changes on the logit scale: the last argument of `interp`, a factor on a state slot, and the averages of a
baseline. Any other constant changes on the log scale and keeps its sign. Zeros and constants of redundant statements do
not change. With few and expensive trials, Bayesian optimization reaches lower losses (`selection.bayesian`).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import numpy as np

from primitives import Program, live
from proxy_tasks import Task, Trainer, mean_log_loss
from selection.comparison import TUNING_SEEDS
from selection.optimizers import Optimizer
from selection.trials import Work

EntrantT = TypeVar("EntrantT", bound=Program | Optimizer)
Objective = Callable[[Program | Optimizer], float]

WIDE, NARROW = 1.3, (0.5, 0.2, 0.08)  # standard deviations of a step, in log or logit units
_AVERAGES = ("b1", "b2", "momentum", "decay_rate")  # constants of baselines
_OWN_AVERAGE = 0.3  # constants of a custom optimizer between this and 1, except the learning rate, count as averages
_MOVED = 0.6  # probability that a narrow step changes a constant


@dataclass(frozen=True)
class TuningResult(Generic[EntrantT]):
    """Result of tuning.

    Attributes:
        program: the program or optimizer with its best constants.
        value: value of the objective that they reached.
    """

    program: EntrantT
    value: float


Proposals = Generator[EntrantT, float, TuningResult[EntrantT]]  # yields trials, receives their values


def tune(
    program: EntrantT,
    objective: Callable[[EntrantT], float],
    trials: int,
    *,
    wide: float = 0.5,
    seed: int = 0,
    report: Callable[[int, float], None] = lambda trial, best: None,
) -> TuningResult[EntrantT]:
    """Search the constants of a program or optimizer for the lowest value of an objective.

    Args:
        program: starting point; its structure does not change.
        objective: `program -> value`; a value that is not finite counts as the worst.
        trials: number of calls of the objective; the first is for the given constants.
        wide: share of the trials that are drawn with wide steps.
        seed: seed of the random search.
        report: called with the number of each trial and the best value so far.
    """
    proposals = random_search(program, trials, wide=wide, seed=seed, report=report)
    try:
        proposal = next(proposals)
        while True:
            proposal = proposals.send(objective(proposal))
    except StopIteration as end:
        found: TuningResult[EntrantT] = end.value
        return found


def tuning_work(
    proposals: Proposals[EntrantT], objective: Callable[[EntrantT], Work[float]]
) -> Work[TuningResult[EntrantT]]:
    """Tuning as a generator of trials; the objective of each proposal is a generator of trials too."""
    try:
        proposal = next(proposals)
        while True:
            proposal = proposals.send((yield from objective(proposal)))
    except StopIteration as end:
        found: TuningResult[EntrantT] = end.value
        return found


def random_search(
    program: EntrantT,
    trials: int,
    *,
    wide: float = 0.5,
    seed: int = 0,
    report: Callable[[int, float], None] = lambda trial, best: None,
) -> Proposals[EntrantT]:
    """Random search as a generator, which yields trials and receives their values; arguments as for `tune`."""
    space = ConstantSpace(program)
    trials = trials if len(space.start) else 1
    generator = np.random.default_rng(seed)
    best, lowest = space.start, np.inf
    for trial in range(trials):
        if trial == 0:
            point = space.start
        elif trial < trials * wide:
            point = space.start + generator.normal(size=len(space.start)) * WIDE
        else:
            uniforms, normals = generator.random(len(best)), generator.normal(size=len(best))
            point = space.near(best, normals, uniforms, generator.choice(NARROW))
        value = yield space.program(point)
        if value < lowest:
            best, lowest = point, value
        report(trial + 1, lowest)
    return TuningResult(space.program(best), float(lowest))


class ConstantSpace(Generic[EntrantT]):
    """The tunable constants of a program or optimizer as a vector without bounds.

    Attributes:
        start: point of the given program.
    """

    def __init__(self, program: EntrantT) -> None:
        self._program: EntrantT = program
        self._values = _constants(program)
        self._places = np.flatnonzero(_tunable(program))
        chosen = self._values[self._places]
        self._signs = np.sign(chosen)
        self._averages = np.array(_averages(program), bool)[self._places] & (chosen > 0) & (chosen < 1)
        self.start = self.point(program)

    def point(self, program: EntrantT) -> np.ndarray:
        """The point of a program of this structure."""
        sizes = np.abs(_constants(program)[self._places])
        sizes = np.maximum(sizes, np.finfo(np.float32).tiny)
        averages = np.where(self._averages, np.minimum(sizes, 1 - 2**-24), 0.5)
        return np.asarray(np.log(sizes) - np.where(self._averages, np.log1p(-averages), 0.0))

    def near(self, point: np.ndarray, normals: np.ndarray, uniforms: np.ndarray, scale: float) -> np.ndarray:
        """A point near another one, from draws of N(0, 1) and U(0, 1); each constant moves with probability 0.6."""
        return point + normals * scale * (uniforms < _MOVED)

    def program(self, point: np.ndarray) -> EntrantT:
        """The program with the constants of a point; `start` gives the given program."""
        if np.array_equal(point, self.start):
            return self._program
        sizes = np.where(self._averages, 1 / (1 + np.exp(-point)), np.exp(np.clip(point, -80.0, 80.0)))
        values = self._values.copy()
        values[self._places] = self._signs * sizes
        return cast("EntrantT", self._program.with_constants(values.tolist()))


def _constants(program: Program | Optimizer) -> np.ndarray:
    values = program.values if isinstance(program, Optimizer) else [value for *_, value in program.constants()]
    return np.array(values)


def _tunable(program: Program | Optimizer) -> list[bool]:
    """Mask of the constants that are tuned: those that are not zero, and in a program, live."""
    if isinstance(program, Optimizer):
        return [value != 0 for value in program.values]
    lines = live(program).lines
    return [line in lines and value != 0 for line, _, value in program.constants()]


def _averages(program: Program | Optimizer) -> list[bool]:
    """Mask of the constants that weigh an average."""
    if isinstance(program, Optimizer):
        own = {name for name, start in list(program.definition.start.items())[1:] if _OWN_AVERAGE < start < 1}
        return [name in (own if program.own else _AVERAGES) for name in program.names]
    found = []
    for line, place, _ in program.constants():
        statement = program.statements[line]
        factor = statement.primitive == "multiply" and not {*statement.arguments}.isdisjoint(program.slots)
        found.append(factor or (statement.primitive == "interp" and place == 2))
    return found


def validation_loss(task: Task, seeds: int) -> Objective:
    """Objective of tuning: the mean log validation loss on a task, over seeds that only tuning uses."""
    trainer = Trainer(task, range(TUNING_SEEDS, TUNING_SEEDS + seeds))

    def objective(program: Program | Optimizer) -> float:
        return mean_log_loss(trainer.losses(program))

    return objective
