"""Derivation of a program: simplification, recognition, and every step of both."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from primitives import Program, live, to_text
from selection.fitness_on_seeds import FitnessOnSeeds
from selection.trials import LocalTrials, TrialRunner, Work
from selection.tuning import random_search, tuning_work
from simplify import Recognised, Step, recognise, reduce, resembles, simplify

DERIVATION_SEEDS = 24  # with 24 seeds, the standard error of a mean is a fifth of the spread over seeds


@dataclass(frozen=True)
class Derivation:
    """Result of simplifying and recognising a program.

    Attributes:
        original: the program before simplification.
        program: the simplified program.
        steps: steps of the simplification, in order.
        recognised: the published optimizer that the program is; `None` if it is none of the known ones.
        resembles: the published optimizer that the program differs from by a remainder; `None` if there is none.
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
        """The result of recognition as a phrase."""
        if self.recognised:
            return f"recognised: {self.recognised}"
        return f"resembles {self.resembles}" if self.resembles else "no optimizer known here"


def _plain(found: Recognised | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"name": found.name, "constants": dict(found.constants), "remainder": list(found.remainder)}


def derive(
    program: Program,
    judge: FitnessOnSeeds | None = None,
    tuner: FitnessOnSeeds | None = None,
    *,
    trials: int = 0,
    runner: TrialRunner | None = None,
    report: Callable[[str], None] = lambda what: None,
) -> Derivation:
    """Simplify a valid program and recognise it.

    Args:
        program: the program.
        judge: fitness by which ablations are kept, on seeds that nothing else uses; without it, simplification is
            exact.
        tuner: fitness by which the constants are tuned after ablations.
        trials: number of evaluations for this tuning; 0 for none.
        runner: runs the trials; this process by default.
        report: called with a line of text at the start of each phase.

    Raises:
        UserError: the program cannot be trained.
    """
    if judge is None:
        found = simplify(program)
    else:
        runner = runner or LocalTrials()
        tuning = partial(_tuned, tuner, trials) if tuner is not None and trials else None
        peak = max(task.largest_rate for task in judge.tasks)
        (found,) = runner.run([reduce(program, judge.log_losses, tuning, report, runner.width, peak)])
    return Derivation(program, found.program, found.steps, recognise(found.program), resembles(found.program))


def _tuned(tuner: FitnessOnSeeds, trials: int, program: Program) -> Work[Program]:
    def fitness(draft: Program) -> Work[float]:
        return (yield from tuner.fitness(draft)).fitness

    return (yield from tuning_work(random_search(program, trials), fitness)).program
