"""Which trainings a group of claims used, and whether one of them has to be run again."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from search.record import Journal, Key
from selection import Trial, TrialRunner, Work

T = TypeVar("T")


class UsedTrials:
    """Runs trials, and remembers their keys.

    Args:
        runner: runs the trials.
    """

    def __init__(self, runner: TrialRunner) -> None:
        self._runner = runner
        self._keys: set[Key] = set()

    @property
    def width(self) -> int:
        """Number of trials that are run at the same time."""
        return self._runner.width

    def run(self, works: Sequence[Work[T]]) -> list[T]:
        """Run several generators of trials concurrently to their ends; returns their results in order."""
        return self._runner.run([self._watched(work) for work in works])

    def _watched(self, work: Work[T]) -> Work[T]:
        losses: list[np.ndarray] | None = None
        while True:
            try:
                trials: list[Trial] = work.send(losses)  # type: ignore[arg-type]  # None starts a generator
            except StopIteration as end:
                result: T = end.value
                return result
            self._keys |= {trial.key for trial in trials}
            losses = yield trials

    def failed(self, journal: Journal) -> int:
        """Number of these trials that crashed their worker or took too long, and that the next command runs again."""
        return len((self._keys & journal.failed_trials().keys()) - journal.trials().keys())
