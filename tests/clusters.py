"""Clusters of Ray as processes of their own, to be joined and killed."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import psutil

from search.execution.messages import RaySettings
from search.execution.ray_executor import RayExecutor
from search.execution.worker import Built
from tests.workers import FACTS


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def head(port: int, folder: Path, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A head node, which ends with the process that is returned."""
    code = "from ray.scripts.scripts import main; main()"
    arguments = ["start", "--head", f"--port={port}", "--num-cpus=2", "--include-dashboard=false", "--block"]
    with (folder / "head.log").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdout=output,
            stderr=output,
            env=os.environ | dict(environment or {}),
        )


def end(node: subprocess.Popen[bytes]) -> None:
    """Kill a node and all its processes at once."""
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(node.pid).children(recursive=True):
            process.kill()
    node.kill()
    node.wait()


def joined(build: partial[Built], address: str, said: list[str]) -> RayExecutor:
    """An executor on a cluster, once something answers there."""
    deadline = time.monotonic() + 120
    host, port = address.split(":")
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return RayExecutor(build, FACTS, RaySettings(count=1, address=address), say=said.append)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
