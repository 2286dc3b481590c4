"""Frozen description of a training task, and the `Problem` that its family builds from it.

`Task` names data, model and budget. `Problem` holds the rows of data of each split and pure functions of a flat weight
vector. Examples: an MLP on scikit-learn's digits, and a Transformer on the text of Python's documentation.

An evaluation trains one network for each seed. `Task.circumstances` lets the training conditions differ between seeds
(domain randomisation: Tobin et al., 2017), so that a program has to suit several scales of the loss and several shapes
of the schedule with the same constants.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from jax import Array

from primitives import PEAK, UserError

Rows = dict[str, Any]  # arrays whose first axis runs over examples
SPLITS = ("train", "validation", "test")
DATA_SETTINGS = ("examples", "label_noise")  # settings of a family that a circumstance may change


@dataclass(frozen=True, kw_only=True)
class Circumstance:
    """Training conditions of some of the seeds of an evaluation. `None` stands for the value of the task.

    Attributes:
        loss_scale: factor on the training loss, and so on the gradient. Reported losses are not scaled.
        initial_scale: factor on the initial weights.
        schedule_power: power of the cosine schedule.
        peak: learning rate at the first step.
        steps: length of training and of the schedule, in steps; at most `steps` of the task.
        batch: distinct examples in a step; a divisor of the task's `batch`. The cost of a step stays the same.
        examples: number of training examples, before they are shifted or drawn repeatedly.
        label_noise: share of the training labels that are drawn at random.

    >>> Circumstance(loss_scale=20.0, schedule_power=0.6).varied
    {'loss_scale': 20.0, 'schedule_power': 0.6}
    """

    loss_scale: float = 1.0
    initial_scale: float = 1.0
    schedule_power: float | None = None
    peak: float | None = None
    steps: int | None = None
    batch: int | None = None
    examples: int | None = None
    label_noise: float | None = None

    @property
    def varied(self) -> dict[str, float]:
        """The conditions that differ from the task's, by name."""
        return {name: value for name, value in asdict(self).items() if value != getattr(Circumstance, name)}


@dataclass(frozen=True)
class Task:
    """Description of a task.

    Attributes:
        name: name in configs and on the command line.
        family: name of the family, which builds the `Problem`, or `module:function`.
        description: one line for listings.
        batch: number of examples in a step.
        steps: number of training steps.
        schedule_power: the learning rate at step t of T is `peak · (0.5 (1 + cos(π t / T))) ^ schedule_power`; 1 gives
            the usual cosine.
        settings: further settings of the family (widths, number of training examples, …).
        size: cost of training as a multiple of the smallest task of the family, roughly: 1, 10 or 100.
        peak: learning rate at the first step, of a usual size (0.01), so that programs cannot use `lr` as a constant 1.
            Larger tasks have a lower peak, so that the constants of a program carry over.
        tuned: tuned baselines and noise, as in `baselines.yaml`; `None` for a task that is listed there.
        circumstances: training conditions: of n, seed s has number `s mod n`. If empty, every seed is trained under the
            conditions of the task.
    """

    name: str
    family: str
    description: str
    batch: int
    steps: int
    schedule_power: float = 1.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    size: int = 1
    peak: float = PEAK
    tuned: Mapping[str, Any] | None = None
    circumstances: tuple[Circumstance, ...] = ()

    def __hash__(self) -> int:
        return hash(self.name)

    def schedule(self) -> np.ndarray:
        """Learning rate at each step, float32, shape `(steps,)`, from `peak` down towards 0."""
        phase = np.arange(self.steps) / self.steps
        return (self.peak * (0.5 * (1 + np.cos(np.pi * phase))) ** self.schedule_power).astype(np.float32)

    def circumstance(self, seed: int) -> Circumstance:
        """The training conditions of a seed."""
        return self.circumstances[seed % len(self.circumstances)] if self.circumstances else Circumstance()

    @property
    def largest_rate(self) -> float:
        """The largest learning rate of any seed."""
        return max([self.peak, *(one.peak for one in self.circumstances if one.peak is not None)])

    def under(self, circumstance: Circumstance) -> "Task":
        """The task with the schedule, steps, batch and data of a circumstance, and without `circumstances`.

        The factors on the loss and on the initial weights are not part of a task; `loop_inputs` applies them.

        Raises:
            UserError: `steps` or `batch` do not fit the task.
        """
        varied = circumstance.varied
        own: dict[str, Any] = {
            name: varied[name] for name in ("schedule_power", "peak", "steps", "batch") if name in varied
        }
        changed = replace(self, **own, circumstances=())
        if changed.steps > self.steps:
            raise UserError(
                f"task `{self.name}`: `steps` (={changed.steps}) of a circumstance must be at most {self.steps}, the "
                f"`steps` of the task"
            )
        if self.batch % changed.batch:
            raise UserError(
                f"task `{self.name}`: `batch` (={changed.batch}) of a circumstance must divide {self.batch}, the "
                f"`batch` of the task"
            )
        data = {name: varied[name] for name in DATA_SETTINGS if name in varied}
        return replace(changed, settings={**self.settings, **data}) if data else changed


@dataclass(frozen=True, eq=False)
class Problem:
    """Data and functions of a task.

    Attributes:
        sizes: number of weights in each parameter array; their sum is P.
        initialise: `generator -> weights`, float32, shape `(P,)`.
        loss: `(weights of shape (P,), rows) -> mean loss over the rows`, in nats for each example or character, or a
            mean squared error.
        rows: the data of each split.
        separable: whether the loss is a mean of terms that depend on one row each. A contrastive loss is not, since it
            compares the rows of a batch with each other.
        trivial: validation loss of a predictor that ignores its input, such as one that predicts the frequencies of
            the classes; `None` if it is not known.
    """

    sizes: tuple[int, ...]
    initialise: Callable[[np.random.Generator], np.ndarray]
    loss: Callable[[Array, Rows], Array]
    rows: Mapping[str, Rows]
    separable: bool = True
    trivial: float | None = None

    def examples(self, split: str) -> int:
        """Number of rows in a split."""
        return len(next(iter(self.rows[split].values())))
