"""Comparison of the parts of a program: which change makes no difference in training.

Let d be the mean over seeds of the difference in log loss to the original, paired by seed, and s the standard error of
the mean log loss of the original over these seeds. A change makes no difference if |d| ≤ s: training the original with
other seeds would change its loss as much.

- Every comparison is with the original, so that small deteriorations do not accumulate.
- The comparison is repeated at several scales of the schedule (1, 8 and 64 times `lr`). If the learning rate of a
  program is far too small, its weights hardly change, and every part would seem to have no effect. Scales at which the
  original diverges are skipped.
- A change that lowers the loss by more than s makes a difference, too. Better optimizers must come from the search and
  be judged on fresh seeds.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from primitives import LEARNING_RATE, Program, Statement, UserError
from simplify.probes import Conditions, agree

T = TypeVar("T")
Waiting = Generator[Any, Any, T]  # a computation that yields the trainings for which it waits
Score = Callable[[Sequence[Program]], Waiting[list[np.ndarray]]]

SCALES = (64.0, 8.0, 1.0)  # factors on the schedule; the most sensitive comparison comes first
_GRADIENTS = (1.0, 0.03, 30.0)  # sizes of the gradients at which updates are compared on probes


@dataclass(frozen=True)
class Verdict:
    """Comparison with the original at one scale of the schedule.

    Attributes:
        kept: whether the two programs cannot be distinguished.
        change: mean difference in log loss; not finite if training diverged.
        noise: largest difference that passes.
        scale: factor on the schedule.
    """

    kept: bool
    change: float
    noise: float
    scale: float

    def __str__(self) -> str:
        return f"log loss {self.change:+.4f} with lr × {self.scale:g}, ± {self.noise:.4f} is noise"


class Yardstick:
    """Compares programs with an original by the rule above.

    Args:
        score: `programs -> log losses` of each program, shape `(seeds,)`, always on the same seeds; not finite where
            training diverged.
        losses: log losses of the original at each scale of the schedule.
    """

    def __init__(self, score: Score, losses: dict[float, np.ndarray]) -> None:
        self._score = score
        self._losses = {scale: values for scale, values in losses.items() if np.all(np.isfinite(values))}
        if not self._losses:
            raise UserError("the program diverges on this task, so that no ablation can be compared with it")
        if min(len(values) for values in self._losses.values()) < 2:
            raise UserError("reduction needs at least 2 seeds to estimate the noise")

    @classmethod
    def of(cls, original: Program, score: Score, scales: Sequence[float] = SCALES) -> Waiting["Yardstick"]:
        """Train the original at each scale, and make its yardstick."""
        losses = yield from score([scaled(original, scale) for scale in scales])
        return cls(score, {scale: np.asarray(values, float) for scale, values in zip(scales, losses, strict=True)})

    @property
    def scales(self) -> tuple[float, ...]:
        """Scales at which the original does not diverge, the most sensitive first."""
        return tuple(self._losses)

    def judge(self, programs: Sequence[Program], scales: Sequence[float] = ()) -> Waiting[list[Verdict]]:
        """Verdict on each program at the first scale that distinguishes it from the original, or at the last scale."""
        verdicts: dict[int, Verdict] = {}
        left = list(range(len(programs)))
        for scale in scales or self.scales:
            scores = (yield from self._score([scaled(programs[index], scale) for index in left])) if left else []
            verdicts |= {index: self._verdict(values, scale) for index, values in zip(left, scores, strict=True)}
            left = [index for index in left if verdicts[index].kept]
        return [verdicts[index] for index in range(len(programs))]

    def _verdict(self, losses: np.ndarray, scale: float) -> Verdict:
        reference = self._losses[scale]
        noise = float(np.std(reference, ddof=1) / np.sqrt(len(reference)))
        change = float(np.mean(np.asarray(losses, float) - reference))
        return Verdict(bool(abs(change) <= noise), change, noise, scale)


def plain(score: Callable[[Program], np.ndarray]) -> Score:
    """Make a score that does not wait from a plain function, for `reduce` and `Yardstick` outside of a run."""

    def scores(programs: Sequence[Program]) -> Waiting[list[np.ndarray]]:
        yield from ()
        return [score(program) for program in programs]

    return scores


def at_once(work: Waiting[T]) -> T:
    """The result of a computation whose scores do not wait (see `plain`)."""
    try:
        next(work)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("the computation waits for a training; run it with a `TrialRunner`")


def scaled(program: Program, scale: float) -> Program:
    """The program with a factor on its learning rate."""
    if scale == 1:
        return program
    return program._replace(
        statements=(Statement(LEARNING_RATE, "multiply", (LEARNING_RATE, scale)), *program.statements)
    )


def alike(first: Program, second: Program, peak: float) -> bool:
    """Whether two programs give the same updates on probes with learning rates up to the peak."""
    return all(agree(first, second, conditions=Conditions(size, peak)) for size in _GRADIENTS)
