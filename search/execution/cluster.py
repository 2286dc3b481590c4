"""The Ray cluster that workers run on: joined or started, and compared with the driver."""

import os
import socket
import textwrap
import warnings
from typing import Any

import ray

from primitives.errors import UserError

_CONNECT = 5.0  # seconds for an address to answer
_OBJECTS = 100 * 2**20  # bytes of Ray's object store, through which nothing large passes


def connect(address: str | None, count: int | None) -> None:
    """Join a cluster, or start Ray on this machine.

    Args:
        address: of a running cluster; `None` starts one of this machine alone.
        count: workers that there should be room for, in the latter case.

    Raises:
        UserError: nothing answers at the address, or it cannot be joined.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    options: dict[str, Any] = {"address": address or "local", "log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        cores = max(count or 0, os.cpu_count() or 1)  # more workers than cores are the user's to ask for
        options |= {"num_cpus": cores, "include_dashboard": False, "object_store_memory": _OBJECTS}
    known = "`workers.address` is that of a cluster begun with `ray start --head`, such as 10.0.0.1:6379"
    if address not in (None, "auto"):  # Ray itself would wait for minutes
        host, _, port = str(address).removeprefix("ray://").rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT).close()
        except (OSError, ValueError) as error:
            raise UserError(f"nothing answers at `workers.address` (={address}): {error}; {known}") from None
    try:
        with warnings.catch_warnings():  # JAX warns of forks; Ray's children become other programs at once
            warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
            ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"the cluster at `workers.address` (={address}) cannot be joined: {reason}; {known}") from None


def difference(theirs: Any, ours: Any) -> str:  # noqa: ANN401 - plain values
    """The first difference between two plain values, in words."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        key = next(key for key in {**ours, **theirs} if theirs.get(key) != ours.get(key))
        return f"{key}: {difference(theirs.get(key), ours.get(key))}"
    return f"{textwrap.shorten(str(theirs), 60)}, not {textwrap.shorten(str(ours), 60)}"
