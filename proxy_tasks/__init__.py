"""Proxy tasks, on which programs are scored: real data, small models, and the training loop.

The public names of this package; other packages use no others.

- Tasks: `Task` and its training conditions (`Circumstance`), and the table of built-in tasks (`TASKS`, `SMALLEST`,
  `builtin_task`).
- Files of another machine: `use_copies` names their copies in this process, `local` gives the path of one. `DATA_LIMIT`
  is the most memory for reading data, in bytes, if a task sets no other limit.
- Families, the kinds of task: `FAMILIES`, `register_family`, `custom_families`, `module_in` (import of a custom
  family), and a task with its data: `problem`, `Problem`, `Rows`, `SPLITS`, `fingerprint`.
- Training: `Trainer` trains networks with a program, and can return a `Trajectory`; `training_rows` and `loop_inputs`
  are the arrays that it reads.
- The device: its name and kind (`device_name`, `has_kernel`), whether it trains `in_batches` (`LARGEST_BATCH`), and the
  share of `padding` in them. `train_on_own_seeds` trains one batch of programs on different seeds; a `Computation` is
  anything else that is done for batches of programs.
- Scores: `Evaluator` scores programs in stages (`Score`, `Status`, `Heights`), beginning with a sanity `Probe`.
- Formulas: `log_loss`, `mean_log_loss`, `weighted_log_loss`, `log_ratio`, `fitness_of`, `Price`, and `sound` for
  losses that can be compared.
- Tuned baselines of each task: `baseline`, `has_baseline`, `REFERENCE` (fitness zero), their `noise` between seeds, the
  `shares` of tasks in a fitness, the `budget` of their tuning, and `BASELINES_FILE`.
"""

from proxy_tasks.baselines import BASELINES_FILE, REFERENCE, baseline, budget, has_baseline, noise, shares
from proxy_tasks.batch_sizes import LARGEST as LARGEST_BATCH
from proxy_tasks.catalog import SMALLEST, TASKS, builtin_task
from proxy_tasks.copies import local, use_copies
from proxy_tasks.device import Computation, device_name, has_kernel, in_batches, padding
from proxy_tasks.families import FAMILIES, custom_families, fingerprint, module_in, problem, register_family
from proxy_tasks.files import LIMIT as DATA_LIMIT
from proxy_tasks.fitness import Evaluator, Heights, Score, Status
from proxy_tasks.inputs import loop_inputs, training_rows
from proxy_tasks.loss import Price, fitness_of, log_loss, log_ratio, mean_log_loss, sound, weighted_log_loss
from proxy_tasks.sanity import Probe
from proxy_tasks.task import SPLITS, Circumstance, Problem, Rows, Task
from proxy_tasks.together import train_on_own_seeds
from proxy_tasks.training import Trainer, Trajectory

__all__ = [
    "BASELINES_FILE",
    "DATA_LIMIT",
    "FAMILIES",
    "LARGEST_BATCH",
    "REFERENCE",
    "SMALLEST",
    "SPLITS",
    "TASKS",
    "Circumstance",
    "Computation",
    "Evaluator",
    "Heights",
    "Price",
    "Probe",
    "Problem",
    "Rows",
    "Score",
    "Status",
    "Task",
    "Trainer",
    "Trajectory",
    "baseline",
    "budget",
    "builtin_task",
    "custom_families",
    "device_name",
    "fingerprint",
    "fitness_of",
    "has_baseline",
    "has_kernel",
    "in_batches",
    "local",
    "log_loss",
    "log_ratio",
    "loop_inputs",
    "mean_log_loss",
    "module_in",
    "noise",
    "padding",
    "problem",
    "register_family",
    "shares",
    "sound",
    "train_on_own_seeds",
    "training_rows",
    "use_copies",
    "weighted_log_loss",
]
