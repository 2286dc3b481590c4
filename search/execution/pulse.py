"""Detection of failures of Ray: threads that check that the cluster answers and that Ray's servers are alive.

A call to Ray may block forever if its raylet or GCS server has died. One thread therefore asks the cluster for its
nodes at short intervals. Another thread checks the time since the last answer, and the server processes of a private
Ray instance. It reports the first failure.
"""

import contextlib
import threading
import time
from collections.abc import Callable

import psutil
import ray

_ASK_EVERY = 2.0  # seconds
_WATCH_EVERY = 0.5  # seconds
_SILENCE = 15.0  # seconds without an answer after which the cluster is lost
_SERVERS = {"raylet": "the raylet", "gcs_server": "the GCS server"}


class Pulse:
    """Monitor of a Ray connection.

    Args:
        lost: called once with the reason, in another thread, when Ray is lost.
        where: description of the cluster for messages.
        own: whether this process started Ray; the servers are then its children.
        resource: what a worker takes one of, `CPU` or `GPU`.

    Attributes:
        resource: what a worker takes one of.
        places: number of CPUs or GPUs of the cluster at its last answer.
        free: number of unused ones at its last answer.
    """

    def __init__(self, lost: Callable[[str], None], *, where: str, own: bool, resource: str = "CPU") -> None:
        self.resource = resource
        self._lost, self._where = lost, where
        self._servers = _servers() if own else {}
        self._answered = time.monotonic()
        self._node = ray.get_runtime_context().get_node_id()
        self._gone = ""
        self._ask()
        for task in (self._asks, self._watches):
            threading.Thread(target=task, daemon=True).start()

    def _ask(self) -> None:
        nodes = ray.nodes()  # type: ignore[no-untyped-call]
        alive = [node for node in nodes if node["Alive"]]
        self.places = int(sum(node["Resources"].get(self.resource, 0) for node in alive))
        self.free = ray.available_resources().get(self.resource, 0.0)  # type: ignore[no-untyped-call]
        if not any(node["NodeID"] == self._node for node in alive):
            self._gone = f"{self._where} has removed this machine, since the connection was lost for too long"
        self._answered = time.monotonic()

    def _asks(self) -> None:
        while True:
            time.sleep(_ASK_EVERY)
            with contextlib.suppress(Exception):  # any failure is no answer
                self._ask()

    def _watches(self) -> None:
        while True:
            time.sleep(_WATCH_EVERY)
            if reason := self._reason():
                self._lost(reason)
                return

    def _reason(self) -> str:
        for process, name in self._servers.items():
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return f"{name} of Ray died"
        if time.monotonic() - self._answered > _SILENCE:
            return f"{self._where} has not answered for {_SILENCE:g} s"
        return self._gone


def _servers() -> dict[psutil.Process, str]:
    """The servers of Ray among the children of this process, with their names in messages."""
    children = {child: child.name() for child in psutil.Process().children()}
    return {child: _SERVERS[name] for child, name in children.items() if name in _SERVERS}
