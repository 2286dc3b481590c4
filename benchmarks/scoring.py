"""What an evaluation costs, beside the same training loop written by hand with optax and compiled whole by XLA."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from primitives import Program, builtin
from proxy_tasks.baselines import baseline
from proxy_tasks.families import problem
from proxy_tasks.inputs import start
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer

SEEDS = 3
ROUNDS = 15  # of each contestant, in turn; the figure is the median of the ratios within a round


def hand_written(task: Task, transform: optax.GradientTransformation) -> Callable[[], Array]:
    """The training loop as a user of optax would write it, compiled; returns the validation losses."""
    built = problem(task)
    weights, order = zip(*(start(task, seed) for seed in range(SEEDS)), strict=True)
    inputs: dict[str, Any] = jax.device_put(
        {
            "weights": np.stack(weights),
            "order": np.stack(order, axis=1),
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


def optax_of(name: str, task: Task) -> tuple[Program, optax.GradientTransformation]:
    """A tuned baseline as a program, and the same optimizer from optax."""
    program = baseline(task, name)
    schedule = optax.cosine_decay_schedule(task.peak, task.steps, exponent=task.schedule_power)
    if name == "adamw":
        b1, b2, decay, rate = (value for *_, value in program.constants())
        return program, optax.adamw(lambda t: rate * schedule(t), b1, b2, weight_decay=decay)
    b1, b2, decay, rate = (value for *_, value in program.constants())
    return program, optax.lion(lambda t: rate * schedule(t), b1, b2, weight_decay=decay)


def cpu_seconds(call: Callable[[], Any]) -> float:
    """Process CPU time of a call."""
    before = time.process_time()
    jax.block_until_ready(call())  # type: ignore[no-untyped-call]
    return time.process_time() - before


def scoring_ratio(task: Task, name: str) -> dict[str, Any]:
    """CPU time of an evaluation over that of the hand-written loop, compile time left out."""
    program, transform = optax_of(name, task)
    trainer = Trainer(task, range(SEEDS))
    hand = hand_written(task, transform)
    first = np.asarray(hand())
    interpreted = trainer.losses(program)
    rounds = [(cpu_seconds(lambda: trainer.losses(program)), cpu_seconds(hand)) for _ in range(ROUNDS)]
    return {
        "task": task.name,
        "program": name,
        "evaluation": float(np.median([ours for ours, _ in rounds])),
        "by hand": float(np.median([theirs for _, theirs in rounds])),
        "ratio": float(np.median([ours / theirs for ours, theirs in rounds])),
        "losses": (float(interpreted.mean()), float(first.mean())),
    }


def compiling_ratio(task: Task, programs: int = 5) -> dict[str, Any]:
    """CPU time of compiling and running each of some candidates over that of interpreting them."""
    candidates = [builtin("adamw").with_constants([0.9, 0.95, 0.1, 0.01 * (n + 1)]) for n in range(programs)]
    interpreter, compiler = Trainer(task, range(SEEDS)), Trainer(task, range(SEEDS), compile_programs=True)
    interpreter.losses(candidates[0])
    rounds = [
        (cpu_seconds(lambda p=p: interpreter.losses(p)), cpu_seconds(lambda p=p: compiler.losses(p)))  # type: ignore[misc]
        for p in candidates
    ]
    return {
        "task": task.name,
        "interpreted": float(np.median([ours for ours, _ in rounds])),
        "compiled": float(np.median([theirs for _, theirs in rounds])),
        "ratio": float(np.median([theirs / ours for ours, theirs in rounds])),
    }
