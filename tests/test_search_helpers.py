"""Helper processes: they change no history, a dead one costs nothing but time, and none outlives its search."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from primitives import ANY, PAPER, REGISTRY, Primitive, builtin, live_part
from primitives.registry import by_names
from search.algorithms.structures.cells import Front, Incumbent
from search.algorithms.structures.offspring import Breeding, Nursery, Simplification, bred_by
from search.execution.helpers import HelperPool
from search.running import breeding_helpers as running
from search.running.breeding_helpers import MOST, breeders, breeding_helpers
from search.settings.config import Config
from search.settings.reading import build_config
from search.settings.structures import StructureSettings
from tests.structure_searches import rows, searched

DIES, HANGS, FAILS = "dies", "hangs", "fails"
SETTINGS: dict[str, Any] = {"simplify": True, "refined": 0, "prune": False}
PLUGIN = "from primitives import ANY, Primitive, register\nregister(Primitive('halved', lambda x: x / 2, (ANY,)))\n"


def handler() -> Callable[[Any], Any]:
    """Answers the requests of a search, and obeys commands in helpers."""
    nursery, driver = Nursery(StructureSettings.model_validate(SETTINGS), by_names(list(PAPER))), os.getppid()

    def answer(request: Any) -> Any:
        if request == DIES:
            os.kill(os.getpid(), signal.SIGKILL)
        if request == HANGS:
            time.sleep(3600)
        if request == FAILS:
            raise ValueError(f"a child of {driver}")
        return nursery.answer(request) if isinstance(request, Breeding | Simplification) else (request, os.getpid())

    return answer


def local(request: Any) -> Any:
    """The same in this process."""
    if request == FAILS:
        raise ValueError("failed here too")
    return "here" if request in (DIES, HANGS) else handler()(request)


class Pool:
    """A pool, and what it says."""

    def __init__(self, count: int) -> None:
        self.said: list[str] = []
        self.pool = HelperPool(handler, local, count=count, say=self.said.append)


@pytest.fixture(scope="module")
def made() -> Iterator[Pool]:
    three = Pool(3)
    with three.pool:
        yield three


class Few:
    """Helpers of a pool, asked one at a time or through a function that disturbs them."""

    def __init__(self, pool: HelperPool, count: int, disturb: Callable[[], None] = lambda: None) -> None:
        self._pool, self.count, self._disturb = pool, count, disturb

    def ask(self, request: Any) -> Callable[[], Any]:
        self._disturb()
        return self._pool.ask(request)


@pytest.fixture(scope="module")
def expected() -> list[tuple[object, ...]]:
    """Rows of a search without helpers."""
    return rows(searched(24, **SETTINGS))


@pytest.mark.parametrize("count", [1, 3])
def test_a_search_has_the_same_history_with_helpers(
    made: Pool, expected: list[tuple[object, ...]], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Nursery, "answer", lambda *_: pytest.fail("it was answered in this process"))
    assert rows(searched(24, helpers=Few(made.pool, count), **SETTINGS)) == expected
    assert made.said == []


def test_a_helper_that_is_killed_in_mid_generation_changes_no_history(
    made: Pool, expected: list[tuple[object, ...]]
) -> None:
    asked: list[int] = []

    def disturb() -> None:
        asked.append(0)
        if len(asked) == 10:
            os.kill(made.pool.processes[0], signal.SIGKILL)

    before = set(made.pool.processes)
    made.said.clear()
    assert rows(searched(24, helpers=Few(made.pool, 3, disturb), **SETTINGS)) == expected
    assert made.said == ["a helper process ended by SIGKILL; its work is done in this process"]
    assert len(before & set(made.pool.processes)) == 2  # another one took its place


def test_an_answer_that_a_helper_fails_to_give_is_computed_here(made: Pool) -> None:
    made.said.clear()
    with pytest.raises(ValueError, match="failed here too"):
        made.pool.ask(FAILS)()
    assert made.said == [f"ValueError: a child of {os.getpid()}; its work is done in this process"]
    answers = [made.pool.ask(number) for number in range(8)]
    assert [answer()[0] for answer in answers] == list(range(8))
    assert {answer()[1] for answer in answers} <= set(made.pool.processes)


def no_process(*_: object, **__: object) -> None:
    raise BlockingIOError("no room for another process")


def test_dead_helpers_are_replaced_a_few_times_if_they_can_and_then_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Pool(1)
    with own.pool:
        assert [own.pool.ask(DIES)() for _ in range(3)] == ["here"] * 3
        own.pool._replaceable = 1
        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "Popen", no_process)
            assert own.pool.ask(DIES)() == "here"
        assert len(set(own.said)) == len(own.said)
        assert own.pool.ask(7)()[1] == os.getpid()
    assert not psutil.pid_exists(own.pool.processes[0])


def test_where_no_process_can_be_started_all_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", no_process)
    none = Pool(2)
    with none.pool:
        assert [none.pool.ask(DIES)() for _ in range(2)] == ["here"] * 2
        assert none.pool.count == 1
    (line,) = none.said
    assert line.startswith("no helper process can be started (no room for another process); all work is done")


def test_all_helpers_end_with_their_pool_also_a_busy_one_and_one_that_was_forgotten() -> None:
    own = Pool(2)
    with own.pool:
        first, _ = own.pool._helpers
        first.close()  # as if this process had been killed
        first.process.wait(timeout=60)
        own.pool.ask(HANGS)
        own.pool.ask(HANGS)
    assert not any(psutil.pid_exists(pid) for pid in own.pool.processes)


def front() -> Front:
    found = Front(0.25, 0.5)
    for number, name in enumerate(("adamw", "signum")):
        found.enter(Incumbent(live_part(builtin(name)), number, 0.1 * number, 0.1, (0.1,)))
    return found


def config(**search: Any) -> Config:
    return build_config({"search": {"algorithm": "structures", **search}, "workers": {"breeders": 1}})


def bred_with_helpers(of: Config, said: list[str]) -> list[Any]:
    with breeding_helpers(of, said.append) as helpers:
        assert helpers is not None
        first, again = (bred_by(helpers, front(), (3, 0), range(5, 9)) for _ in range(2))
    assert first == again
    return first


@pytest.mark.usefixtures("own_registry")
def test_helpers_know_the_functions_of_plugins_and_are_not_used_if_they_lack_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "halving.py").write_text(PLUGIN)
    REGISTRY.add(Primitive("halved", lambda x: x / 2, (ANY,)))
    said: list[str] = []
    functions = ["halved", "sign", "multiply"]
    known = bred_with_helpers(config(plugins=["halving"], primitives=functions), said)
    assert said == []
    with monkeypatch.context() as patch:
        patch.setattr(
            running, "structure_nursery", lambda config: Nursery(config.search.structures, by_names(functions))
        )
        lacking = bred_with_helpers(config(), said)
    assert lacking == known
    (line,) = said
    assert line.startswith("helper processes lack the function `halved`, or have another one of this name")
    assert line.endswith("all work is done in this process")


def test_by_default_helpers_are_used_where_programs_are_trained_on_an_accelerator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_gpus = build_config({"workers": {"executor": "ray", "device": "gpu"}})
    monkeypatch.setattr(running, "_cores", lambda: 4)
    assert [breeders(build_config({})), breeders(config()), breeders(on_gpus)] == [0, 1, 3]
    with breeding_helpers(build_config({}), pytest.fail) as helpers:
        assert helpers is None
    monkeypatch.setattr(running, "in_batches", lambda: True)
    assert breeders(build_config({})) == 3
    monkeypatch.setattr(running, "_cores", lambda: 200)
    assert breeders(build_config({})) == MOST
    assert breeders(build_config({"workers": {"breeders": 0}})) == 0
