"""Speed-up by workers, and the rate of the driver with workers that answer at once."""

import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from primitives import Program, builtin, load_program
from proxy_tasks import Heights, Score, Status
from search.algorithms import MUTATIONS, build_engine
from search.engine import Record
from search.execution import Built, Executor, RayExecutor, RaySettings
from search.record import Journal
from search.running import Counts, SilentReporter, executor
from search.running.loop import search
from search.settings import Config, build_config, read_config

EVOLUTION = Path(__file__).resolve().parent.parent / "configs" / "compare" / "evolution.yaml"
ROUNDS = 3
WORKERS = 64
_NONE = dict.fromkeys(MUTATIONS, 0.0)
SCALING = {"scale": 1.0, "insert": 0.3, "delete": 0.3}  # rates with which almost all children compute something new
SHUFFLING = {"insert": 1.0, "delete": 1.0, "scale": 0.1}  # rates with which most children are duplicates


class _Clock(SilentReporter):
    """Records the times at which candidates are recorded."""

    def __init__(self) -> None:
        self._counts = Counts()
        self.marks: list[tuple[float, int, int]] = []  # seconds, children, evaluations so far
        self.digest = ""

    def candidates_recorded(self, records: Sequence[Record]) -> None:
        for record in records:
            self._counts.add(record)
        self.marks.append((time.monotonic(), self._counts.children, self._counts.evaluated))

    def rates(self, warm: int) -> tuple[float, float]:
        """Children and evaluations per second, from the moment at which `warm` evaluations were recorded."""
        start = next(mark for mark in self.marks if mark[2] >= warm)
        seconds, children, evaluated = (end - begin for end, begin in zip(self.marks[-1], start, strict=True))
        return children / seconds, evaluated / seconds


def _timed(config: Config, workers: Executor, start: Program) -> _Clock:
    """Run every repeat of a config with an executor."""
    clock = _Clock()
    engines = {repeat: build_engine(config, start, repeat) for repeat in range(config.search.repeats)}
    with tempfile.TemporaryDirectory() as folder, Journal.create(Path(folder, "journal.sqlite"), {}) as journal:
        search(engines, workers, journal, reporter=clock, stop=threading.Event())
        clock.digest = journal.digest()
    return clock


def workers_ratio(rounds: int = ROUNDS, evaluations: int = 200) -> dict[str, Any]:
    """Evaluations per second of two Ray workers divided by those of one process, in an evolution on `digits`."""
    rates: dict[str, list[float]] = {"inline": [], "ray": []}
    digests = set()
    for _ in range(rounds):
        for name, found in rates.items():
            options = [f"workers.executor={name}", f"search.evaluations={evaluations}", "workers.in_flight=32"]
            config = read_config(EVOLUTION, [*options, *(["workers.count=2"] if name == "ray" else [])])
            with executor(config, print) as workers:
                clock = _timed(config, workers, load_program(config.program))
            found.append(clock.rates(evaluations)[1])
            digests.add(clock.digest)
    inline, ray = (median(found) for found in rates.values())
    ratio = median(r / i for i, r in zip(*rates.values(), strict=True))
    return {"inline": inline, "ray": ray, "ratio": ratio, "histories": len(digests)}


class _Instant:
    """Scores every program at once with the same score."""

    def evaluate(self, program: Program, hurdle: Heights) -> Score:
        return Score(Status.OK, 0.5, 0.5, "", {"digits": (0.5,) * 8})


def _instant() -> Built:
    return Built(_Instant(), {})


def driver_rates(share: float = 1.0, count: int = WORKERS) -> list[dict[str, Any]]:
    """Candidates that the driver breeds, sends and records, with workers that answer at once.

    The workers share the cores with the driver, so the rate is also measured in CPU time of the driver, in which the
    workers, Ray, and the process that is connected to Ray have no part.

    Args:
        share: share of the children of a full measurement that are bred.
        count: number of workers.

    Returns:
        For each case: candidates recorded and evaluated per second (`children`, `evaluated`), the former per second of
        the driver's CPU time (`driver`), milliseconds of CPU time of the Ray process per candidate (`ray`), share of
        cache hits, and number of candidates that were not recorded.
    """
    rows = []
    with RayExecutor(_instant, {}, RaySettings(count=count), say=print) as workers:
        while not workers.describe().startswith(f"{count} of"):  # until all have started
            _timed(_neutral(SHUFFLING, 5_000), workers, builtin("adamw"))
        for name, mutations, full in (("few hits", SCALING, 20_000), ("mostly hits", SHUFFLING, 60_000)):
            children = round(share * full)
            before, ray_before = time.process_time(), _ray_seconds()
            clock = _timed(_neutral(mutations, children), workers, builtin("adamw"))
            driver = children / (time.process_time() - before)
            ray = (_ray_seconds() - ray_before) / children * 1000
            each, evaluated = clock.rates(round(share * 1000))
            missing = abs(children + 1 - clock.marks[-1][1])  # the starting program is recorded, too
            hits = 1 - evaluated / each
            rates = {"children": each, "evaluated": evaluated, "driver": driver, "ray": ray}
            rows.append({"case": name, **rates, "hits": hits, "missing": missing})
    return rows


def _ray_seconds() -> float:
    """CPU time of the process of this one that is connected to Ray."""
    processes = [
        child for child in psutil.Process().children() if any("ray_process" in word for word in child.cmdline())
    ]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _neutral(mutations: dict[str, float], children: int) -> Config:
    """A config with the population of the paper and a wide window."""
    search = {"children": children, "population": 1000, "tournament": 2, "mutations": _NONE | mutations}
    return build_config({"search": search, "workers": {"in_flight": 4096}})
