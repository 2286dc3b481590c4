"""Starting Ray on this machine, or joining a Ray cluster.

A cluster is joined with the token and the settings in the user's environment. If this machine is not part of the
cluster, a node without CPUs is started here, since a Ray driver needs a local raylet.
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

KNOWN = "`workers.address` must be the address of a cluster started by `ray start --head`, such as 10.0.0.1:6379"
_CONNECT = 5.0  # time limit for an address to answer, in seconds
_JOIN = 120.0  # time limit for a node of this machine to join, in seconds; on a busy machine it takes half a minute
_OBJECTS = 100 * 2**20  # size of Ray's object store in bytes; no large objects are sent


class UnreachableError(UserError):
    """Raised if nothing answers at the address of a cluster."""


def start_ray(
    folder: Path, count: int | None, environment: Mapping[str, Any] | None = None, *, gpu: bool = False
) -> None:
    """Start Ray on this machine only.

    Args:
        folder: folder for the files of Ray.
        count: number of workers that must fit; `None` for one per core.
        environment: Ray's `runtime_env`.
        gpu: whether each worker needs a GPU; by default there is room for one on each GPU that Ray finds.
    """
    cores = max(count or 0, os.cpu_count() or 1)  # the user may request more workers than cores
    ray.init(
        address="local",
        num_cpus=cores,
        num_gpus=count if gpu else 0,
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
        The process of the node that was started on this machine; `None` if the cluster already has a node here.

    Raises:
        UnreachableError: nothing answers at the address.
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
    "set the token in RAY_AUTH_TOKEN, in the file RAY_AUTH_TOKEN_PATH or in ~/.ray/auth_token; for a cluster without a "
    "token, set RAY_AUTH_MODE=disabled"
)


def _reason(error: Exception) -> str:
    if isinstance(error, ray.exceptions.AuthenticationError) or "authentication" in str(error).lower():
        return f"it requires a different token; {_TOKEN}"
    if "Failed to connect to Ray cluster" in str(error):  # Ray also reports a wrong token in this way
        return f"the server at this address does not answer as a cluster; if it requires a token, {_TOKEN}; {KNOWN}"
    return f"{' '.join(str(error).split())}; {KNOWN}"


def _answering(address: str) -> tuple[str, int]:
    """Resolve an address to host and port, and check that it answers; Ray itself would wait for minutes."""
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
    """Whether a host name and a numeric address belong to the same machine."""
    own = {address.address for addresses in psutil.net_if_addrs().values() for address in addresses}
    try:
        return any(host == found[4][0] or {host, found[4][0]} <= own for found in socket.getaddrinfo(name, None))
    except OSError:
        return False


def _start_node(address: str) -> subprocess.Popen[bytes]:
    """Start a node without CPUs on this machine, and wait until it has joined the cluster."""
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
    """Describe the first difference between two plain values."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        key = next(key for key in {**ours, **theirs} if theirs.get(key) != ours.get(key))
        return f"{key}: {difference(theirs.get(key), ours.get(key))}"
    return f"{textwrap.shorten(str(theirs), 60)}, not {textwrap.shorten(str(ours), 60)}"
