"""The Ray cluster that workers run on: started on this machine, or joined.

A cluster is joined with the token and the settings of the user's environment. On a machine that is not part of it a
node without CPUs is started, since a driver of Ray needs a raylet beside it.
"""

import logging
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import ray

from primitives import UserError

KNOWN = "`workers.address` is that of a cluster begun with `ray start --head`, such as 10.0.0.1:6379"
_CONNECT = 5.0  # seconds for an address to answer
_JOIN = 30.0  # seconds for a node of this machine to join
_OBJECTS = 100 * 2**20  # bytes of Ray's object store, through which nothing large passes


class UnreachableError(UserError):
    """Nothing answers at the address of the cluster."""


def start_ray(folder: Path, count: int | None, environment: Mapping[str, Any] | None = None) -> None:
    """Start Ray on this machine alone.

    Args:
        folder: holds its files.
        count: number of workers that there should be room for.
        environment: Ray's `runtime_env`.
    """
    cores = max(count or 0, os.cpu_count() or 1)  # more workers than cores are the user's to ask for
    ray.init(
        address="local",
        num_cpus=cores,
        include_dashboard=False,
        object_store_memory=_OBJECTS,
        _temp_dir=str(folder),
        log_to_driver=False,
        logging_level=logging.ERROR,
        runtime_env=dict(environment or {}),
    )


def join(address: str, environment: Mapping[str, Any] | None = None) -> subprocess.Popen[bytes] | None:
    """Join a cluster.

    Args:
        address: `host:port`, `auto`, or `ray://host:port`.
        environment: Ray's `runtime_env`.

    Returns:
        The node that was started on this machine; `None` where the cluster has one here.

    Raises:
        UnreachableError: nothing answers.
        UserError: the cluster cannot be joined.
    """
    node = None
    if address != "auto":
        host, port = _answering(address)
        if not address.startswith("ray://") and not _has_raylet(host, port):
            node = _start_node(address)
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env=dict(environment or {}),
        )
    except (ray.exceptions.AuthenticationError, ConnectionError, RuntimeError, ValueError) as error:
        if node:
            node.kill()
        raise UserError(f"the cluster at `workers.address` (={address}) cannot be joined: {_reason(error)}") from None
    return node


_TOKEN = (
    "RAY_AUTH_TOKEN, the file RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token holds it, and RAY_AUTH_MODE=disabled is for a "
    "cluster without one"
)


def _reason(error: Exception) -> str:
    if isinstance(error, ray.exceptions.AuthenticationError) or "authentication" in str(error).lower():
        return f"it asks for another token than the one found here; {_TOKEN}"
    if "Failed to connect to Ray cluster" in str(error):  # Ray's words for a wrong token, too
        return f"what listens there does not answer as a cluster; if it asks for another token: {_TOKEN}; {KNOWN}"
    return f"{' '.join(str(error).split())}; {KNOWN}"


def _answering(address: str) -> tuple[str, int]:
    """Numeric host and port of an address at which something listens; Ray itself would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT) as connection:
            return str(connection.getpeername()[0]), int(port)
    except (OSError, ValueError) as error:
        raise UnreachableError(f"nothing answers at `workers.address` (={address}): {error}; {KNOWN}") from None


def _has_raylet(host: str, port: int) -> bool:
    """Whether a raylet of the cluster runs on this machine."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "raylet":
            for argument in process.info["cmdline"] or []:
                if argument.startswith("--gcs-address="):
                    name, _, found = argument.partition("=")[2].rpartition(":")
                    if int(found) == port and _same_host(name.strip("[]"), host):
                        return True
    return False


def _same_host(name: str, host: str) -> bool:
    """Whether a host name and a numeric address mean the same machine; all addresses of this machine do."""
    own = {address.address for addresses in psutil.net_if_addrs().values() for address in addresses}
    try:
        return any(host == found[4][0] or {host, found[4][0]} <= own for found in socket.getaddrinfo(name, None))
    except OSError:
        return False


def _start_node(address: str) -> subprocess.Popen[bytes]:
    """Start a node without CPUs on this machine."""
    command = "from ray.scripts.scripts import main; main()"
    arguments = ["start", f"--address={address}", "--num-cpus=0", "--block", f"--object-store-memory={_OBJECTS}"]
    node = subprocess.Popen(
        [sys.executable, "-P", "-c", command, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert node.stdout is not None
    deadline = time.monotonic() + _JOIN
    os.set_blocking(node.stdout.fileno(), False)
    said = b""
    while time.monotonic() < deadline and b"Ray runtime started" not in said:
        said += node.stdout.read() or b""
        if node.poll() is not None:
            break
        time.sleep(0.1)
    else:
        if node.poll() is None and b"Ray runtime started" in said:
            return node
    node.kill()
    reason = _reason(RuntimeError(said.decode(errors="replace")))
    raise UserError(f"this machine cannot join the cluster at `workers.address` (={address}): {reason}")


def difference(theirs: Any, ours: Any) -> str:  # noqa: ANN401 - plain values
    """The first difference between two plain values, in words."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        key = next(key for key in {**ours, **theirs} if theirs.get(key) != ours.get(key))
        return f"{key}: {difference(theirs.get(key), ours.get(key))}"
    return f"{textwrap.shorten(str(theirs), 60)}, not {textwrap.shorten(str(ours), 60)}"
