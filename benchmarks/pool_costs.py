"""CPU time of a pool of workers for each job, with actors that sleep."""

from search.execution import pin_threads

pin_threads()

import json
import os
import shutil
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import NamedTuple

import ray

from benchmarks.sleepers import sleepers
from primitives import builtin
from search.execution import CandidateJob, RaySettings
from search.execution.cluster import start_ray
from search.execution.messages import Parcel
from search.execution.private_ray import FILES, local_environment, private_folder
from search.execution.worker_pool import WorkerPool

FEW = 16  # workers
MANY = 1000
JOBS = (1, 4, 16, 64)  # in a message
CALLED = 0.1  # seconds of a call to one of few workers, as the pool aims at
SLOW = 4.0  # seconds of a call to one of many workers
MEASURED = 10.0  # seconds


class Cost(NamedTuple):
    """Milliseconds of CPU time of the process of a pool for each job."""

    workers: int
    jobs: int
    milliseconds: float


def pool_cost(workers: int, jobs: int, seconds: float) -> Cost:
    """Cost of a job in a pool of sleeping workers.

    Args:
        workers: number of workers.
        jobs: number of jobs that take `seconds`; the pool sends that many in a message.
        seconds: time of a call.
    """
    parcel, numbers = Parcel.of(CandidateJob((0, 0), builtin("adamw"))), count()
    pool = WorkerPool(sleepers(workers, seconds / jobs), workers, facts={}, settings=RaySettings(), say=print)
    missing, answered, cpu = 4 * workers * jobs, 0, 0.0
    while pool.state().ready < workers:
        pool.turn()
    begin = time.monotonic() + 3 * seconds
    while (now := time.monotonic()) < begin + MEASURED:
        if not cpu and now >= begin:
            cpu, answered = time.process_time(), 0
        if missing:
            pool.events.submit([parcel._replace(key=next(numbers)) for _ in range(missing)])
        missing = len(pool.turn())
        answered += missing
    used = time.process_time() - cpu
    for actor in {member.actor for member in pool.members}:
        ray.kill(actor)
    return Cost(workers, jobs, used / answered * 1000)


def pool_costs() -> list[Cost]:
    """Costs with few workers for each of `JOBS`, then with many workers; measured in another process."""
    folder = private_folder()
    command = [sys.executable, "-m", "benchmarks.pool_costs", str(folder / FILES)]
    environment = os.environ | local_environment(folder)  # read when Ray is imported
    try:
        said = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [Cost(*row) for row in json.loads(said.splitlines()[-1])]


def main() -> None:
    """Start Ray in the folder that is the argument, and print the costs as JSON."""
    start_ray(Path(sys.argv[1]), os.cpu_count())
    found = [pool_cost(FEW, jobs, CALLED) for jobs in JOBS] + [pool_cost(MANY, 1, SLOW)]
    ray.shutdown()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
