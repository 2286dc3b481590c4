"""The Ray process: a separate process that is connected to Ray and runs the pool of workers for a driver.

A failure of Ray can block or end the process that is connected to it: some calls never return after the raylet has
died, and the library ends the process when the GCS server has died. In this case the driver (`ray_executor`) kills the
Ray process and starts another one. The settings of Ray, such as the token of a private instance, are set in the
environment of this process only.
"""

import contextlib
import os
import pickle
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import ray

from primitives import UserError
from search.execution import cluster
from search.execution.events import Events
from search.execution.executor import WorkersLostError
from search.execution.faults import RayLostError, cause
from search.execution.messages import Lost, Note, Refused, Report, Setup, State
from search.execution.private_ray import FILES
from search.execution.pulse import Pulse
from search.execution.worker import Worker, copy_in
from search.execution.worker_pool import WorkerPool

_END_LIMIT = 10.0  # seconds after the end of the driver until the process ends itself
_REPORT_EVERY = 1.0  # seconds between two reports if no job is answered
_WAITING_FIRST = 20.0  # seconds until the first message about workers that wait for a CPU
_WAITING_EVERY = 30.0  # seconds between two messages about workers that wait for a CPU


class RayProcess:
    """Executes the jobs of a driver.

    Args:
        connection: connection to the driver.
        folder: private folder of this process, which is removed at the end.
    """

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._connection, self._folder = connection, folder
        self._sending = threading.Lock()
        self._events = Events()
        self._closed = threading.Event()
        self._node: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        """Execute jobs until the driver closes the connection."""
        setup: Setup = pickle.loads(self._connection.recv_bytes())
        threading.Thread(target=self._receive, daemon=True).start()
        try:
            self._execute(setup)
        except Exception as error:
            self._send(last_message(error))
            self._closed.wait()  # the driver ends this process and its children
        if self._node:
            self._node.terminate()
            self._node.wait()

    def remove_files(self) -> None:
        """Remove the private folder; a driver that was killed does not."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _send(self, message: object) -> None:
        """Send a message to the driver; a closed connection is ignored."""
        with self._sending, contextlib.suppress(OSError):
            self._connection.send_bytes(pickle.dumps(message))

    def _note(self, text: str) -> None:
        self._send(Note(text))

    def _receive(self) -> None:
        """Receive jobs; after the connection is closed, end the process within `_END_LIMIT`, even if Ray blocks."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._events.submit(pickle.loads(self._connection.recv_bytes()))
        self._closed.set()
        self._events.submit([])
        time.sleep(_END_LIMIT)
        self.remove_files()
        os._exit(1)

    def _execute(self, setup: Setup) -> None:
        settings = setup.settings
        if settings.address is None:
            cluster.start_ray(self._folder / FILES, settings.count, gpu=settings.gpu)
        else:
            with working_directory(setup.files) as environment:  # sent to the cluster when it is joined
                self._node = cluster.join(settings.address, environment)
        where = f"the cluster at {settings.address}" if settings.address else "Ray on this machine"
        resource, own = "GPU" if settings.gpu else "CPU", settings.address is None
        pulse = Pulse(lambda reason: self._send(Lost(reason)), where=where, own=own, resource=resource)
        if settings.gpu and not (settings.count or pulse.places):
            raise UserError(f"`workers.device: gpu` needs a GPU, and {where} has none")
        actor: Any = ray.remote(num_cpus=1, num_gpus=int(settings.gpu), max_restarts=0, max_task_retries=0)(Worker)
        memory = int(settings.memory_limit * 2**30)
        pool = WorkerPool(
            lambda: actor.remote(setup.build, memory, settings.gpu, bool(settings.batch)),
            settings.count or max(1, pulse.places),
            facts=setup.facts,
            settings=settings,
            say=self._note,
            events=self._events,
        )
        self._send(Report(pool.state(), []))
        self._work(pool, pulse, grows=settings.count is None)
        for member in pool.members:
            ray.kill(member.actor)
        ray.shutdown()

    def _work(self, pool: WorkerPool, pulse: Pulse, *, grows: bool) -> None:
        """Execute jobs until the driver closes the connection; report at least once a second."""
        reported, waiting = time.monotonic(), Waiting()
        while not self._closed.is_set():
            outcomes = pool.turn()
            if outcomes or time.monotonic() - reported >= _REPORT_EVERY:
                state, reported = pool.state(), time.monotonic()
                self._send(Report(state, outcomes))
                if text := waiting.text(state, pulse):
                    self._note(text)
            more = pulse.places - pool.count
            if grows and more > 0:
                self._note(f"the cluster now has {pulse.places} {pulse.resource}s; starting {more} more workers")
                pool.add_workers(more)


@contextlib.contextmanager
def working_directory(files: Mapping[str, bytes]) -> Iterator[dict[str, str]]:
    """Write copies of files to a temporary folder, and return the `runtime_env` with which Ray sends them."""
    if not files:
        yield {}
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = copy_in(Path(folder), name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield {"working_dir": folder}


class Waiting:
    """Messages about workers that wait for a CPU, repeated at intervals while no worker is ready.

    Ray reserves a CPU before it starts the process of an actor, and does not report for which actor. The first message
    is therefore delayed.
    """

    def __init__(self) -> None:
        self._since: float | None = None
        self._said = False

    def text(self, state: State, pulse: Pulse) -> str:
        """The message for the user; empty if there is none."""
        unplaced = state.count - state.ready - state.starting
        if not unplaced or pulse.free >= 1:
            self._since, self._said = None, False
            return ""
        now = time.monotonic()
        self._since = self._since or now
        if now - self._since < (_WAITING_EVERY if self._said else _WAITING_FIRST) or (self._said and state.ready):
            return ""
        self._since, self._said = now, True
        return (
            f"waiting for {unplaced} {pulse.resource}{'s' if unplaced > 1 else ''}; the cluster has {pulse.places}, "
            f"all in use ({state.ready + state.starting} by this run); to use fewer workers, set `workers.count`"
        )


def last_message(error: Exception) -> Lost | Refused:
    """The last message to the driver after an exception: Ray is lost, or the run must end."""
    if isinstance(error, RayLostError):
        return Lost(str(error))
    if isinstance(error, ray.exceptions.RayError) and not isinstance(error, ray.exceptions.RayTaskError):
        return Lost(cause(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = WorkersLostError(f"{type(error).__name__}: {cause(error)}")
    return Refused(error)


def main(descriptor: int, folder: str) -> None:
    """Serve the driver at the other end of a connection.

    Args:
        descriptor: inherited file descriptor of the connection.
        folder: private folder of this process, which is removed at the end.
    """
    process = RayProcess(Connection(descriptor), Path(folder))
    try:
        process.serve()
    finally:
        process.remove_files()
