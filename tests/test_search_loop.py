"""The loop between engines, executor and journal."""

import gc
import math
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from primitives import UserError, builtin, functional_hash
from primitives.program import Program
from proxy_tasks.fitness import Heights, Score, Status
from search.algorithms.factory import build_engine
from search.execution.executor import InlineExecutor, Scorer
from search.record.journal import Journal
from search.running import open_run
from search.running.loop import search
from search.running.reporter import SilentReporter
from search.running.run import run_search
from search.settings.reading import build_config

CONFIG = build_config({"search": {"children": 80, "population": 10, "tournament": 3, "mutations": {"scale": 0}}})


class Watching:
    """Notes after how many new objects garbage is looked for while it scores."""

    def __init__(self) -> None:
        self.thresholds: set[int] = set()

    def evaluate(self, program: Program, hurdle: Heights) -> Score:
        self.thresholds.add(gc.get_threshold()[0])
        return Score(Status.OK, 0.5, 0.5)


class Fragile:
    """Every fifth program or so ends the process that trains it; notes how often each was tried."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()

    def evaluate(self, program: Program, hurdle: Heights) -> Score:
        digest = functional_hash(program)
        self.tried[digest] += 1
        value = int(digest[:8], 16) / 16**8
        if value < 0.2:
            return Score(Status.CRASHED, math.inf, math.inf, "it ended its process")
        return Score(Status.OK, value, value)


class Noting(SilentReporter):
    """Keeps the messages to the user."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


def searched(scorer: Scorer, journal: Journal, repeats: Iterable[int]) -> None:
    engines = {repeat: build_engine(CONFIG, builtin("adamw"), repeat) for repeat in repeats}
    for repeat, machine in engines.items():
        machine.restore(journal.history(repeat))
    search(engines, InlineExecutor(scorer), journal, reporter=SilentReporter(), stop=threading.Event())


def test_garbage_is_rarely_looked_for_during_a_search_and_as_before_afterwards(tmp_path: Path) -> None:
    before = (gc.get_threshold(), gc.get_freeze_count())
    scorer = Watching()
    with Journal.create(tmp_path / "journal", {}) as journal:
        searched(scorer, journal, [0])
    assert min(scorer.thresholds) >= 10_000
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_what_crashed_in_one_repeat_is_not_tried_in_another_and_the_history_is_the_same(tmp_path: Path) -> None:
    """Whether repeats are searched side by side, one after the other, or apart from each other."""
    histories = []
    ways: dict[str, list[list[int]]] = {"together": [[*range(16)]], "in turn": [[n] for n in range(16)]}
    for way, order in ways.items():
        scorer = Fragile()
        for part in order:
            path = tmp_path / way
            with Journal.open(path) if path.exists() else Journal.create(path, {}) as journal:
                searched(scorer, journal, part)  # as after a resumption, where repeats come in turn
                crashed = Counter(row.hash for row in journal.rows("status = 'crashed' and matched = ''"))
                histories.append(journal.digest())
        assert max(crashed.values()) > 1  # met in several repeats
        assert all(scorer.tried[digest] == 1 for digest in crashed)
        assert max(scorer.tried.values()) > 1  # whatever else is met again is trained again
    apart = []
    for repeat in range(16):
        with Journal.create(tmp_path / f"apart {repeat}", {}) as journal:
            searched(Fragile(), journal, [repeat])
            apart += list(journal.rows())
    with Journal.open(tmp_path / "together") as journal:
        assert list(journal.rows()) == apart
    assert histories[0] == histories[-1]


@pytest.mark.parametrize(("workers", "algorithm"), [(2, "random"), (3, "random"), (3, "structures")])
def test_a_window_that_starves_the_workers_is_named_if_the_algorithm_has_one(
    workers: int, algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = InlineExecutor(Watching())
    monkeypatch.setattr(InlineExecutor, "count", workers)
    monkeypatch.setattr(open_run, "executor", lambda *_, **__: pool)
    search = {"algorithm": algorithm, "structures": {"near_twin": 0, "descent": False}}
    config = build_config({"search": search, "workers": {"executor": "ray"}})
    reporter, stop = Noting(), threading.Event()
    stop.set()
    with pytest.raises(UserError, match="stopped before any program was scored"):
        run_search(config, tmp_path / "run", reporter, stop)
    starved = (
        "at most 8 candidates are in flight (`workers.in_flight` × `search.repeats`), so some of the 3 workers will be "
        "idle; 4 candidates per worker keep all workers busy"
    )
    assert reporter.notes == [starved] * (workers == 3 and algorithm != "structures")
