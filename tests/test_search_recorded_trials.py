"""Trials of a run: on record once, in whatever order they come, and never trained twice."""

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from primitives import Program, builtin
from proxy_tasks.catalog import builtin_task
from proxy_tasks.fitness import Score, Status
from search.execution.executor import (
    Answer,
    CandidateAnswer,
    CandidateKey,
    InlineExecutor,
    TrialAnswer,
    TrialJob,
)
from search.record import trial_table as trial_rows
from search.record.journal import Journal
from search.record.repairs import repair
from search.running.recorded_trials import ATTEMPTS, RecordedTrials
from selection.comparison import CHECK_SEEDS, FINAL_SEEDS
from selection.optimizers import OPTIMIZERS
from selection.trials import Trial, Work, train

DIGITS = builtin_task("digits")
SEEDS = range(3)
FRESH = range(FINAL_SEEDS, FINAL_SEEDS + 3)  # not those of the search


class Counting(InlineExecutor):
    """Pretends to train: the loss is the first constant and the seed. Answers the last job first."""

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.jobs: list[TrialJob] = []
        self.extra: list[CandidateAnswer] = []
        self.dies_after = math.inf
        self.fails: dict[float, Status] = {}  # by the first constant

    def collect(self) -> list[Answer]:
        job = self._queue.pop()
        if len(self.jobs) >= self.dies_after:
            raise KeyboardInterrupt
        assert isinstance(job, TrialJob)
        self.jobs.append(job)
        if (status := self.fails.get(first(job.trial))) is not None:
            return [job.failed(status, "it ended its process")]
        values = tuple(first(job.trial) + seed for seed in job.trial.seeds)
        extra, self.extra = self.extra, []
        return [*extra, TrialAnswer(job.key, Status.OK, values)]


def first(trial: Trial) -> float:
    subject = trial.entrant
    return next(subject.constants())[2] if isinstance(subject, Program) else subject.values[0]


def lion(beta: float) -> Program:
    return builtin("lion").with_constants([beta, 0.99, 0.1, 1.0])


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.create(tmp_path / "journal.sqlite", {"searches": 0}) as opened:
        yield opened


def halving(beta: float, times: int) -> Work[list[float]]:
    """A work whose next trial depends on the losses of the one before."""
    seen = []
    for _ in range(times):
        (losses,) = yield [Trial(lion(beta), DIGITS, SEEDS)]
        seen.append(float(losses[0]))
        beta = seen[-1] / 2
    return seen


def test_works_run_side_by_side_and_get_what_they_asked_for(journal: Journal) -> None:
    executor = Counting()
    found = RecordedTrials(journal, executor).run([halving(0.8, 3), halving(0.6, 2), halving(0.5, 0)])
    assert found == [pytest.approx([0.8, 0.4, 0.2]), pytest.approx([0.6, 0.3]), []]
    assert len(executor.jobs) == 5
    assert [first(job.trial) for job in executor.jobs[:2]] == pytest.approx([0.6, 0.3])  # the other one waits meanwhile


def test_what_is_on_record_is_not_trained_again(journal: Journal) -> None:
    before = RecordedTrials(journal, Counting()).run([halving(0.8, 3), halving(0.6, 2)])
    executor = Counting()
    bench = RecordedTrials(journal, executor)
    assert bench.run([halving(0.8, 3), halving(0.6, 2)]) == before
    assert (executor.jobs, bench.trained) == ([], 0)


@pytest.mark.parametrize("status", [Status.CRASHED, Status.TIMEOUT])
def test_what_ended_its_worker_counts_as_diverged_and_is_tried_again_another_time(
    journal: Journal, status: Status
) -> None:
    executor = Counting()
    executor.fails = {0.5: status}
    trials = [Trial(lion(0.5), DIGITS, FRESH), Trial(lion(0.25), DIGITS, FRESH)]
    bench = RecordedTrials(journal, executor)
    bad, good = bench.run([train(trials)])[0]
    assert np.all(np.isnan(bad))
    assert bad.shape == good.shape
    assert np.all(np.isnan(bench.run([train(trials)])[0][0]))
    assert len(executor.jobs) == 2  # in the same run it is not tried again
    bad, good = RecordedTrials(journal, again := Counting()).run([train(trials)])[0]
    assert len(again.jobs) == 1
    assert np.all(np.isfinite(bad))


@pytest.mark.parametrize("status", [Status.CRASHED, Status.TIMEOUT])
def test_a_trial_that_fails_in_three_commands_is_recorded_with_its_status(journal: Journal, status: Status) -> None:
    trial = Trial(lion(0.5), DIGITS, FRESH)
    runs = []
    for _ in range(ATTEMPTS + 2):
        executor = Counting()
        executor.fails = {0.5: status}
        (losses,) = RecordedTrials(journal, executor).run([train([trial])])[0]
        assert np.all(np.isnan(losses))
        runs.append(len(executor.jobs))
    assert runs == [1] * ATTEMPTS + [0, 0]
    assert journal.failed_trials() == {trial.key: (str(status), ATTEMPTS)}
    assert list(journal.trials()) == [trial.key]


@pytest.mark.parametrize("status", [Status.CRASHED, Status.TIMEOUT])
@pytest.mark.parametrize("seeds", [SEEDS, range(CHECK_SEEDS, CHECK_SEEDS + 3)], ids=["search", "check"])
def test_a_failed_trial_on_which_the_history_depends_fails_in_a_resumed_run_too(
    journal: Journal, seeds: range, status: Status
) -> None:
    trial, executor = Trial(lion(0.5), DIGITS, seeds), Counting()
    executor.fails = {0.5: status}
    for _ in range(2):  # the second one is a resumed run, in which the trial would succeed
        (losses,) = RecordedTrials(journal, executor).run([train([trial])])[0]
        assert np.all(np.isnan(losses))
        executor.fails = {}
    assert len(executor.jobs) == 1


def test_a_count_of_failures_that_was_altered_starts_again(journal: Journal, tmp_path: Path) -> None:
    trial = Trial(lion(0.5), DIGITS, SEEDS)
    journal.record_trials({}, {trial.key: ("timeout", 2)})
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        connection.execute("update failed_trials set attempts = 99")
    assert journal.failed_trials() == {}


def test_a_trial_that_several_want_is_done_once(journal: Journal) -> None:
    executor = Counting()
    bench = RecordedTrials(journal, executor)
    one, two = bench.run([train([Trial(lion(0.5), DIGITS, SEEDS)] * 2), train([Trial(lion(0.5), DIGITS, SEEDS)])])
    assert len(executor.jobs) == 1
    np.testing.assert_array_equal(one[0], two[0])


@pytest.mark.parametrize("after", [0, 1, 3])
def test_interrupted_anywhere_and_resumed_ends_alike(journal: Journal, tmp_path: Path, after: int) -> None:
    executor = Counting()
    executor.dies_after = after
    with pytest.raises(KeyboardInterrupt):
        RecordedTrials(journal, executor).run([halving(0.8, 3), halving(0.6, 2)])
    with Journal.open(tmp_path / "journal.sqlite") as again:
        executor = Counting()
        found = RecordedTrials(again, executor).run([halving(0.8, 3), halving(0.6, 2)])
    assert found == [pytest.approx([0.8, 0.4, 0.2]), pytest.approx([0.6, 0.3])]
    assert len(executor.jobs) == 5 - after


def test_what_else_the_executor_gives_back_is_handed_on(journal: Journal) -> None:
    handed: list[CandidateKey] = []
    executor = Counting()
    executor.extra = [CandidateAnswer((2, 17), Score(Status.OK, 0.0, 0.0))]
    RecordedTrials(journal, executor).run([halving(0.8, 1)], lambda key, score: handed.append(key))
    assert handed == [(2, 17)]


def test_a_score_that_nobody_expects_is_a_bug(journal: Journal) -> None:
    executor = Counting()
    executor.extra = [CandidateAnswer((2, 17), Score(Status.OK, 0.0, 0.0))]
    with pytest.raises(AssertionError, match=r"candidate \(2, 17\) was in flight"):
        RecordedTrials(journal, executor).run([halving(0.8, 1)])


def test_losses_that_are_not_finite_are_kept_as_such(journal: Journal, tmp_path: Path) -> None:
    trial = Trial(OPTIMIZERS["adam"], DIGITS, SEEDS, "test")
    journal.record_trials({trial.key: (0.1, math.nan, math.inf)}, {})
    losses = journal.trials()[trial.key]
    assert losses[0] == 0.1
    assert not np.isfinite(losses[1:]).any()


@pytest.mark.parametrize("harm", ["delete from trials", "update trials set losses = '[9, 9, 9]'",
                                  "update trials set seeds = 2"])  # fmt: skip
def test_a_lost_or_altered_trial_is_trained_again(journal: Journal, tmp_path: Path, harm: str) -> None:
    before = RecordedTrials(journal, Counting()).run([halving(0.8, 1)])
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection, connection:
        connection.execute(harm)
    executor = Counting()
    assert RecordedTrials(journal, executor).run([halving(0.8, 1)]) == before
    assert len(executor.jobs) == 1


def test_repair_takes_trials_over(journal: Journal, tmp_path: Path) -> None:
    RecordedTrials(journal, Counting()).run([halving(0.8, 2)])
    known = journal.trials()
    journal.close()
    repair(tmp_path / "journal.sqlite")
    with Journal.open(tmp_path / "journal.sqlite") as mended:
        assert mended.trials() == known


def test_keys_tell_programs_optimizers_tasks_splits_and_seeds_apart() -> None:
    other = builtin_task("digits_x10")
    trials = [Trial(lion(0.5), DIGITS, SEEDS), Trial(lion(0.6), DIGITS, SEEDS), Trial(lion(0.5), other, SEEDS),
              Trial(lion(0.5), DIGITS, SEEDS, "test"), Trial(lion(0.5), DIGITS, range(1, 4)),
              Trial(OPTIMIZERS["lion"], DIGITS, SEEDS), Trial(OPTIMIZERS["adam"], DIGITS, SEEDS)]  # fmt: skip
    assert len({trial.key for trial in trials}) == len(trials)
    padded = builtin("lion")._replace(statements=(*lion(0.5).statements,))
    assert Trial(padded, DIGITS, SEEDS).key == trials[0].key
    assert trial_rows.entry(trial_rows.columns(trials[0].key, (1.0, 2.0, 3.0))) == (trials[0].key, (1.0, 2.0, 3.0))
