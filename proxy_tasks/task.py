"""A task: what is trained, on what, and for how long, as a frozen description.

`Task` names data, model and budget; `Problem` is what a family builds from it: rows of data for each split and pure
functions on a flat vector of weights. Two known instances are the digits of scikit-learn with a small MLP and the
text of Python's documentation with a small Transformer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jax import Array

Rows = dict[str, Any]  # arrays whose first axis runs over examples
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Task:
    """Description of a task.

    Attributes:
        name: how configs and the command line call it.
        family: which builder makes the `Problem`.
        description: one line for listings.
        batch: examples a step.
        steps: steps of training.
        schedule_power: the learning rate at step t of T is `(0.5 (1 + cos(π t / T)))` to this power, times `peak`, so
            that it starts at 1 as a rule; 1 is the usual cosine.
        settings: what the family wants to know besides (widths, number of training examples …).
        size: cost of training as a multiple of the smallest task of the family, roughly: 1, 10 or 100.
        peak: where the learning rate starts; below 1 on larger tasks, so that the constants of a program carry over.
        tuned: constants of the tuned baselines and the noise, as in `baselines.yaml`, where the task is not in there.
    """

    name: str
    family: str
    description: str
    batch: int
    steps: int
    schedule_power: float = 1.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    size: int = 1
    peak: float = 1.0
    tuned: Mapping[str, Any] | None = None

    def __hash__(self) -> int:
        return hash(self.name)

    def schedule(self) -> np.ndarray:
        """Learning rate at each step, float32, shape `(steps,)`, from `peak` down towards 0."""
        phase = np.arange(self.steps) / self.steps
        return (self.peak * (0.5 * (1 + np.cos(np.pi * phase))) ** self.schedule_power).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Problem:
    """What there is to train.

    Attributes:
        sizes: number of weights in each parameter array; their sum is P.
        initialise: `generator -> weights`, float32, shape `(P,)`.
        loss: `(weights of shape (P,), rows) -> mean loss over the rows`, in nats an example (or a
            character); mean squared error where noise is predicted.
        rows: the data of each split.
    """

    sizes: tuple[int, ...]
    initialise: Callable[[np.random.Generator], np.ndarray]
    loss: Callable[[Array, Rows], Array]
    rows: Mapping[str, Rows]

    def examples(self, split: str) -> int:
        """Number of rows in a split."""
        return len(next(iter(self.rows[split].values())))
