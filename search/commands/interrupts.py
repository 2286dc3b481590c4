"""Signals that ask a command to stop: SIGINT, SIGTERM and SIGHUP.

The first signal requests a stop: candidates in flight are completed, recorded and reported. The second one ends the
command at once. A command that a signal ended has the exit status 128 + number of the signal. Signals that the caller
ignores, as `nohup` does with SIGHUP, stay ignored. Only the command line handles signals; the library takes a
`threading.Event`.

Python runs a signal handler in the main thread, between two bytecode instructions. While XLA compiles, which may take
half a minute, the main thread runs none. A second thread therefore reads the numbers of signals as they arrive
(`signal.set_wakeup_fd`), acknowledges them at once, and ends the process if the main thread does not react in time.
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType

import click

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}
_GRACE = 3.0  # seconds for the main thread to end after a second signal, which closes files and ends workers
_AGAIN = 0.01  # seconds until a signal is sent once more
_received: list[int] = []  # numbers of the signals of this command

Handler = Callable[[int, FrameType | None], None]


class Interrupted(KeyboardInterrupt):
    """Raised when a signal ends the command.

    Args:
        number: number of the signal.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def signals_end_command() -> Iterator[None]:
    """Let each signal end the command with an `Interrupted`, as Ctrl-C does with a `KeyboardInterrupt`."""

    def handle(number: int, _: FrameType | None) -> None:
        _received.append(number)
        raise Interrupted(number)

    _received.clear()
    with _handled(handle):
        yield


def exit_status(status: int) -> int:
    """Exit status of the command: that of the first signal if there was one, else the given one."""
    return 128 + _received[0] if _received else status


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that the first signal sets; the second one raises `Interrupted`."""
    stop = threading.Event()
    handled: list[int] = []

    def handle(number: int, _: FrameType | None) -> None:
        handled.append(number)
        if len(handled) > 1 or len(_received) > 1:
            raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    ended = threading.Event()
    listener = threading.Thread(target=_listen, args=(reader, stop, ended), daemon=True)
    listener.start()
    try:
        with _handled(handle):
            yield stop
    finally:
        ended.set()
        signal.set_wakeup_fd(before)
        writer.close()
        listener.join()
        reader.close()


def _listen(reader: socket.socket, stop: threading.Event, ended: threading.Event) -> None:
    """Read the numbers of signals as they arrive, until the other end of the socket is closed."""
    while numbers := reader.recv(1):
        number = numbers[0]
        if number not in SIGNALS:
            continue
        _received.append(number)
        if not stop.is_set():
            stop.set()
            _say(f"{_NAMES[signal.Signals(number)]} received: candidates in flight are completed and recorded first")
            _say("a second signal ends the command at once")
        else:
            threading.Thread(target=_end_after_grace, args=(ended,), daemon=True).start()


def _say(message: str) -> None:
    with suppress(OSError, ValueError):  # the terminal may be gone, as after SIGHUP
        click.echo(f"note: {message}", file=sys.stderr)


def _end_after_grace(ended: threading.Event) -> None:
    """End the process unless the main thread leaves `stop_on_signals` in time."""
    if not ended.wait(_GRACE):
        os._exit(exit_status(0))


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    """Install a handler for the signals that the caller does not ignore, in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous, hook = {number: signal.getsignal(number) for number in SIGNALS}, sys.unraisablehook
    try:
        sys.unraisablehook = partial(_raise_again, hook)
        for number, before in previous.items():
            if before != signal.SIG_IGN:
                signal.signal(number, handler)
        yield
    finally:
        sys.unraisablehook = hook
        for number, before in previous.items():
            signal.signal(number, before)


def _raise_again(otherwise: Callable[["sys.UnraisableHookArgs"], object], unraisable: "sys.UnraisableHookArgs") -> None:
    """Send a signal once more whose exception was lost, because the handler ran inside a finalizer or a callback."""
    if isinstance(unraisable.exc_value, Interrupted):
        threading.Timer(_AGAIN, os.kill, (os.getpid(), unraisable.exc_value.number)).start()
    else:
        otherwise(unraisable)
