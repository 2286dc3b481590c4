"""Execution of jobs: in this process, in batches on an accelerator, or in worker processes on Ray.

Importing this room does not import Ray; a `RayExecutor` imports it in a separate process. The public names:

- Jobs and answers: `CandidateJob`, `TrialJob`, `TrialAnswer`, `CandidateKey`.
- Executors: `Executor` (the protocol), `InlineExecutor`, `BatchExecutor`, `RayExecutor` (`RaySettings`, `Built`);
  `WorkersLostError`, raised if no worker is left and none can be started.
- Helper processes on the CPU, which answer requests while this process trains: `HelperPool`.
- Place of the copy of a file in the working directory of a worker: `copy_in`.
- Numerical behaviour of machines: `measure_behaviour`; `BEHAVIOUR` is its key in the facts that a worker reports.
- Setup of a process: `pin_threads`, `keep_compiled`, `check_packages`, `rare_collection`.
"""

from search.execution.batch import BatchExecutor
from search.execution.behaviour import measure_behaviour
from search.execution.executor import (
    CandidateJob,
    CandidateKey,
    Executor,
    InlineExecutor,
    TrialAnswer,
    TrialJob,
    WorkersLostError,
)
from search.execution.helpers import HelperPool
from search.execution.messages import BEHAVIOUR, RaySettings
from search.execution.process import check_packages, keep_compiled, pin_threads, rare_collection
from search.execution.ray_executor import RayExecutor
from search.execution.worker import Built, copy_in

__all__ = [
    "BEHAVIOUR",
    "BatchExecutor",
    "Built",
    "CandidateJob",
    "CandidateKey",
    "Executor",
    "HelperPool",
    "InlineExecutor",
    "RayExecutor",
    "RaySettings",
    "TrialAnswer",
    "TrialJob",
    "WorkersLostError",
    "check_packages",
    "copy_in",
    "keep_compiled",
    "measure_behaviour",
    "pin_threads",
    "rare_collection",
]
