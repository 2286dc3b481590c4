"""Ray, actors and clocks that tests of the pool of workers control."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from ray import exceptions

from search.execution.messages import Parcel
from search.execution.worker import Place

raised: Any = exceptions  # several of its classes have no annotations


class FakeRay:
    """Answers every call at once: with its value, or by raising it."""

    exceptions = exceptions

    def __init__(self) -> None:
        self.killed: list[Any] = []

    def get(self, call: Any) -> Any:
        if isinstance(call.value, Exception):
            raise call.value
        return call.value

    def kill(self, actor: Any) -> None:
        self.killed.append(actor)


class Call:
    """A call that is completed when it has a value."""

    def __init__(self, value: Any = None) -> None:
        self._completed: Future[None] = Future()
        if value is not None:
            self.complete(value)

    def complete(self, value: Any) -> None:
        self.value = value
        self._completed.set_result(None)

    def future(self) -> "Future[None]":
        return self._completed


class Actor:
    """An actor whose first answers to `execute` are exceptions."""

    def __init__(self, errors: list[Exception]) -> None:
        self.placed = SimpleNamespace(remote=lambda: Call(Place("node1", 1)))
        self.begin = SimpleNamespace(remote=lambda: Call({}))
        self.execute = SimpleNamespace(
            remote=lambda contents: Call(errors.pop(0) if errors else ([b"answer"] * len(contents), 0.01))
        )


class Silent:
    """An actor on a host that does not answer a call until it is told to."""

    def __init__(self, host: str) -> None:
        self.placed = SimpleNamespace(remote=lambda: Call(Place(host, 1)))
        self.begin = SimpleNamespace(remote=lambda: Call({}))
        self.execute = SimpleNamespace(remote=self._execute)
        self.calls: list[tuple[Call, list[bytes]]] = []

    def _execute(self, contents: list[bytes]) -> Call:
        self.calls.append((Call(), contents))
        return self.calls[-1][0]

    def answer(self, seconds: float = 1.0) -> None:
        """Answer the oldest call."""
        call, contents = self.calls.pop(0)
        call.complete(([content + b" done" for content in contents], seconds))

    def die(self) -> None:
        """Die in the oldest call."""
        self.calls.pop(0)[0].complete(raised.ActorDiedError())


class Clock:
    """A clock that is told the time."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def job(number: int, *, small: bool = False) -> Parcel:
    return Parcel(number, small, 1, b"job %d" % number)
