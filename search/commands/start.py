"""Entry point of the command `optsearch`: installs signal handlers before slow imports.

Importing JAX takes a second or more, during which Ctrl-C would print a traceback. This module imports nothing slow.
"""

import os
import signal
from types import FrameType


def main() -> int:
    """Entry point of the command `optsearch`; returns its exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` sets it
            signal.signal(number, _end)
    from search.commands.main import main as run  # takes a second or more

    return run()


def _end(number: int, _: FrameType | None) -> None:
    os.write(2, b"optsearch: interrupted\n")
    os._exit(128 + number)
