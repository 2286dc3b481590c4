"""The sanity probe: a handful of steps before any training, which drop what cannot train at all.

Three things are told apart: losses that are not finite, losses that have exploded, and losses that are still those of
the initial weights, to the last bit and for every seed. The last is an update of zero: it may take some steps until
both state slots are filled, hence a handful and not one.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from primitives import Program, parse
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer

EXPLODED = 100.0  # times the loss at the start; `docs/hurdles.md` has how far good programs rise
_STILL = parse("def train(w, g, m, v, lr):\n    update = m - m\n    return update, m, v\n")


class Probe:
    """Trains for a few steps on one task.

    Args:
        task: what to train.
        seeds: the first seeds of an evaluation, for which the training loop is compiled in any case.
        steps: of the schedule, from its beginning.
        split: rows on which losses are taken.
    """

    def __init__(self, task: Task, seeds: Sequence[int], steps: int, split: str) -> None:
        self._trainer = Trainer(task, seeds, split, horizon=min(steps, task.steps))
        self._where = f"on {task.name} after {min(steps, task.steps)} steps"

    def rises(self, programs: Sequence[Program]) -> np.ndarray:
        """Loss after the steps over that of the initial weights, shape `(programs, seeds)`."""
        return np.asarray(self._trainer.losses_of(programs) / self._start)

    def faults(self, programs: Sequence[Program]) -> list[str]:
        """Why each program is dropped; empty for what may go on."""
        return [self._fault(rise) for rise in self.rises(programs)]

    def _fault(self, rise: np.ndarray) -> str:
        if not np.all(np.isfinite(rise)):
            return f"sanity: loss not finite {self._where}"
        if np.all(rise == 1):
            return f"sanity: loss unmoved {self._where}"
        return f"sanity: loss {rise.min():.3g} times as high {self._where}" if np.all(rise > EXPLODED) else ""

    @cached_property
    def _start(self) -> np.ndarray:
        """Losses of the initial weights, from the same compiled loop, so that they can be equal to the last bit."""
        return self._trainer.losses(_STILL)
