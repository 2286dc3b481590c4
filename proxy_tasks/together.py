"""Training of many programs at once, in batches on an accelerator (`proxy_tasks.device`)."""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np

from primitives import REGISTRY, Program
from proxy_tasks.device import Computation
from proxy_tasks.inputs import Horizon, inputs_for_each, loop_inputs
from proxy_tasks.loops import batch_loop
from proxy_tasks.task import Rows, Task

_ROWS = 16  # cached pairs of task and split, whose data stay on the device


def train_together(task: Task, programs: Sequence[Program], inputs: dict[str, Any]) -> np.ndarray:
    """Losses of many valid programs on the same seeds, shape `(programs, seeds)`.

    Args:
        task: the task to train on.
        programs: at least one.
        inputs: of the training loop, see `loop_inputs`.
    """
    loop = partial(batch_loop, task, len(REGISTRY))
    shared = Computation(task=task, loop=loop, inputs=lambda places: inputs, key=("shared", len(inputs["weights"])))
    return shared.results(programs)


def train_on_own_seeds(
    task: Task, programs: Sequence[Program], seeds: Sequence[Sequence[int]], split: str, horizon: Horizon = None
) -> np.ndarray:
    """Losses of many valid programs, each on seeds of its own, shape `(programs, seeds)`.

    Args:
        task: the task to train on.
        programs: at least one.
        seeds: S seeds of each program; the circumstances of the first seeds are equal, those of the second ones, etc.
        split: rows on which the loss is computed.
        horizon: as for `Trainer`.
    """

    def inputs(places: Sequence[int]) -> dict[str, Any]:
        found = inputs_for_each(task, [seeds[place] for place in places], split, horizon)
        return found | _rows_on_device(task, split)

    one = loop_inputs(task, seeds[0], split, horizon)
    own = Computation(
        task=task,
        loop=partial(batch_loop, task, len(REGISTRY)),
        inputs=inputs,
        key=("own", len(seeds[0])),
        own_bytes=one["weights"].nbytes + one["order"].nbytes,
    )
    return own.results(programs)


@lru_cache(maxsize=_ROWS)
def _rows_on_device(task: Task, split: str) -> dict[str, Rows]:
    """The rows of data among the inputs of the loop, which are copied to the device once."""
    inputs = loop_inputs(task, [0], split)
    rows: dict[str, Rows] = jax.device_put({name: inputs[name] for name in ("train", "scored")})
    return rows
