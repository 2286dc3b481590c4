"""Messages between the driver and the process that runs Ray for it (`ray_process`).

Jobs and answers travel as bytes: only the driver and the workers unpickle them, so the process between needs neither
the plugins of the user nor the data of the tasks.
"""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from proxy_tasks import Status
from search.execution.executor import CandidateJob, Job
from search.execution.worker import Built

BEHAVIOUR = "behaviour"  # key of the hashes that `search.execution.behaviour` computes
START_LIMIT = 600.0  # seconds for a worker to start, which takes a few, or a minute where many start on few cores


@dataclass(frozen=True)
class RaySettings:
    """Settings of the workers on Ray.

    Attributes:
        count: number of workers; `None` for one on each core of the machine or cluster.
        address: of a running cluster; `None` starts Ray on this machine alone.
        wall_limit: seconds that a job may take.
        memory_limit: GiB that a worker may use; 0 for no limit.
        start_limit: seconds that a worker may take to start, if that is more than the wall limit.
        reconnect: seconds to wait for a cluster that does not answer any more.
        mixed: whether workers may behave otherwise than the driver.
    """

    count: int | None = None
    address: str | None = None
    wall_limit: float = float("inf")
    memory_limit: float = 0.0
    start_limit: float = START_LIMIT
    reconnect: float = 300.0
    mixed: bool = False


@dataclass(frozen=True)
class Setup:
    """First message to the Ray process.

    Attributes:
        settings: settings of the workers.
        build: makes the scorer of a worker, in the worker.
        facts: facts that every worker has to share with the driver.
    """

    settings: RaySettings
    build: Callable[[], Built]
    facts: Mapping[str, Any]


class Parcel(NamedTuple):
    """A job on its way to a worker.

    Attributes:
        key: key of the job.
        small: whether it may share a call with others; a trial may take much longer than a candidate and may not.
        allowance: factor on the time limit.
        content: the pickled job.
    """

    key: object
    small: bool
    allowance: int
    content: bytes

    @classmethod
    def of(cls, job: Job) -> Self:
        """Pack a job."""
        return cls(job.key, isinstance(job, CandidateJob), job.allowance, pickle.dumps(job))


class Answered(NamedTuple):
    """The pickled answer to the job of a key."""

    key: object
    content: bytes


class Failed(NamedTuple):
    """A job that ended its process or exceeded its time limit."""

    key: object
    status: Status
    reason: str


Outcome = Answered | Failed


@dataclass
class HostUsage:
    """Work of the workers on one host.

    Attributes:
        workers: workers that are ready.
        jobs: jobs done.
        busy: seconds in which a worker was at a job, summed over workers.
        available: seconds in which a worker was ready, summed over workers.
        deaths: workers that died or had to be ended.
    """

    workers: int = 0
    jobs: int = 0
    busy: float = 0.0
    available: float = 0.0
    deaths: int = 0

    def __add__(self, other: "HostUsage") -> "HostUsage":
        """Sum over two periods, with the workers of the later one."""
        return HostUsage(
            other.workers,
            self.jobs + other.jobs,
            self.busy + other.busy,
            self.available + other.available,
            self.deaths + other.deaths,
        )

    @property
    def busy_share(self) -> float:
        """Share of the time in which the workers were at a job; 0 to 1."""
        return self.busy / self.available if self.available else 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "workers": self.workers,
            "jobs": self.jobs,
            "busy_seconds": round(self.busy, 1),
            "busy_share": round(self.busy_share, 3),
            "deaths": self.deaths,
        }


@dataclass(frozen=True)
class State:
    """State of the workers, sent at least once a second.

    Attributes:
        count: number of workers, ready or not.
        ready: workers that have started.
        starting: workers that have a process and are not ready.
        capacity: number of jobs that all workers hold together, so that none need wait for the next.
        hosts: usage by host name.
        mixed: hosts whose workers behave otherwise than the driver.
    """

    count: int = 0
    ready: int = 0
    starting: int = 0
    capacity: int = 0
    hosts: Mapping[str, HostUsage] = field(default_factory=dict)
    mixed: tuple[str, ...] = ()


class Report(NamedTuple):
    """State of the workers, and the outcomes of jobs since the last report."""

    state: State
    outcomes: list[Outcome]


class Note(NamedTuple):
    """A line for the user."""

    text: str


class Lost(NamedTuple):
    """Ray itself is gone, for the reason given; the process ends."""

    reason: str


class Refused(NamedTuple):
    """The run has to end with this exception."""

    error: Exception
