"""Programs that are scored in batches have the history of programs that are scored one by one."""

import pickle
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from primitives import builtin
from proxy_tasks.fitness import Evaluator, Score, Status
from proxy_tasks.task import Circumstance
from proxy_tasks.training import Trainer
from search.commands.panel import LivePanel
from search.execution.batch import BatchExecutor
from search.execution.executor import CandidateJob, InlineExecutor, TrialAnswer, TrialJob
from search.execution.process import keep_compiled
from search.execution.worker import Built, Worker
from search.running import run as runner
from search.running import setup as evaluation
from search.settings.reading import read_config
from selection import trials
from selection.optimizers import optimizer
from selection.trials import Trial, losses_together
from tests.test_proxy_tasks_training import TINY


def test_batches_and_one_by_one_give_the_same_history(small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = read_config(small_run, ["selection.tuning_trials=0"])
    sizes: list[int] = []

    class Counting(BatchExecutor):
        def collect(self) -> list:  # type: ignore[type-arg]
            sizes.append(len(self._queue))
            return super().collect()

    with LivePanel(quiet=True) as progress:
        one_by_one = runner.run_search(config, small_run.parent / "one", progress).digest
        monkeypatch.setattr(evaluation, "InlineExecutor", lambda scorer: Counting(scorer, config.workers.in_flight))
        assert runner.run_search(config, small_run.parent / "batches", progress).digest == one_by_one
    assert max(sizes) == config.workers.in_flight


def test_on_a_cpu_the_inline_executor_is_used(small_run: Path) -> None:
    assert isinstance(evaluation.executor(read_config(small_run), print), InlineExecutor)


def test_queued_trials_that_share_their_seeds_are_trained_in_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[tuple[int, ...], int]] = []

    def losses_of(self: Trainer, programs: list[object]) -> np.ndarray:
        calls.append((self.seeds, len(programs)))
        return np.array([[seed + place for seed in self.seeds] for place in range(len(programs))], float)

    monkeypatch.setattr(Trainer, "losses_of", losses_of)
    monkeypatch.setattr(Trainer, "losses", lambda self, entrant: np.full(len(self.seeds), 9.0))
    score = Score(Status.OK, 1.0, 1.0)
    evaluator = Evaluator.__new__(Evaluator)
    monkeypatch.setattr(Evaluator, "evaluate_all", lambda self, programs, hurdles: [score] * len(programs))
    executor = BatchExecutor(evaluator, 2)
    one, other = builtin("sgd"), builtin("lion")
    asked = [Trial(one, TINY, range(2)), Trial(one, TINY, range(2, 4)), Trial(optimizer("adamw"), TINY, range(2))]
    asked += [Trial(other, TINY, range(2)), Trial(other, TINY, range(2), horizon=0.5)]
    for number, trial in enumerate(asked):
        executor.submit(TrialJob(number, trial))
    executor.submit(CandidateJob((0, 7), one))
    assert executor.free() == 0
    *answers, candidate = executor.collect()
    assert calls == [((0, 1), 2), ((2, 3), 1), ((0, 1), 1)]
    assert candidate == ((0, 7), score)
    losses = [answer.losses for answer in answers if isinstance(answer, TrialAnswer)]
    assert losses == [(0, 1), (2, 3), (9, 9), (1, 2), (0, 1)]
    assert executor.collect() == []


def test_on_an_accelerator_trials_with_other_seeds_under_equal_circumstances_join_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    varied = replace(TINY, circumstances=(Circumstance(), Circumstance(loss_scale=2.0)))
    one, other = builtin("sgd"), builtin("lion")
    alike = [Trial(one, varied, range(2)), Trial(other, varied, range(2, 4)), Trial(other, varied, range(4, 6))]
    unlike = [
        Trial(one, varied, range(1, 3)),  # the other circumstance comes first
        Trial(one, varied, range(4)),
        Trial(one, varied, range(2), split="test"),
        Trial(one, varied, range(2), horizon=0.5),
        Trial(one, replace(varied, size=10), range(2)),  # compiled, not interpreted
    ]
    calls: list[list[range]] = []

    def train(task: object, programs: list[object], seeds: list[range], *_: object) -> np.ndarray:
        calls.append(seeds)
        return np.array([[seed, place] for place, (seed, _) in enumerate(seeds)], float)

    monkeypatch.setattr(trials, "in_batches", lambda: True)
    monkeypatch.setattr(trials, "train_on_own_seeds", train)
    monkeypatch.setattr(Trainer, "losses_of", lambda self, programs: np.full((len(programs), len(self.seeds)), 9.0))
    losses = losses_together([*alike, *unlike])
    assert calls == [[range(2), range(2, 4), range(4, 6)]]
    assert [found.tolist() for found in losses[:3]] == [[0, 0], [2, 1], [4, 2]]
    assert all(set(found) == {9.0} for found in losses[3:])


def test_a_worker_trains_the_jobs_of_a_call_together_if_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(Trainer, "losses_of", lambda self, programs: calls.append(len(programs)) or np.ones((2, 2)))  # type: ignore[func-returns-value]
    monkeypatch.setattr(Trainer, "losses", lambda self, entrant: np.ones(2))
    jobs = [
        pickle.dumps(TrialJob(number, Trial(builtin(name), TINY, range(2))))
        for number, name in enumerate(("sgd", "lion"))
    ]
    answers = []
    for together in (False, True):
        worker = Worker(lambda: Built(Evaluator.__new__(Evaluator), {}), 0, together=together)
        worker.begin()
        answers.append([pickle.loads(answer) for answer in worker.execute(jobs)[0]])
    assert calls == [2]
    assert answers[0] == answers[1]


def test_the_kind_of_an_accelerator_is_part_of_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "device" not in evaluation.versions()
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(evaluation, "device_name", lambda: "NVIDIA H200")
    assert evaluation.versions()["device"] == "NVIDIA H200"


def test_what_is_compiled_for_an_accelerator_is_kept_unless_the_user_has_a_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: dict[str, str] = {}
    monkeypatch.setattr(jax.config, "update", lambda name, value: kept.update({name: value}))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    keep_compiled()
    assert not kept
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    keep_compiled()
    assert kept["jax_compilation_cache_dir"].endswith("compiled")
    kept.clear()
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/mine")
    keep_compiled()
    assert not kept
