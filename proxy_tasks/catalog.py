"""The tasks that come with the project, by name."""

from primitives.errors import UserError, nearest
from proxy_tasks.task import Task

_ROWS = (
    Task(
        name="digits",
        family="digit classification",
        description="8×8 digits, perceptron with three hidden layers of 16, cross-entropy",
        batch=64,
        steps=400,
        settings={"hidden": (16, 16, 16)},
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
