"""Table of the exceptions of Ray and their effects on the run.

The first row whose class matches applies. Three examples: a worker that dies during training is replaced, and its jobs
become suspects (`ActorDiedError`); the jobs of a lost answer are sent again and are not suspects (`ObjectLostError`);
if the raylet of this machine dies, Ray is started or joined again (`LocalRayletDiedError`).
"""

from enum import Enum
from typing import NamedTuple

from ray import exceptions as ray


class RayLostError(Exception):
    """Raised if Ray itself fails; the message names the cause."""


class Effect(Enum):
    """Effect of an exception of Ray on the run."""

    SUSPECT = "the worker is replaced; the jobs that it was running are sent again, each alone"
    REPLACE = "the worker is replaced; its jobs are sent again"
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
        Effect.SUSPECT,
        "is short of memory: Ray's memory monitor ended a worker there; reduce `workers.count` or "
        "`workers.memory_limit`",
    ),
    Fault(ray.ActorUnavailableError, Effect.REPLACE, "lost the connection to a worker"),
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
    Fault(ray.RayActorError, Effect.SUSPECT, "lost a worker"),
    Fault(ray.WorkerCrashedError, Effect.SUSPECT, "lost a worker"),
    Fault(ray.NodeDiedError, Effect.REPLACE, "left the cluster"),
    Fault(
        ray.OutOfDiskError,
        Effect.END,
        "the disk of Ray's temporary folder is full; make room there, or set RAY_TMPDIR to a folder on another disk",
    ),
    Fault(
        ray.ObjectStoreFullError,
        Effect.END,
        "the object store of Ray is full; other programs of the cluster fill it, or /dev/shm is too small",
    ),
    Fault(ray.OwnerDiedError, Effect.RESTART, "the owner of an answer died"),
    Fault(ray.ObjectLostError, Effect.AGAIN, "lost an answer"),
    Fault(ray.GetTimeoutError, Effect.AGAIN, "did not return an answer in time"),
    Fault(ray.PendingCallsLimitExceeded, Effect.AGAIN, "has too many calls waiting"),
    Fault(
        ray.RuntimeEnvSetupError,
        Effect.END,
        "the files that the config names could not be copied to a worker's machine",
    ),
    Fault(
        ray.AuthenticationError,
        Effect.END,
        "the cluster does not accept this token; set the token in RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH",
    ),
    Fault(ray.LocalRayletDiedError, Effect.RESTART, "the raylet of this machine died"),
    Fault(ray.RayError, Effect.RESTART, "Ray failed"),
)


def fault_of(error: BaseException) -> Fault | None:
    """The row for an exception; `None` if it is not an exception of Ray."""
    return next((fault for fault in FAULTS if isinstance(error, fault.error)), None)


def cause(error: BaseException) -> str:
    r"""The last non-empty line of an exception's text; in a remote traceback this is the original error.

    >>> cause(RuntimeError("The actor died.\n  File x\nModuleNotFoundError: No module named 'search'\n"))
    "ModuleNotFoundError: No module named 'search'"
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
