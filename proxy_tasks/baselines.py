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


def baseline(task_name: str, program_name: str = REFERENCE) -> Program:
    """A built-in program with the constants that were tuned for a task; raises `UserError` if it never was."""
    try:
        constants = _table()[task_name][program_name]["constants"]
    except KeyError:
        raise UserError(
            f"`{program_name}` has not been tuned on task `{task_name}`; run `optsearch tune {task_name}` first"
        ) from None
    return builtin(program_name).with_constants(constants)


def noise(task_name: str) -> float:
    """Standard deviation over seeds of the paired log loss ratio between the tuned baselines of a task."""
    return float(_table()[task_name]["noise"])
