"""The tasks that come with the project, by name."""

from primitives.errors import UserError, nearest
from proxy_tasks.task import Task

_ROWS = (
    Task(
        name="digits",
        family="digit classification",
        description="8×8 digits shifted by up to a pixel, perceptron with 32 hidden units, short and steep schedule",
        batch=64,
        steps=200,
        schedule_power=4.0,
        settings={"hidden": (32,), "shift": 1},
    ),
    Task(
        name="characters",
        family="causal language model",
        description="Python's documentation by character, Transformer of width 32, cross-entropy a character",
        batch=16,
        steps=200,
        settings={"context": 32, "width": 32, "layers": 2, "heads": 2, "hidden": 64, "windows": 128},
    ),
)

TASKS: dict[str, Task] = {task.name: task for task in _ROWS}


def task(name: str) -> Task:
    """The task `name`; raises `UserError` with the nearest known name."""
    if name not in TASKS:
        raise UserError(f"unknown task `{name}`{nearest(name, TASKS)} (known: {', '.join(TASKS)})")
    return TASKS[name]
