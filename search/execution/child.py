"""Python processes that this process starts and talks to over a connection.

`multiprocessing` is not used, since it imports the main program once more in each process that it spawns: a script
that starts a search without a guard would start another one. A process ends when its connection is closed, also if this
process is killed.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

_CODE = "import sys; sys.path[:] = {path!r}; from {module} import main; main{arguments!r}"


def start_child(
    module: str,
    end: Connection,
    *arguments: str,
    environment: Mapping[str, str],
    errors: IO[Any] | int = subprocess.DEVNULL,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process with the import path of this one.

    Args:
        module: module whose function `main` the process calls.
        end: the end of a connection that the process inherits; `main` takes its file descriptor first.
        arguments: further arguments of `main`.
        environment: variables that are added to the environment.
        errors: file for its standard error.
        folder: its working directory; by default that of this process. Relative entries of the import path are resolved
            against the working directory of this process.
    """
    path = [_absolute(entry) for entry in sys.path]  # an empty entry is the working directory
    code = _CODE.format(path=path, module=module, arguments=(end.fileno(), *arguments))
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | _with_absolute_paths() | dict(environment),
        cwd=folder,
        pass_fds=[end.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # it is for results only
        stderr=errors,
        start_new_session=True,  # otherwise a terminal would send Ctrl-C to this process too
    )


def _with_absolute_paths() -> dict[str, str]:
    """Variables of the environment whose relative paths a process in another folder would not find."""
    path, token = os.environ.get("PYTHONPATH"), os.environ.get("RAY_AUTH_TOKEN_PATH")
    found = {"PYTHONPATH": os.pathsep.join(map(_absolute, path.split(os.pathsep)))} if path else {}
    return found | ({"RAY_AUTH_TOKEN_PATH": _absolute(token)} if token else {})


def _absolute(path: str) -> str:
    return str(Path(path).absolute())


def ended(process: subprocess.Popen[bytes], limit: float) -> str:
    """How a process ended: `ended by SIGKILL`, `ended with status 1`, or `ended` if it has not within some seconds."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        status = process.wait(timeout=limit)
        return f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return "ended"
