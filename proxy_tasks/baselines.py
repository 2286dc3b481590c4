"""Tuned baselines of each task: AdamW and Lion with the constants that gave the lowest loss.

The constants (learning rate, weight decay and both betas) come from `optsearch tune TASK --write`, which writes
`baselines.yaml` beside this module. A custom task holds its baselines in the config (`tuned`). Fitness is measured
against the tuned AdamW.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from primitives import Program, UserError, builtin
from proxy_tasks.task import Task

BASELINES_FILE = Path(__file__).with_name("baselines.yaml")
REFERENCE = "adamw"  # baseline whose fitness is zero


@cache
def _table() -> dict[str, Any]:
    return dict(yaml.safe_load(BASELINES_FILE.read_text(encoding="utf-8")) or {})


def _tuned(task: Task) -> Any:  # noqa: ANN401 - a row of the file
    return _table().get(task.name, {}) if task.tuned is None else task.tuned


def _row(task: Task, key: str) -> Any:  # noqa: ANN401 - a number, or the row of a program
    try:
        return _tuned(task)[key]
    except KeyError:
        raise UserError(
            f"task `{task.name}` has no tuned `{key}` yet; run `optsearch tune {task.name} --write`, or for a "
            f"custom task `optsearch tune` with its config"
        ) from None


def baseline(task: Task, program_name: str = REFERENCE) -> Program:
    """A built-in program with the constants that were tuned for a task.

    Raises:
        UserError: the program was never tuned for the task.
    """
    return builtin(program_name).with_constants(_row(task, program_name)["constants"])


def has_baseline(task: Task, program_name: str) -> bool:
    """Whether a built-in program has been tuned for a task."""
    return program_name in _tuned(task)


def noise(task: Task) -> float:
    """Standard deviation over seeds of log(loss of Lion / loss of AdamW), both tuned for the task."""
    return float(_row(task, "noise"))


def budget(task: Task) -> tuple[int, int]:
    """Number of trials with which each baseline of a task was tuned, and number of networks in each trial."""
    return int(_row(task, "trials")), int(_row(task, "seeds"))


def shares(tasks: Sequence[Task]) -> dict[str, float]:
    """Weight of each task in a fitness: proportional to 1 / `noise`, with the sum 1."""
    precision = {task.name: 1 / noise(task) if len(tasks) > 1 else 1.0 for task in tasks}
    return {name: value / sum(precision.values()) for name, value in precision.items()}
