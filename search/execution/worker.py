"""The worker process: a scorer with its compiled tasks, one thread, and a limit on memory."""

import os
import pickle
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from search.execution.executor import Job, Scorer
from search.execution.process import check_packages, pin_threads

_LOOK_EVERY = 0.2  # seconds between two looks at the memory in use
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in the unit of `ru_maxrss`


class Built(NamedTuple):
    """A scorer, and facts that must be equal in the driver and in every worker for scores to mix."""

    scorer: Scorer
    facts: dict[str, Any]


class Place(NamedTuple):
    """Host name and process id of a worker."""

    host: str
    process: int


class Worker:
    """Scores batches of jobs; the actor of the Ray executor.

    Args:
        build: makes the scorer, in this process.
        memory: largest number of bytes that the process may use before it ends itself; 0 for no limit.
    """

    def __init__(self, build: Callable[[], Built], memory: int) -> None:
        pin_threads()
        self._build = build
        self._scorer: Scorer | None = None
        if memory:
            threading.Thread(target=_end_beyond, args=(memory,), daemon=True).start()

    def placed(self) -> Place:
        """Answer as soon as there is a process."""
        return Place(socket.gethostname(), os.getpid())

    def begin(self) -> dict[str, Any]:
        """Build the scorer; returns the facts that it rests on."""
        check_packages()
        self._scorer, facts = self._build()
        return facts

    def execute(self, contents: Sequence[bytes]) -> tuple[list[bytes], float]:
        """Execute a batch of pickled jobs; returns their pickled answers in order, and the seconds that it took."""
        assert self._scorer is not None
        before = time.monotonic()
        jobs: list[Job] = [pickle.loads(content) for content in contents]
        answers = [pickle.dumps(job.execute(self._scorer)) for job in jobs]
        return answers, time.monotonic() - before


def _end_beyond(memory: int) -> None:
    """End this process once it has used more memory than it may."""
    while resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT < memory:
        time.sleep(_LOOK_EVERY)
    os._exit(1)
