"""A helper process: answers requests on one thread of the CPU until its connection is closed."""

import contextlib
import pickle
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from primitives import UserError
from search.execution.process import pin_threads


class Refusal(NamedTuple):
    """Reply of a helper that has no answer.

    Attributes:
        reason: the reason.
        final: whether no helper can answer any request.
    """

    reason: str
    final: bool


class Reply(NamedTuple):
    """Reply of a helper with an answer."""

    answer: Any


def main(descriptor: int) -> None:
    """Serve the process at the other end of a connection.

    The first message is a function that returns the function `request -> answer`; all further ones are requests.

    Args:
        descriptor: inherited file descriptor of the connection.
    """
    pin_threads()
    connection = Connection(descriptor)
    with contextlib.suppress(EOFError, OSError):
        handler = _built(connection.recv_bytes())
        while True:
            request = connection.recv_bytes()
            reply = handler if isinstance(handler, Refusal) else _reply(handler, request)
            connection.send_bytes(pickle.dumps(reply))


def _built(message: bytes) -> Callable[[Any], Any] | Refusal:
    try:
        handler: Callable[[Any], Any] = pickle.loads(message)()
    except Exception as error:  # of a module that the user wrote
        return Refusal(_in_words(error), final=True)
    return handler


def _reply(handler: Callable[[Any], Any], request: bytes) -> Reply | Refusal:
    try:
        return Reply(handler(pickle.loads(request)))
    except Exception as error:  # this process computes the answer again, and raises the error if it is no accident
        return Refusal(_in_words(error), final=False)


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
