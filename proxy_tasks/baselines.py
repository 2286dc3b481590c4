"""Tuned baselines of each task: AdamW and Lion with the constants that suit it best.

The constants (rate, decay and both betas) come from `optsearch tune TASK`, which writes `baselines.yaml` beside this
module. Fitness is measured against the tuned AdamW.
"""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from primitives.builtins import builtin
from primitives.errors import UserError
from primitives.program import Program

PATH = Path(__file__).with_name("baselines.yaml")
REFERENCE = "adamw"  # fitness zero


@cache
def _table() -> dict[str, Any]:
    return dict(yaml.safe_load(PATH.read_text(encoding="utf-8")) or {})


def _row(task_name: str, key: str) -> Any:  # noqa: ANN401 - a number, or the row of a program
    try:
        return _table()[task_name][key]
    except KeyError:
        raise UserError(
            f"task `{task_name}` has no tuned `{key}` yet; run `optsearch tune {task_name} --write` first"
        ) from None


def baseline(task_name: str, program_name: str = REFERENCE) -> Program:
    """A built-in program with the constants that were tuned for a task; raises `UserError` if it never was."""
    return builtin(program_name).with_constants(_row(task_name, program_name)["constants"])


def noise(task_name: str) -> float:
    """Standard deviation over seeds of the paired log loss ratio between the tuned baselines of a task."""
    return float(_row(task_name, "noise"))
