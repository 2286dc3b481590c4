"""The bench of a run: trials go to its executor, and their losses into its journal as they come.

What is on record is not trained again. So a run that was killed in the middle of a selection goes on where it was, and
whatever was concluded can be concluded again from the journal alone. What ended its worker counts as diverged and is
not put on record: the next command tries it again, since the reason may have been the machine. Checks are an
exception, as a repeat may have been ended for what they said.
"""

import math
from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

import numpy as np

from proxy_tasks.fitness import Score, Status
from search.execution.executor import Executor, Job, Key
from search.record.journal import Journal
from selection.comparison import CHECK_SEEDS
from selection.trials import Trial, Work

T = TypeVar("T")

TRIALS = -1  # in place of the repeat, in the key of a job


class RecordedBench:
    """Does trials through an executor, and records them.

    Args:
        journal: of the run.
        executor: does what is not on record.
        done: is called whenever trials were done, with how many have been since the beginning.
        others: is handed whatever else the executor has to give back meanwhile.
    """

    def __init__(
        self,
        journal: Journal,
        executor: Executor,
        done: Callable[[int], None] = lambda number: None,
        others: Callable[[Key, Score], None] = lambda key, score: None,
    ) -> None:
        self._journal, self.executor, self._done, self.others = journal, executor, done, others
        self._known = {key: np.array(losses) for key, losses in journal.trials().items()}
        self._numbers = count()
        self.trained = 0  # trials that were not on record

    @property
    def width(self) -> int:
        """How many trials the executor does at once."""
        return self.executor.count

    def run(self, works: Sequence[Work[T]]) -> list[T]:
        """Bring the works to their ends side by side: while one waits, the trials of another are done."""
        results: dict[int, T] = {}
        wanted: dict[int, list[Trial]] = {}  # what each work waits for
        jobs: dict[Key, Trial] = {}  # what the executor is at

        def step(index: int, losses: list[np.ndarray] | None) -> None:
            """Let a work go on as far as the record reaches."""
            try:
                while True:
                    trials = works[index].send(losses)  # type: ignore[arg-type]  # None begins
                    wanted[index] = trials
                    if any(trial.key not in self._known for trial in trials):
                        return
                    losses = [self._known[trial.key] for trial in trials]
            except StopIteration as end:
                wanted.pop(index, None)
                results[index] = end.value

        for index in range(len(works)):
            step(index, None)
        while wanted:
            under_way = {trial.key for trial in jobs.values()}
            for trial in [trial for trials in wanted.values() for trial in trials]:
                if trial.key not in self._known and trial.key not in under_way:
                    under_way.add(trial.key)
                    key = (TRIALS, next(self._numbers))
                    jobs[key] = trial
                    self.executor.submit(Job(key, trial))
            self._take(jobs)
            for index, trials in list(wanted.items()):
                if all(trial.key in self._known for trial in trials):
                    step(index, [self._known[trial.key] for trial in trials])
        return [results[index] for index in range(len(works))]

    def _take(self, jobs: dict[Key, Trial]) -> None:
        """Wait for the executor, and record what it has done."""
        found, failed = {}, set()
        for key, score in self.executor.collect():
            if key in jobs:
                trial = jobs.pop(key)
                if score.status in (Status.CRASHED, Status.TIMEOUT) and trial.seeds.start < CHECK_SEEDS:
                    failed.add(trial.key)
                found[trial.key] = score.losses.get(trial.task.name, (math.nan,) * len(trial.seeds))
            else:
                self.others(key, score)
        if found:
            self._journal.record_trials({key: losses for key, losses in found.items() if key not in failed})
            self._known |= {key: np.array(losses) for key, losses in found.items()}
            self.trained += len(found)
            self._done(self.trained)
