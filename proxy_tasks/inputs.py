"""Input arrays of the compiled training loop: weights, order of the data, schedule and horizon of every seed.

Training conditions that differ between seeds (`Task.circumstances`) enter the loop as data, so that one compiled loop
trains all seeds of an evaluation together:

- loss scale: one factor for each seed, multiplied with the gradient;
- schedule: one row for each seed;
- number of examples and label noise: the training rows of all variants are concatenated, and the order of each seed
  indexes into its own variant;
- batch: the rows of a smaller batch are repeated, which does not change their mean;
- steps: a horizon for each seed, after which its weights stay the same.

Inputs that are the same for all seeds have no seed axis, so circumstances do not slow down tasks without them.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np

from primitives import UserError
from proxy_tasks.data import check_room
from proxy_tasks.families import FAMILIES, problem
from proxy_tasks.task import DATA_SETTINGS, Circumstance, Rows, Task

Horizon = int | float | None  # steps, or a share of the steps of each seed; `None` for all


def loop_inputs(task: Task, seeds: Sequence[int], split: str, horizon: Horizon = None) -> dict[str, Any]:
    """The inputs of the training loop of a task.

    Args:
        task: the task.
        seeds: S seeds.
        split: rows on which the loss is computed after training.
        horizon: number of steps, or share of the steps of each seed, after which training stops; `None` for all.

    Returns:
        `weights`, shape `(S, P)`; `order`, row numbers of each batch, int32, shape `(steps, S, batch)`; `schedule`,
        shape `(steps,)`, or `(steps, S, 1)` if it differs between seeds; `horizon`, int32, shape `()` or `(S,)`;
        `train` and `scored`, rows of data; `loss_scale`, shape `(S, 1)`, if losses are scaled.

    Raises:
        UserError: a circumstance does not fit the task or its data.
    """
    weights, order = zip(*(start(task, seed) for seed in seeds), strict=True)
    circumstances = [task.circumstance(seed) for seed in seeds]
    variants = [task.under(circumstance) for circumstance in circumstances]
    inputs = {
        "weights": np.stack(weights),
        "order": np.stack(order, axis=1),
        "schedule": _schedule(task.steps, variants),
        "horizon": _horizon(variants, horizon),
        "train": training_rows(task)[0],
        "scored": problem(task).rows[split],
    }
    scales = np.array([circumstance.loss_scale for circumstance in circumstances], np.float32)
    return inputs if np.all(scales == 1) else {**inputs, "loss_scale": scales[:, None]}


def inputs_for_each(task: Task, seeds: Sequence[Sequence[int]], split: str, horizon: Horizon = None) -> dict[str, Any]:
    """The inputs of the training loop for a batch of programs, each with seeds of its own.

    Args:
        task: the task.
        seeds: S seeds for each of N programs; the circumstances of the first seeds are equal, those of the second ones,
            and so on.
        split: as for `loop_inputs`.
        horizon: as for `loop_inputs`.

    Returns:
        As for `loop_inputs`, but `weights` have the shape `(N, S, P)` and `order` has `(steps, N, S, batch)`.
    """
    weights, order = zip(*(start(task, seed) for own in seeds for seed in own), strict=True)
    shape = (len(seeds), len(seeds[0]))
    own = {
        "weights": np.stack(weights).reshape(*shape, -1),
        "order": np.stack(order, axis=1).reshape(task.steps, *shape, -1),
    }
    return loop_inputs(task, seeds[0], split, horizon) | own


def _schedule(steps: int, variants: Sequence[Task]) -> np.ndarray:
    """Learning rates of each seed, zero beyond its own steps."""
    rates = np.stack([np.pad(variant.schedule(), (0, steps - variant.steps)) for variant in variants], axis=1)
    return rates[:, 0] if np.all(rates == rates[:, :1]) else rates[:, :, None]


def _horizon(variants: Sequence[Task], horizon: Horizon) -> np.ndarray:
    steps = np.array([_steps(variant.steps, horizon) for variant in variants], np.int32)
    return steps.max() if np.all(steps == steps[0]) else steps


def _steps(steps: int, horizon: Horizon) -> int:
    if horizon is None:
        return steps
    return min(horizon, steps) if isinstance(horizon, int) else max(1, round(horizon * steps))


@lru_cache(maxsize=4096)
def start(task: Task, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Initial weights of a seed, shape `(P,)`, and row numbers of its batches, int32, shape `(steps, batch)`."""
    circumstance = task.circumstance(seed)
    variant = task.under(circumstance)
    built = problem(variant)
    generator = np.random.default_rng([seed])
    weights = built.initialise(generator)
    shape = (variant.steps, variant.batch)
    check_room(task, task.steps * task.batch, f"the order of {task.steps} × {task.batch} examples (`steps`, `batch`)")
    drawn = generator.integers(0, built.examples("train"), size=shape, dtype=np.int32)
    order = np.tile(drawn + training_rows(task)[1][circumstance], (1, task.batch // variant.batch))
    scaled = (weights * np.float32(circumstance.initial_scale)).astype(np.float32)
    return scaled, np.pad(order, ((0, task.steps - variant.steps), (0, 0)))


@cache
def training_rows(task: Task) -> tuple[Rows, dict[Circumstance, np.int32]]:
    """Concatenated training rows of all circumstances of a task, and the first row of each circumstance.

    Raises:
        UserError: a circumstance names a setting that the family does not have, or changes more than training rows; or
            the rows of all circumstances would exhaust the memory.
    """
    parts: dict[tuple[Any, ...], Rows] = {}
    offsets: dict[Circumstance, np.int32] = {}
    starts: dict[tuple[Any, ...], int] = {}
    length = held = 0
    for circumstance in task.circumstances or (Circumstance(),):
        variant = _variant(task, circumstance)
        key = tuple(variant.settings.get(name) for name in DATA_SETTINGS)
        if key not in parts:
            held += sum(np.asarray(values).size for rows in problem(variant).rows.values() for values in rows.values())
            check_room(task, held, f"the rows of {len(parts) + 1} circumstances")
            parts[key], starts[key] = problem(variant).rows["train"], length
            length += problem(variant).examples("train")
        offsets[circumstance] = np.int32(starts[key])
    first, *others = parts.values()
    rows = {name: np.concatenate([values, *(part[name] for part in others)]) for name, values in first.items()}
    return rows if others else first, offsets


def _variant(task: Task, circumstance: Circumstance) -> Task:
    """The task under a circumstance, checked: same weights, validation rows and test rows as the task itself."""
    variant, base = task.under(circumstance), problem(task)
    known = FAMILIES[task.family].settings if task.family in FAMILIES else DATA_SETTINGS
    unknown = [name for name in DATA_SETTINGS if name in circumstance.varied and name not in known]
    if unknown:
        raise UserError(
            f"task `{task.name}`: a circumstance sets `{unknown[0]}`, which is no setting of `{task.family}`"
        )
    if variant.batch != task.batch and not base.separable:
        raise UserError(
            f"task `{task.name}`: `batch` cannot differ between seeds in `{task.family}`, whose loss compares the "
            f"examples of a batch"
        )
    built = problem(variant)
    same_rows = all(
        np.array_equal(values, built.rows[split][name])
        for split in ("validation", "test")
        for name, values in base.rows[split].items()
    )
    if built.sizes != base.sizes or not same_rows:
        raise UserError(
            f"task `{task.name}`: the circumstance {circumstance.varied} must change nothing but training rows; it "
            f"changes {'validation or test rows' if built.sizes == base.sizes else 'the number of weights'}"
        )
    return variant
