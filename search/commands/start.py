"""The first step of the command `optsearch`: signals are handled before anything that takes a while is imported.

To import JAX takes a second or more, in which Ctrl-C would end in a traceback. This module imports nothing heavy.
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
