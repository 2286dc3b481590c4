"""Helper processes on the CPU, which answer requests while this process trains on an accelerator.

An answer must depend on the request alone, so that it does not matter who computes it. If a helper dies, the answer is
computed in this process, and another helper takes its place.
"""

import contextlib
import pickle
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Pipe
from typing import Any, Self

from search.execution.child import ended, start_child
from search.execution.helper_process import Refusal

_PATIENCE = 120.0  # seconds to wait for an answer; importing JAX takes seconds, longer on a busy machine
_LAST_WORD = 5.0  # seconds to wait for the exit status of a helper that closed its connection
Handler = Callable[[Any], Any]  # `request -> answer`


class HelperLostError(Exception):
    """Raised if a helper has no answer; the message gives the reason.

    Args:
        reason: the reason.
        final: whether no helper can answer any request.
        dead: whether the process has ended, or does not respond.
    """

    def __init__(self, reason: str, *, final: bool = False, dead: bool = False) -> None:
        super().__init__(reason)
        self.final, self.dead = final, dead


class HelperPool:
    """Some helper processes; a context manager that ends them.

    Args:
        build: called in each helper, it returns the function `request -> answer`; it is pickled.
        local: the same function in this process.
        count: number of helpers.
        say: called with messages for the user.
    """

    def __init__(self, build: Callable[[], Handler], local: Handler, *, count: int, say: Callable[[str], None]) -> None:
        self._build, self._local, self._say = pickle.dumps(build), local, say
        self._said: set[str] = set()
        self._refused = self._closed = False
        self._replaceable = count  # helpers that are still started in place of dead ones
        self._changes = threading.Lock()
        self._helpers: list[_Helper] = []
        self._idle: queue.SimpleQueue[_Helper] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(count)
        try:
            for _ in range(count):
                self._helpers.append(_Helper(self._build))
                self._idle.put(self._helpers[-1])
        except OSError as error:  # the machine starts no further process
            if not self._helpers:
                self._refused = True
                say(f"no helper process can be started ({error}); all work is done in this process")

    @property
    def count(self) -> int:
        """Number of requests that are answered at the same time."""
        return 1 if self._refused else len(self._helpers)

    @property
    def processes(self) -> list[int]:
        """Process ids of the helpers."""
        return [helper.process.pid for helper in self._helpers]

    def ask(self, request: Any) -> Callable[[], Any]:  # noqa: ANN401 - anything that can be pickled
        """Send a request; returns a function that waits for the answer and returns it."""
        if self._refused:
            return partial(self._local, request)
        return partial(self._wait, self._threads.submit(self._answer, request), request)

    def _wait(self, answer: "Future[Any]", request: Any) -> Any:  # noqa: ANN401 - as the handler returns it
        try:
            return answer.result()
        except HelperLostError as error:
            self._refused = self._refused or error.final
            if str(error) not in self._said:
                self._said.add(str(error))
                self._say(f"{error}; {'all' if error.final else 'its'} work is done in this process")
        return self._local(request)

    def _answer(self, request: Any) -> Any:  # noqa: ANN401 - as the handler returns it
        """Get an answer from the next idle helper; called in a thread."""
        helper = self._idle.get()
        try:
            return helper.answer(request)
        except HelperLostError as error:
            if error.dead:
                helper = self._replacement(helper)
            raise
        finally:
            self._idle.put(helper)

    def _replacement(self, helper: "_Helper") -> "_Helper":
        """Another helper in place of a dead one; the dead one if too many have died, or all are being ended."""
        with self._changes:
            helper.kill()
            if self._closed or not self._replaceable:
                return helper
            helper.close()
            self._replaceable -= 1
            place = self._helpers.index(helper)
            with contextlib.suppress(OSError):  # the machine starts no further process
                self._helpers[place] = _Helper(self._build)
            return self._helpers[place]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._changes:
            self._closed = True
            for helper in self._helpers:
                helper.kill()
        self._threads.shutdown(cancel_futures=True)  # a thread that waits for an answer gets none
        for helper in self._helpers:
            helper.close()


class _Helper:
    """A helper process, which answers one request at a time.

    Args:
        build: pickled function that makes the handler.
    """

    def __init__(self, build: bytes) -> None:
        self._connection, theirs = Pipe()
        self.process = start_child("search.execution.helper_process", theirs, environment={"JAX_PLATFORMS": "cpu"})
        theirs.close()
        with contextlib.suppress(OSError):  # `answer` reports the failure
            self._connection.send_bytes(build)

    def answer(self, request: Any) -> Any:  # noqa: ANN401 - as the handler returns it
        """Send a request, and wait for the answer."""
        try:
            self._connection.send_bytes(pickle.dumps(request))
            if not self._connection.poll(_PATIENCE):
                raise HelperLostError(f"a helper process has not answered for {_PATIENCE:g} s", dead=True)
            reply = pickle.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            raise HelperLostError(f"a helper process {ended(self.process, _LAST_WORD)}", dead=True) from None
        if isinstance(reply, Refusal):
            raise HelperLostError(reply.reason, final=reply.final)
        return reply.answer

    def kill(self) -> None:
        """End the process; it keeps nothing."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Close the connection, when no thread uses it."""
        self._connection.close()
