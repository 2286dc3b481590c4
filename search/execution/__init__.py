"""Where programs are scored: in this process, in batches, or in worker processes of Ray.

Importing this room does not import Ray; the first use of a `RayExecutor` does, in a process of its own. The public
names:

- Jobs and answers: `CandidateJob`, `TrialJob`, `TrialAnswer`, `CandidateKey`.
- Executors: `Executor` (the protocol), `InlineExecutor`, `BatchExecutor`, `RayExecutor` (`RaySettings`, `Built`);
  `WorkersLostError` ends a run whose workers cannot be had again.
- Behaviour of machines: `measure_behaviour`, and `BEHAVIOUR`, the fact under which a worker reports it.
- The process: `pin_threads`, `keep_compiled`, `check_packages`, `rare_collection`.
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
from search.execution.messages import BEHAVIOUR, RaySettings
from search.execution.process import check_packages, keep_compiled, pin_threads, rare_collection
from search.execution.ray_executor import RayExecutor
from search.execution.worker import Built

__all__ = [
    "BEHAVIOUR",
    "BatchExecutor",
    "Built",
    "CandidateJob",
    "CandidateKey",
    "Executor",
    "InlineExecutor",
    "RayExecutor",
    "RaySettings",
    "TrialAnswer",
    "TrialJob",
    "WorkersLostError",
    "check_packages",
    "keep_compiled",
    "measure_behaviour",
    "pin_threads",
    "rare_collection",
]
