"""Table of the exceptions of Ray and their effects on the run.

The first row whose class matches applies. Four examples: if a worker dies during training, it is replaced, and its jobs
become suspects (`ActorDiedError`); if its host is short of memory, the jobs are not blamed (`OutOfMemoryError`); the
jobs of a lost answer are sent again and are no suspects (`ObjectLostError`); if the raylet of this machine dies, Ray is
started or joined again (`LocalRayletDiedError`).
"""

import errno
import re
import socket
from enum import Enum
from typing import NamedTuple

from ray import exceptions as ray

from search.execution.executor import WorkersLostError

_NODE_DIED = "its node has died"  # Ray reports the loss of a node to the callers of its actors as `ActorDiedError`
_ADDRESS = re.compile(r"\bip: ?([0-9a-f.:]*[0-9a-f])", re.IGNORECASE)


class RayLostError(Exception):
    """Raised if Ray itself fails; the message names the cause."""


class Effect(Enum):
    """Effect of an exception of Ray on the run."""

    BLAME = (
        "the worker is replaced; the jobs that it was running are sent again, each alone; one that was alone is blamed"
    )
    EXCUSE = "the worker is replaced; the jobs that it was running are sent again, each alone, and are not blamed"
    FULL = "in a worker, as for `OutOfMemoryError`; on the driver's machine, the run ends with one line"
    AGAIN = "the jobs of the call are sent again; the worker stays"
    RESTART = "Ray is started again, or the cluster is joined again; all jobs are sent again"
    END = "the run ends with one line"


class Fault(NamedTuple):
    """One row of the table: an exception of Ray, its effect, and the text of the message."""

    error: type[Exception]
    effect: Effect
    words: str


FAULTS = (
    Fault(
        ray.OutOfMemoryError,
        Effect.EXCUSE,
        "is short of memory, and a worker was ended there; reduce `workers.count` or `workers.memory_limit`",
    ),
    Fault(ray.ActorUnavailableError, Effect.EXCUSE, "lost the connection to a worker"),
    Fault(
        ray.ActorUnschedulableError,
        Effect.END,
        "the cluster cannot place a worker of one CPU; ask for fewer workers (`workers.count`) or add a node",
    ),
    Fault(
        ray.TaskUnschedulableError,
        Effect.END,
        "the cluster cannot place a worker of one CPU; ask for fewer workers (`workers.count`) or add a node",
    ),
    Fault(ray.RayActorError, Effect.BLAME, "lost a worker"),
    Fault(ray.WorkerCrashedError, Effect.BLAME, "lost a worker"),
    Fault(ray.NodeDiedError, Effect.EXCUSE, "left the cluster"),
    Fault(
        ray.OutOfDiskError,
        Effect.FULL,
        "has a full disk; make room there, or choose another folder for the files of Ray (`ray start --temp-dir`, or "
        "RAY_TMPDIR if the run starts Ray)",
    ),
    Fault(
        ray.ObjectStoreFullError,
        Effect.FULL,
        "has a full object store; other programs of the cluster fill it, or /dev/shm is too small",
    ),
    Fault(ray.OwnerDiedError, Effect.RESTART, "the owner of an answer died"),
    Fault(ray.ObjectLostError, Effect.AGAIN, "lost an answer"),
    Fault(ray.GetTimeoutError, Effect.AGAIN, "did not return an answer in time"),
    Fault(ray.PendingCallsLimitExceeded, Effect.AGAIN, "has too many calls waiting"),
    Fault(ray.RuntimeEnvSetupError, Effect.EXCUSE, "could not copy the files that the config names"),
    Fault(
        ray.AuthenticationError,
        Effect.END,
        "the cluster does not accept this token; set the token in RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH",
    ),
    Fault(ray.LocalRayletDiedError, Effect.RESTART, "the raylet of this machine died"),
    Fault(ray.RayError, Effect.RESTART, "Ray failed"),
)


def fault_of(error: BaseException) -> Fault | None:
    """The row for an exception, or for the cause of an exception in a worker; `None` if there is none."""
    if isinstance(error, ray.RayTaskError):
        error = error.cause
    kind = type(error)
    if isinstance(error, ray.RayActorError) and _NODE_DIED in str(error):
        kind = ray.NodeDiedError
    elif isinstance(error, MemoryError):
        kind = ray.OutOfMemoryError
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        kind = ray.OutOfDiskError
    return next((fault for fault in FAULTS if issubclass(kind, fault.error)), None)


def ending(error: BaseException) -> Exception | None:
    """The exception with which the pool ends after an exception of Ray; `None` if it can go on."""
    fault = fault_of(error)
    assert fault is not None
    text = f"{fault.words}: {cause(error)}"
    if fault.effect is Effect.RESTART:
        return RayLostError(text)
    if fault.effect is Effect.FULL and not isinstance(error, ray.RayTaskError):
        return WorkersLostError(f"{socket.gethostname()} {text}")
    return WorkersLostError(text) if fault.effect is Effect.END else None


def address(error: BaseException) -> str:
    r"""Address of the host that an exception of Ray names; empty if it names none.

    >>> address(RuntimeError("The actor died.\n\tip: 10.0.0.2\nThe worker process has died."))
    '10.0.0.2'
    """
    found = _ADDRESS.search(str(error))
    return found[1] if found else ""


def cause(error: BaseException) -> str:
    r"""The last non-empty line of an exception's text; in a remote traceback this is the original error.

    >>> cause(RuntimeError("The actor died.\n  File x\nModuleNotFoundError: No module named 'search'\n"))
    "ModuleNotFoundError: No module named 'search'"
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
