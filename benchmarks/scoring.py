"""CPU time of an evaluation, compared with the same training loop written by hand with optax and compiled by XLA."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from benchmarks.limits import Limit, Section, table
from primitives import Program
from proxy_tasks import SMALLEST, Task, Trainer, baseline, builtin_task, problem
from proxy_tasks.inputs import start

SEEDS = 3
ROUNDS = 15  # alternating measurements of both; the result is the median of the ratios
_GRADIENT_DOMINATES, _SMALL = 1.15, 1.5
RATIOS = {
    "digits": _SMALL,
    "denoising": _SMALL,
    "views": _SMALL,
    "vit": _GRADIENT_DOMINATES,
    "characters": _GRADIENT_DOMINATES,
    "masked": _GRADIENT_DOMINATES,
}
EARLY = 10  # the losses are compared after this part of the steps
APART = 0.005  # largest relative difference of these losses
_EPSILON = 1e-8  # in the division of the language


class AdamWState(NamedTuple):
    """First and second moments of the gradient."""

    m: Array
    v: Array


def adamw_without_correction(
    rate: float, schedule: np.ndarray, *, b1: float, b2: float, decay: float
) -> optax.GradientTransformation:
    """AdamW without bias correction, as in the language, so that both loops train alike."""

    def init(weights: Array) -> tuple[AdamWState, Array]:
        return AdamWState(jnp.zeros_like(weights), jnp.zeros_like(weights)), jnp.int32(0)

    def update(gradient: Array, state: Any, weights: Array) -> tuple[Array, Any]:  # noqa: ANN401 - a tree of optax
        (m, v), step = state
        m = optax.tree_utils.tree_update_moment(gradient, m, b1, 1)
        v = optax.tree_utils.tree_update_moment(gradient, v, b2, 2)
        change = m / (jnp.sqrt(v) + _EPSILON) + decay * weights
        return -rate * jnp.asarray(schedule)[step] * change, (AdamWState(m, v), step + 1)

    return optax.GradientTransformation(init, update)


def by_hand(name: str, task: Task) -> tuple[Program, optax.GradientTransformation]:
    """A tuned baseline as a program, and the same optimizer in optax."""
    program, schedule = baseline(task, name), task.schedule()
    b1, b2, decay, rate = (value for *_, value in program.constants())
    if name == "adamw":
        return program, adamw_without_correction(rate, schedule, b1=b1, b2=b2, decay=decay)
    return program, optax.lion(lambda step: rate * jnp.asarray(schedule)[step], b1, b2, weight_decay=decay)


def hand_written(task: Task, transform: optax.GradientTransformation, steps: int | None = None) -> Callable[[], Array]:
    """The training loop as a user of optax would write it, compiled; returns the validation losses.

    Args:
        task: the task to train on.
        transform: the optimizer.
        steps: number of steps after which training stops; all by default.
    """
    built = problem(task)
    weights, order = zip(*(start(task, seed) for seed in range(SEEDS)), strict=True)
    inputs: dict[str, Any] = jax.device_put(
        {
            "weights": np.stack(weights),
            "order": np.stack(order, axis=1)[:steps],
            "train": built.rows["train"],
            "validation": built.rows["validation"],
        }
    )
    gradients = jax.vmap(jax.grad(built.loss))
    losses = jax.vmap(built.loss, in_axes=(0, None))

    @jax.jit
    def run(inputs: dict[str, Any]) -> Array:
        def step(carry: tuple[Array, Any], chosen: Array) -> tuple[tuple[Array, Any], None]:
            weights, state = carry
            rows = {name: values[chosen] for name, values in inputs["train"].items()}
            update, state = transform.update(gradients(weights, rows), state, weights)
            return (jnp.asarray(optax.apply_updates(weights, update)), state), None

        begin = (inputs["weights"], transform.init(inputs["weights"]))
        (weights, _), _ = jax.lax.scan(step, begin, inputs["order"])
        return losses(weights, inputs["validation"])

    return lambda: run(inputs)


def cpu_seconds(call: Callable[[], Any]) -> float:
    """Process CPU time of a call."""
    before = time.process_time()
    jax.block_until_ready(call())  # type: ignore[no-untyped-call]
    return time.process_time() - before


def scoring_ratio(task: Task, name: str, rounds: int = ROUNDS) -> dict[str, Any]:
    """CPU time of an evaluation divided by that of the hand-written loop, without compile time.

    Each round uses other constants, so that no result can be cached.
    """
    program, transform = by_hand(name, task)
    constants = np.array([value for *_, value in program.constants()])
    candidates = [program.with_constants(constants * (1 - 1e-4 * number)) for number in range(1, rounds + 1)]
    trainer, hand = Trainer(task, range(SEEDS)), hand_written(task, transform)
    trainer.losses(program), hand()  # both are compiled
    early = task.steps // EARLY
    ours, theirs = Trainer(task, range(SEEDS), horizon=early).losses(program), hand_written(task, transform, early)()
    pairs = [(cpu_seconds(lambda p=p: trainer.losses(p)), cpu_seconds(hand)) for p in candidates]  # type: ignore[misc]
    return {
        "evaluation": median(ours for ours, _ in pairs),
        "by hand": median(theirs for _, theirs in pairs),
        "ratio": median(ours / theirs for ours, theirs in pairs),
        "losses": (float(ours.mean()), float(np.asarray(theirs).mean())),
    }


def section(tasks: tuple[str, ...] = tuple(SMALLEST), rounds: int = ROUNDS) -> Section:
    """Evaluations of AdamW and Lion on the small tasks."""
    rows, limits = [], []
    for task in map(builtin_task, tasks):
        for name in ("adamw", "lion"):
            row = scoring_ratio(task, name, rounds)
            ours, theirs = row["losses"]
            limits += [
                Limit(f"evaluation over hand-written loop, {task.name}, {name}", row["ratio"], RATIOS[task.name]),
                Limit(f"difference of their losses, {task.name}, {name}", abs(ours / theirs - 1), APART),
            ]
            times = f"{row['evaluation'] * 1e3:.0f} ms", f"{row['by hand'] * 1e3:.0f} ms"
            cells = (*times, f"**{row['ratio']:.2f}**", f"{RATIOS[task.name]}", f"{ours:.4f} / {theirs:.4f}")
            rows.append([task.name, name, *cells])
    lines = [
        "## Scoring: an evaluation over the same loop written by hand with optax",
        "",
        f"Process CPU time, {SEEDS} seeds, compile time left out, median of {rounds} rounds with other constants each. "
        f"The mean losses of both ways after 1/{EARLY} of the steps may differ by {APART:.1%}; later, training "
        "amplifies differences of rounding.",
        "",
        *table(["task", "program", "evaluation", "by hand", "ratio", "at most", "early loss, both ways"], rows, left=2),
    ]
    return Section(lines, limits)
