"""The sanity probe: a few training steps that show whether a program can train at all.

A program fails for one of three reasons: a loss is not finite, every loss has exploded, or every loss still equals that
of the initial weights to the last bit. The last means that all updates were zero. The probe takes several steps, since
a program may need some to fill both state slots before its first update.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from primitives import Program, parse
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer

EXPLODED = 100.0  # times the loss at the start; `docs/hurdles.md` shows how far good programs rise
_STILL = parse("def train(w, g, m, v, lr):\n    update = m - m\n    return update, m, v\n")


class Probe:
    """Trains for a few steps on one task and reports the programs that failed.

    Args:
        task: the task to train on.
        seeds: the first seeds of an evaluation; the training loop for this number of seeds is compiled anyway.
        steps: number of steps, from the beginning of the schedule.
        split: rows on which losses are computed.
    """

    def __init__(self, task: Task, seeds: Sequence[int], steps: int, split: str) -> None:
        self._trainer = Trainer(task, seeds, split, horizon=min(steps, task.steps))
        self._where = f"on {task.name} after {min(steps, task.steps)} steps"

    def rises(self, programs: Sequence[Program]) -> np.ndarray:
        """Loss after the steps divided by the loss of the initial weights, shape `(programs, seeds)`."""
        return np.asarray(self._trainer.losses_of(programs) / self._start)

    def faults(self, programs: Sequence[Program]) -> list[str]:
        """Reason for which each program is dropped; an empty string for a program that passed."""
        return [self._fault(rise) for rise in self.rises(programs)]

    def _fault(self, rise: np.ndarray) -> str:
        if not np.all(np.isfinite(rise)):
            return f"sanity: loss not finite {self._where}"
        if np.all(rise == 1):
            return f"sanity: loss unmoved {self._where}"
        return f"sanity: loss {rise.min():.3g} times as high {self._where}" if np.all(rise > EXPLODED) else ""

    @cached_property
    def _start(self) -> np.ndarray:
        """Losses of the initial weights; from the same compiled loop, so that equal losses agree to the last bit."""
        return self._trainer.losses(_STILL)
