"""Signals that ask a command to stop: SIGINT, SIGTERM and SIGHUP.

The first signal requests a stop: candidates in flight are completed, recorded and reported. The second one ends the
command at once. Only the command line installs signal handlers; the library takes a `threading.Event`.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}


class Interrupted(KeyboardInterrupt):
    """A signal ended the command.

    Args:
        number: of the signal; the exit status is 128 plus this.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Stop(threading.Event):
    """Set when a signal arrives; `signal` is its number, 0 before."""

    signal = 0


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """An event that the first signal sets; the second one raises `Interrupted`.

    A command that was stopped this way and ends in order has the exit status of the signal too: see `exit_status`.
    """
    stop = Stop()

    def handle(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            raise Interrupted(number)
        stop.signal = number
        stop.set()
        click.echo(
            f"note: {_NAMES[signal.Signals(number)]} received: candidates in flight are completed and recorded first; "
            f"a second one ends the run at once",
            file=sys.stderr,
        )

    previous = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
