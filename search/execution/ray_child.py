"""Handle of the Ray process in the driver.

The driver starts the process, sends jobs, and receives messages with a time limit. If the process does not end when
asked, it is killed with all its children.
"""

import contextlib
import os
import pickle
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Pipe

import psutil

from search.execution.child import ended, start_child
from search.execution.messages import Lost, Parcel, Setup
from search.execution.private_ray import local_environment, private_folder, working_directory

_SILENCE = 20.0  # seconds without a message after which the process is lost; it reports once a second
_FIRST_SILENCE = 120.0  # the same before the first message; Ray takes seconds to start, longer on a busy machine
_LAST_WORD = 5.0  # seconds to wait for the exit status of a process that closed its connection
_END_LIMIT = 15.0  # seconds to wait for the end of the process


class ProcessLostError(Exception):
    """Raised if Ray or the process that runs it has died; the message names the cause."""


class RayChild:
    """A process that runs Ray.

    Args:
        setup: the first message to the process.

    Raises:
        WorkersLostError: the disk is full.
    """

    def __init__(self, setup: Setup) -> None:
        self._folder = private_folder()
        environment = {"RAY_USAGE_STATS_ENABLED": "0"}  # nothing is sent anywhere
        environment |= local_environment(self._folder) if setup.settings.address is None else {}
        self._connection, theirs = Pipe()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = start_child(
            "search.execution.ray_process",
            theirs,
            str(self._folder),
            environment=environment,
            errors=self._errors,
            folder=working_directory(self._folder),
        )
        theirs.close()
        self._heard, self._patience = time.monotonic(), _FIRST_SILENCE
        with contextlib.suppress(OSError):  # `receive` reports the failure
            self._connection.send_bytes(pickle.dumps(setup))

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Send jobs."""
        try:
            self._connection.send_bytes(pickle.dumps(parcels))
        except OSError:
            raise ProcessLostError(self._end_in_words()) from None

    def receive(self, timeout: float) -> Iterator[object]:
        """Receive all available messages, after waiting for the first one.

        Args:
            timeout: largest time to wait for the first message, in seconds.

        Raises:
            ProcessLostError: the process ended, has been silent for too long, or reports that Ray has failed.
        """
        try:
            while self._connection.poll(timeout):
                message = pickle.loads(self._connection.recv_bytes())
                self._heard, self._patience, timeout = time.monotonic(), _SILENCE, 0.0
                if isinstance(message, Lost):
                    raise ProcessLostError(message.reason)
                yield message
        except (EOFError, OSError):
            raise ProcessLostError(self._end_in_words()) from None
        if time.monotonic() - self._heard > self._patience:
            raise ProcessLostError(f"the process that runs Ray has not answered for {self._patience:g} s")

    def _end_in_words(self) -> str:
        how = ended(self._process, _LAST_WORD)
        self._errors.seek(0)
        said = [line for line in self._errors.read().decode(errors="replace").splitlines() if line.strip()]
        return f"the process that runs Ray {how}" + (f" ({said[-1].strip()})" if said else "")

    def end(self) -> None:
        """Ask the process to end, and kill it if it does not."""
        self._connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_END_LIMIT)
        self.kill()

    def kill(self) -> None:
        """Kill the process and all its descendants, and remove its files."""
        self._connection.close()
        for process in self._members():
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._process.kill()
        self._process.wait()
        self._errors.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _members(self) -> Iterator[psutil.Process]:
        """All processes of the session of the Ray process, including those whose parent has died."""
        for process in psutil.process_iter():
            with contextlib.suppress(OSError):
                if os.getsid(process.pid) == self._process.pid:
                    yield process
