"""The worker process, which executes jobs with its own scorer, one thread, and a memory limit."""

import os
import pickle
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from proxy_tasks import Evaluator
from search.execution.batch import execute_together
from search.execution.executor import Answer, Job, Scorer
from search.execution.process import check_packages, keep_compiled, pin_threads

_LOOK_EVERY = 0.2  # seconds between two checks of the memory in use
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in the unit of `ru_maxrss`


class Built(NamedTuple):
    """A scorer, and the facts that must be equal in the driver and in every worker."""

    scorer: Scorer
    facts: dict[str, Any]


class Place(NamedTuple):
    """Host name and process id of a worker."""

    host: str
    process: int


class Worker:
    """The actor of the Ray executor, which executes batches of jobs.

    Args:
        build: makes the scorer in this process.
        memory: number of bytes above which the process ends itself; 0 for no limit.
        gpu: whether Ray has assigned a GPU to the process.
        together: whether the jobs of a call are trained together.
    """

    def __init__(self, build: Callable[[], Built], memory: int, gpu: bool = False, together: bool = False) -> None:
        pin_threads("cuda,cpu" if gpu else "cpu")
        self._together = together
        self._build = build
        self._scorer: Scorer | None = None
        if memory:
            threading.Thread(target=_end_beyond, args=(memory,), daemon=True).start()

    def placed(self) -> Place:
        """Return host name and process id; answered when the process has started."""
        return Place(socket.gethostname(), os.getpid())

    def begin(self) -> dict[str, Any]:
        """Build the scorer, and return its facts."""
        check_packages()
        keep_compiled()
        self._scorer, facts = self._build()
        return facts

    def execute(self, contents: Sequence[bytes]) -> tuple[list[bytes], float]:
        """Execute a batch of pickled jobs; returns the pickled answers in order, and the duration in seconds."""
        assert self._scorer is not None
        before = time.monotonic()
        jobs: list[Job] = [pickle.loads(content) for content in contents]
        if self._together and isinstance(self._scorer, Evaluator):
            answers: list[Answer] = execute_together(jobs, self._scorer)
        else:
            answers = [job.execute(self._scorer) for job in jobs]
        return [pickle.dumps(answer) for answer in answers], time.monotonic() - before


def copy_in(folder: Path, path: str) -> Path:
    """Place of the copy of a file in the working directory of a worker.

    >>> copy_in(Path("/tmp/ray"), "/home/ann/cells.npz").as_posix()
    '/tmp/ray/home/ann/cells.npz'
    """
    return folder / Path(path).relative_to(Path(path).anchor)


def _end_beyond(memory: int) -> None:
    """End this process when its peak memory exceeds a number of bytes."""
    while resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT < memory:
        time.sleep(_LOOK_EVERY)
    os._exit(1)
