"""Actors that stand for many workers of a pool: each call sleeps in a thread of its own.

Since they need no JAX, and several workers share a process, a thousand workers fit on a small machine.
"""

import os
import random
import socket
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from types import SimpleNamespace
from typing import Any

import ray

_PROCESSES = 8


class Sleeper:
    """An actor with the methods of `search.execution.worker.Worker`, which sleeps for each job and returns it.

    Args:
        seconds: mean time of a job; the time of each call is drawn between half and one and a half times its mean.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def placed(self) -> SimpleNamespace:
        """Host name and process id."""
        return SimpleNamespace(host=socket.gethostname(), process=os.getpid())

    def begin(self) -> dict[str, Any]:
        """No facts."""
        return {}

    def execute(self, contents: Sequence[bytes]) -> tuple[list[bytes], float]:
        """Sleep, and return the jobs in place of answers."""
        time.sleep(self._seconds * len(contents) * random.uniform(0.5, 1.5))
        return list(contents), self._seconds * len(contents)


def sleepers(workers: int, seconds: float) -> Callable[[], Any]:
    """A function that returns the handle of a new worker, whose jobs take some seconds.

    Args:
        workers: number of workers; each may have two calls at a time, which run side by side.
        seconds: mean time of a job.
    """
    threads = 2 * workers // _PROCESSES + 2
    remote: Any = ray.remote  # its annotations lack `max_concurrency`
    actor = remote(num_cpus=0, max_concurrency=threads)(Sleeper)
    handles = cycle([actor.remote(seconds) for _ in range(_PROCESSES)])
    return lambda: next(handles)
