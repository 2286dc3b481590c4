"""The driver of `benchmarks.cluster`, which runs on a host and prints measurements as lines of JSON.

The evaluations of its searches are simulated: a worker sleeps for the time that one would take. Many workers therefore
need few cores; breeding, Ray, the network and the journal are real.
"""

from search.execution import pin_threads

pin_threads()

import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from benchmarks.scaling import SCALING
from primitives import Program, builtin, to_text
from proxy_tasks import Heights, Score, Status
from search.algorithms import MUTATIONS, build_engine
from search.engine import Record
from search.execution import Built, RayExecutor, RaySettings
from search.record import Journal
from search.running import SilentReporter
from search.running.loop import search
from search.settings import Config, build_config

SECONDS = 0.4  # of an evaluation on all seeds
EARLY, SHARE = (
    0.67,
    0.25,
)  # share of evaluations that end after the first two of eight seeds, and their part of the time
COMPARED = 32, 200  # window and evaluations of the search whose digest is compared
_SKIPPED = 4.0  # seconds of a search before the measurement begins
_MOST = 10**6  # children; the time ends a search


class Simulated:
    """Sleeps as long as an evaluation takes, and returns a fitness that depends on the program alone.

    Args:
        slowness: factor on the time of an evaluation.
    """

    def __init__(self, slowness: float) -> None:
        self._slowness = slowness

    def evaluate(self, program: Program, hurdle: Heights) -> Score:
        """Score a program; the hurdle is not used."""
        fitness = crc32(to_text(program).encode()) / 2**32
        early = crc32(b"early" + to_text(program).encode()) / 2**32 < EARLY
        time.sleep(SECONDS * self._slowness * (SHARE if early else 1.0))
        return Score(Status.OK, fitness, fitness, "", {"digits": (fitness,) * 8})


def build(slow: Mapping[str, float]) -> Built:
    """A scorer; `slow` has the slowness of some hosts."""
    return Built(Simulated(slow.get(socket.gethostname(), 1.0)), {})


class _Sample(NamedTuple):
    """Sums at some time: evaluations, seconds in which workers were busy, and seconds in which they were ready."""

    time: float
    evaluated: int
    busy: float
    available: float


class _Meter(SilentReporter):
    """Takes a sample after `_SKIPPED` seconds, another some seconds later, and then stops the search."""

    def __init__(self, workers: RayExecutor, seconds: float, stop: threading.Event) -> None:
        self._workers, self._stop = workers, stop
        self._dues = [time.monotonic() + _SKIPPED, time.monotonic() + _SKIPPED + seconds]
        self._evaluated = 0
        self.samples: list[_Sample] = []

    def candidates_recorded(self, records: Sequence[Record]) -> None:
        self._evaluated += sum(record.evaluated for record in records)
        if self._dues and time.monotonic() >= self._dues[0]:
            self._dues.pop(0)
            hosts = self._workers.hosts.values()
            busy, available = sum(usage.busy for usage in hosts), sum(usage.available for usage in hosts)
            self.samples.append(_Sample(time.monotonic(), self._evaluated, busy, available))
        if not self._dues:
            self._stop.set()


def _config(window: int, evaluations: int) -> Config:
    mutations = dict.fromkeys(MUTATIONS, 0.0) | SCALING
    limits = {"children": _MOST, "evaluations": evaluations}
    search = limits | {"population": 1000, "tournament": 2, "mutations": mutations}
    return build_config({"search": search, "workers": {"in_flight": window}})


def _searched(config: Config, workers: RayExecutor, meter: SilentReporter, stop: threading.Event) -> str:
    """Search, and return the digest of the history."""
    with tempfile.TemporaryDirectory() as folder, Journal.create(Path(folder, "journal.sqlite"), {}) as journal:
        search({0: build_engine(config, builtin("adamw"), 0)}, workers, journal, reporter=meter, stop=stop)
        return str(journal.digest())


def measure(workers: RayExecutor, window: int, seconds: float) -> dict[str, float]:
    """Evaluations per second, and the busy share of the workers' time, in a search with some window."""
    stop = threading.Event()
    meter = _Meter(workers, seconds, stop)
    _searched(_config(window, _MOST), workers, meter, stop)
    began, ended = meter.samples
    busy, available = ended.busy - began.busy, ended.available - began.available
    rate = (ended.evaluated - began.evaluated) / (ended.time - began.time)
    return {"window": window, "rate": rate, "busy": busy / available}


def main() -> None:
    """Read the options from the arguments: a JSON object with `address`, `workers`, `windows`, `seconds` and `slow`."""
    options: dict[str, Any] = json.loads(sys.argv[1])
    settings = RaySettings(count=options["workers"], address=options["address"])
    with RayExecutor(partial(build, options["slow"]), {}, settings, say=partial(print, flush=True)) as workers:
        ready = False
        while not ready:
            digest = _searched(_config(*COMPARED), workers, SilentReporter(), threading.Event())
            ready = workers.describe().startswith(f"{options['workers']} of")
        print(json.dumps({"digest": digest}), flush=True)
        for window in options["windows"]:
            print(json.dumps(measure(workers, window, options["seconds"])), flush=True)


if __name__ == "__main__":
    main()
