"""From a program to what can be taken away: simplified, recognised, exported, with every step on the way."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from primitives.dataflow import live
from primitives.program import Program
from primitives.text import to_text
from proxy_tasks.fitness import Evaluator, Status
from proxy_tasks.task import Task
from selection.comparison import TUNING_SEEDS
from selection.tuning import tune
from simplify.exact import simplify
from simplify.recognise import Recognised, recognise, resembles
from simplify.reduction import reduce
from simplify.steps import Step

REDUCTION_SEEDS = 40_000  # beside those of `selection.comparison`: what is left out is judged on seeds of its own
SEEDS = 24  # an effect of a fifth of the spread over seeds is then as large as the noise


@dataclass(frozen=True)
class Derivation:
    """What a program comes down to.

    Attributes:
        original: the program.
        program: the simplified one.
        steps: what was done, in order.
        recognised: the optimizer that it is; `None` if it is none of those known.
        resembles: the optimizer that it is but for a remainder, if there is one.
    """

    original: Program
    program: Program
    steps: tuple[Step, ...]
    recognised: Recognised | None
    resembles: Recognised | None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        lines, slots = live(self.program)
        return {
            "program": to_text(self.program),
            "steps": [asdict(step) for step in self.steps],
            "recognised": self.recognised.name if self.recognised else None,
            "constants": dict(self.recognised.constants) if self.recognised else {},
            "evidence": self.recognised.evidence if self.recognised else "",
            "resembles": _plain(self.resembles),
            "verdict": self.verdict,
            "statements": len(lines),
            "slots": list(slots),
        }

    @property
    def verdict(self) -> str:
        """What was recognised, in words."""
        if self.recognised:
            return f"recognised: {self.recognised}"
        return f"resembles {self.resembles}" if self.resembles else "no optimizer known here"


def _plain(found: Recognised | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"name": found.name, "constants": dict(found.constants), "remainder": list(found.remainder)}


def derive(
    program: Program,
    evaluator: Evaluator | None = None,
    tuner: Evaluator | None = None,
    trials: int = 0,
    report: Callable[[str], None] = lambda what: None,
) -> Derivation:
    """Simplify a valid program and say what it is.

    Args:
        program: what to simplify.
        evaluator: trains with programs, on seeds that serve for nothing else; without it, simplification is exact.
        tuner: trains with programs to tune the constants after reduction.
        trials: trainings for that; 0 for no tuning.
        report: called with what is being done.

    Raises:
        UserError: the program cannot be trained.
    """
    if evaluator is None:
        found = simplify(program)
    else:
        tuning = partial(_tuned, tuner, trials) if tuner is not None and trials else None
        found = reduce(program, partial(_log_losses, evaluator), tuning, report)
    return Derivation(program, found.program, found.steps, recognise(found.program), resembles(found.program))


def task_evaluator(tasks: Sequence[Task], seeds: int, first: int = REDUCTION_SEEDS) -> Evaluator:
    """An evaluator for reduction, or with other seeds for tuning."""
    return Evaluator(tasks, range(first, first + seeds))


def tuning_evaluator(tasks: Sequence[Task], seeds: int) -> Evaluator:
    """An evaluator for tuning."""
    return task_evaluator(tasks, seeds, TUNING_SEEDS)


def _log_losses(evaluator: Evaluator, program: Program) -> np.ndarray:
    """Log loss of each seed, over the tasks as the fitness weighs them; infinite where training diverged."""
    score = evaluator.evaluate(program)
    if score.status is not Status.OK:
        return np.full(len(next(iter(score.losses.values()), (0, 0))), np.inf)
    return np.asarray(sum(share * np.log(score.losses[name]) for name, share in evaluator.shares.items()))


def _tuned(evaluator: Evaluator, trials: int, program: Program) -> Program:
    return tune(program, lambda draft: evaluator.evaluate(draft).fitness, trials).program
