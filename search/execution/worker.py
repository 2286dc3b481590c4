"""What runs in a worker process: a scorer with its compiled tasks, one thread, and a limit on memory."""

import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from search.execution.executor import Answer, Job, Scorer
from search.execution.process import check_packages, pin_threads

_LOOK_EVERY = 0.2  # seconds between two looks at the memory in use
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in the unit of `ru_maxrss`


class Built(NamedTuple):
    """A scorer, and facts that must be equal in the driver and in every worker for scores to mix."""

    scorer: Scorer
    facts: dict[str, Any]


class Worker:
    """Scores batches of jobs; the actor of the Ray executor.

    Args:
        build: makes the scorer, in this process.
        memory: most bytes that the process may use before it is ended; 0: no limit.
    """

    def __init__(self, build: Callable[[], Built], memory: int) -> None:
        pin_threads()
        self._build = build
        self._scorer: Scorer | None = None
        if memory:
            threading.Thread(target=_end_beyond, args=(memory,), daemon=True).start()

    def placed(self) -> None:
        """Answers as soon as there is a process."""

    def begin(self) -> dict[str, Any]:
        """Build the scorer; gives the facts that it rests on."""
        check_packages()
        self._scorer, facts = self._build()
        return facts | {"host": socket.gethostname()}

    def execute(self, jobs: Sequence[Job]) -> tuple[list[Answer], float]:
        """Answers to a batch of jobs in order, and the seconds that it took."""
        assert self._scorer is not None
        before = time.monotonic()
        answers = [job.execute(self._scorer) for job in jobs]
        return answers, time.monotonic() - before


def _end_beyond(memory: int) -> None:
    """End this process once it has used more memory than it may."""
    while resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT < memory:
        time.sleep(_LOOK_EVERY)
    os._exit(1)
