"""Train the learned optimizer by evolution strategies: `python -m benchmarks.learned` writes `selection/learned.json`.

Each generation draws a small task, a rate and new seeds, and trains networks with perceptrons around the current one,
in pairs at +ε and −ε. The ranks of the validation losses give the direction of the step (Salimans et al., 2017,
Algorithm 1 and section 2.1). The result is the average over the last half of the generations (Polyak and Juditsky,
1992). `benchmarks/learned.npz` holds the state after every tenth generation, from which the same command continues.
Random numbers are keyed by the generation, so that an interruption does not change the result.
"""

from search.execution import pin_threads

pin_threads()

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from primitives import UpdateRule
from proxy_tasks import Task, Trainer, builtin_task
from proxy_tasks.loops import compiled_loop
from selection.learned import PATH, SIZE, initial, learned
from selection.optimizers import rule_of

STATE = Path(__file__).with_name("learned.npz")
TASKS = ("digits", "views", "denoising")  # in turn
GENERATIONS = 100
PAIRS = 8  # pairs of perceptrons in a generation
SEEDS = 1  # networks trained with each perceptron
LEARNING_SEEDS = 90_000  # first seed; no search, tuning or comparison uses these seeds
RATES = (0.003, 0.03)  # drawn evenly in the logarithm
DECAYS = (0.01, 0.3)
SPREAD = 0.04  # standard deviation of ε, where weights are about 0.3
STEP, BETAS = 0.02, (0.9, 0.99)  # Adam on the estimated gradient, falling along a cosine


@dataclass(frozen=True)
class _Candidate:
    """The learned optimizer with the weights of its perceptron among its constants."""

    def rule(self, constants: Array, sizes: tuple[int, ...]) -> UpdateRule:
        rate, decay, magnitude = constants[0], constants[1], constants[2]
        return rule_of(lambda schedule: learned(rate * schedule, decay, magnitude, constants[3:]), sizes)


@cache
def _together(of: Task) -> Callable[[np.ndarray, dict[str, Any]], tuple[Array, Array]]:
    return jax.jit(jax.vmap(compiled_loop(of, _Candidate()), in_axes=(0, None)))


def losses(of: Task, seeds: Sequence[int], rate: float, decay: float, thetas: np.ndarray) -> np.ndarray:
    """Mean log validation loss with each of some perceptrons, shape `(perceptrons,)`; infinite where one diverged."""
    constants = np.concatenate([np.tile([rate, decay, 1.0], (len(thetas), 1)), thetas], axis=1)
    found = np.asarray(_together(of)(constants.astype(np.float32), Trainer(of, seeds).inputs)[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(found).mean(axis=1)
    return np.where(np.isfinite(logs), logs, np.inf)


def estimate(around: Callable[[np.ndarray], np.ndarray], generator: np.random.Generator) -> np.ndarray:
    """Estimate of the gradient of the rank of the loss, shape `(SIZE,)`.

    Args:
        around: `steps of shape (N, SIZE) -> losses of shape (N,)` around the present perceptron.
        generator: of the steps.
    """
    noise = generator.normal(size=(PAIRS, SIZE))
    found = around(np.concatenate([noise, -noise]) * SPREAD)
    order = np.unique(found, return_inverse=True)[1]  # equal losses have equal ranks
    ranks = order / max(1, order.max()) - 0.5
    return np.asarray((ranks[:PAIRS] - ranks[PAIRS:]) @ noise / (2 * PAIRS * SPREAD))


def main() -> None:
    """Train, print the progress, and write the file."""
    adam = optax.adam(optax.cosine_decay_schedule(STEP, GENERATIONS), *BETAS)
    theta = jnp.asarray(initial(np.random.default_rng(LEARNING_SEEDS)))
    state = (0, theta, adam.init(theta), jnp.zeros(SIZE))
    if STATE.exists():
        kept = np.load(STATE)
        state = jax.tree.unflatten(jax.tree.structure(state), [jnp.asarray(kept[name]) for name in kept.files])
    for number in range(int(state[0]), GENERATIONS):
        _, theta, moments, total = state
        change, moments = adam.update(jnp.asarray(_gradient(number, np.asarray(theta))), moments)
        theta = jnp.asarray(optax.apply_updates(theta, change))
        state = (number + 1, theta, moments, total + theta if 2 * number >= GENERATIONS else total)
        if number % 10 == 9:
            part = STATE.with_suffix(".part.npz")  # replaced at once, so that no reader sees a part
            np.savez(part, *map(np.asarray, jax.tree.leaves(state)))
            part.replace(STATE)
    _write(np.asarray(state[-1]) * 2 / GENERATIONS)


def _gradient(number: int, theta: np.ndarray) -> np.ndarray:
    """The estimate of one generation, float32; prints the median of its mean log losses."""
    generator = np.random.default_rng([LEARNING_SEEDS, number])
    of = builtin_task(TASKS[number % len(TASKS)])
    rate, decay = (float(np.exp(generator.uniform(*np.log(span)))) for span in (RATES, DECAYS))
    seeds = range(LEARNING_SEEDS + number * SEEDS, LEARNING_SEEDS + (number + 1) * SEEDS)

    def around(steps: np.ndarray) -> np.ndarray:
        found = losses(of, seeds, rate, decay, theta + steps)
        spent = f"{time.process_time():.0f} s of CPU"
        print(f"{number} {of.name}, rate {rate:.4f}: {np.median(found):.4f} ({spent})", flush=True)
        return found

    return estimate(around, generator).astype(np.float32)


def _write(theta: np.ndarray) -> None:
    about = {
        "command": "python -m benchmarks.learned",
        "tasks": sorted(set(TASKS)),
        "generations": GENERATIONS,
        "networks": GENERATIONS * 2 * PAIRS * SEEDS,
        "weights": [round(float(value), 5) for value in theta],
    }
    part = PATH.with_name(PATH.name + ".part")
    part.write_text(json.dumps(about) + "\n", encoding="utf-8")
    part.replace(PATH)


if __name__ == "__main__":
    main()
