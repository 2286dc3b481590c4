"""Trials of a run: executed by its workers, and recorded in its journal as their losses arrive.

A recorded trial is not run again. A command that was killed during selection therefore continues, and every result can
be computed again from the journal. A trial that crashed its worker or exceeded its time limit counts as diverged. The
next command runs it again, since the machine may be the cause; after `ATTEMPTS` attempts it is recorded as diverged,
with its status. A trial on which the history depends is recorded after the first attempt, so that a resumed run repeats
the history: a trial of the search itself, or of a check for meta-overfitting.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

import numpy as np

from proxy_tasks import Score, Status
from search.execution import CandidateKey, Executor, TrialAnswer, TrialJob
from search.record import Journal
from search.record import Key as TrialKey
from selection import CHECK_SEEDS, FINAL_SEEDS, Trial, Work

T = TypeVar("T")
ATTEMPTS = 3  # number of commands that try a trial which crashes its worker or exceeds its time limit
TakeScore = Callable[[CandidateKey, Score], None]


def unexpected(key: CandidateKey, score: Score) -> None:
    """Default of `take_score`, for callers without candidates in flight; always raises."""
    raise AssertionError(f"candidate {key} was in flight while trials were run")


class RecordedTrials:
    """Runs trials in an executor and records them.

    Args:
        journal: the journal of the run.
        executor: runs the trials that are not recorded.
        report: called with the number of trials run so far, whenever it has grown.
    """

    def __init__(
        self, journal: Journal, executor: Executor, report: Callable[[int], None] = lambda number: None
    ) -> None:
        self._journal, self.executor, self._report = journal, executor, report
        self._known = {key: np.array(losses) for key, losses in journal.trials().items()}
        self._failed = journal.failed_trials()
        self._numbers = count()
        self.trained = 0  # trials run by this object

    @property
    def width(self) -> int:
        """Number of trials that run at the same time."""
        return self.executor.count

    @property
    def on_record(self) -> int:
        """Number of recorded trials."""
        return len(self._known)

    def run(self, works: Sequence[Work[T]], take_score: TakeScore = unexpected) -> list[T]:
        """Run generators of trials concurrently: while one waits for losses, trials of the others run.

        Args:
            works: generators that yield lists of trials and receive their losses.
            take_score: called with the scores of candidates that the executor returns in the meantime.

        Returns:
            The return value of each generator, in order.
        """
        results: dict[int, T] = {}
        wanted: dict[int, list[Trial]] = {}  # trials that each generator waits for
        jobs: dict[int, Trial] = {}  # trials in flight

        def advance(index: int, losses: list[np.ndarray] | None) -> None:
            """Continue a generator until it needs a trial that is not recorded."""
            try:
                while True:
                    trials = works[index].send(losses)  # type: ignore[arg-type]  # None starts a generator
                    wanted[index] = trials
                    if any(trial.key not in self._known for trial in trials):
                        return
                    losses = [self._known[trial.key] for trial in trials]
            except StopIteration as end:
                wanted.pop(index, None)
                results[index] = end.value

        for index in range(len(works)):
            advance(index, None)
        while wanted:
            submitted = {trial.key for trial in jobs.values()}
            for trial in [trial for trials in wanted.values() for trial in trials]:
                if trial.key not in self._known and trial.key not in submitted:
                    submitted.add(trial.key)
                    key = next(self._numbers)
                    jobs[key] = trial
                    self.executor.submit(TrialJob(key, trial))
            self._collect(jobs, take_score)
            for index, trials in list(wanted.items()):
                if all(trial.key in self._known for trial in trials):
                    advance(index, [self._known[trial.key] for trial in trials])
        return [results[index] for index in range(len(works))]

    def _collect(self, jobs: dict[int, Trial], take_score: TakeScore) -> None:
        """Wait for answers of the executor, and record completed trials."""
        found: dict[TrialKey, tuple[float, ...]] = {}
        failed: dict[TrialKey, tuple[str, int]] = {}
        for answer in self.executor.collect():
            if not isinstance(answer, TrialAnswer):
                take_score(*answer)
                continue
            trial = jobs.pop(answer.key)
            if answer.status in (Status.CRASHED, Status.TIMEOUT):
                failed[trial.key] = (str(answer.status), self._failed.get(trial.key, ("", 0))[1] + 1)
            found[trial.key] = answer.losses
        if found:
            outside = {
                key for key in failed if FINAL_SEEDS <= key[3] < CHECK_SEEDS
            }  # the history does not depend on them
            again = {key for key in outside if failed[key][1] < ATTEMPTS}
            self._journal.record_trials({key: losses for key, losses in found.items() if key not in again}, failed)
            self._failed |= failed
            self._known |= {key: np.array(losses) for key, losses in found.items()}
            self.trained += len(found)
            self._report(self.trained)
