"""Programs that are scored in batches have the history of programs that are scored one by one."""

from pathlib import Path

import pytest

from search.commands.panel import LivePanel
from search.execution.batch import BatchExecutor
from search.execution.executor import InlineExecutor
from search.running import run as runner
from search.running import setup as evaluation
from search.settings.reading import read_config


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
