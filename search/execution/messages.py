"""Messages between the driver and the process that runs Ray for it (`ray_process`).

Jobs and answers are sent as bytes that only the driver and the workers unpickle. The Ray process therefore needs
neither the plugins of the user nor the data of the tasks.
"""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from proxy_tasks import Status
from search.execution.executor import CandidateJob, Job
from search.execution.worker import Built

BEHAVIOUR = "behaviour"  # key of the hashes that `search.execution.behaviour` computes
START_LIMIT = 600.0  # time limit for the start of a worker in seconds; a start takes seconds, or a minute on busy cores


@dataclass(frozen=True)
class RaySettings:
    """Settings of the workers on Ray.

    Attributes:
        count: number of workers; `None` for one on each core of the machine or cluster.
        address: address of a running cluster; `None` starts Ray on this machine.
        wall_limit: time limit of a job in seconds.
        memory_limit: memory limit of a worker in GiB; 0 for no limit.
        start_limit: time limit for the start of a worker in seconds, if it exceeds `wall_limit`.
        reconnect: seconds to wait for a cluster that has stopped answering.
        mixed: whether workers may compute different bits than the driver.
        gpu: whether each worker has a GPU.
        batch: largest number of jobs that a worker trains together; `None` for one after the other.
        bits: on GPUs, the hashes that every worker must report; `None` if the first worker sets them.
    """

    count: int | None = None
    address: str | None = None
    wall_limit: float = float("inf")
    memory_limit: float = 0.0
    start_limit: float = START_LIMIT
    reconnect: float = 300.0
    mixed: bool = False
    gpu: bool = False
    batch: int | None = None
    bits: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Setup:
    """First message to the Ray process.

    Attributes:
        settings: settings of the workers.
        build: makes the scorer of a worker; called in the worker.
        facts: facts that must be equal in the driver and in every worker.
        files: contents of files of which each worker has a copy, by path.
    """

    settings: RaySettings
    build: Callable[[], Built]
    facts: Mapping[str, Any]
    files: Mapping[str, bytes]


class Parcel(NamedTuple):
    """A pickled job that is sent to a worker.

    Attributes:
        key: key of the job.
        small: whether the job may share a call with other jobs; false for trials, which may take much longer.
        allowance: factor on the time limit.
        content: the pickled job.
    """

    key: object
    small: bool
    allowance: int
    content: bytes

    @classmethod
    def of(cls, job: Job, together: bool = False) -> Self:
        """Pickle a job; `together` if workers train the jobs of a call together, trials among them."""
        return cls(job.key, together or isinstance(job, CandidateJob), job.allowance, pickle.dumps(job))


class Answered(NamedTuple):
    """The pickled answer to a job."""

    key: object
    content: bytes


class Failed(NamedTuple):
    """Failure of a job that ended its process or exceeded its time limit."""

    key: object
    status: Status
    reason: str


Outcome = Answered | Failed


@dataclass
class HostUsage:
    """Usage of one host.

    Attributes:
        workers: number of ready workers.
        jobs: number of completed jobs.
        busy: seconds in which a worker was running a job, summed over workers.
        available: seconds in which a worker was ready, summed over workers.
        deaths: number of workers that died or were ended.
    """

    workers: int = 0
    jobs: int = 0
    busy: float = 0.0
    available: float = 0.0
    deaths: int = 0

    def __add__(self, other: "HostUsage") -> "HostUsage":
        """Sum of two periods, with the number of workers of the second."""
        return HostUsage(
            other.workers,
            self.jobs + other.jobs,
            self.busy + other.busy,
            self.available + other.available,
            self.deaths + other.deaths,
        )

    @property
    def busy_share(self) -> float:
        """Share of the time in which the workers were running jobs, in [0, 1]."""
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
        ready: number of ready workers.
        starting: number of workers that have a process and are not ready.
        capacity: number of jobs in flight that keep all workers busy.
        hosts: usage by host name.
        mixed: names of the hosts that compute different bits than the driver.
        bits: hashes that the first worker on a GPU has set; `None` if there are none.
    """

    count: int = 0
    ready: int = 0
    starting: int = 0
    capacity: int = 0
    hosts: Mapping[str, HostUsage] = field(default_factory=dict)
    mixed: tuple[str, ...] = ()
    bits: Mapping[str, str] | None = None


class Report(NamedTuple):
    """State of the workers, and the outcomes of jobs since the last report."""

    state: State
    outcomes: list[Outcome]


class Note(NamedTuple):
    """A message for the user."""

    text: str


class Lost(NamedTuple):
    """Ray failed for the given reason, and the process ends."""

    reason: str


class Refused(NamedTuple):
    """The run must end with this exception."""

    error: Exception
