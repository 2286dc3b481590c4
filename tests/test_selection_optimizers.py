"""Baselines of optax are what optax computes, one network at a time, and their constants cost no compilation."""

import pickle
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from primitives import builtin
from primitives.errors import UserError
from primitives.program import PEAK
from proxy_tasks.families import problem
from proxy_tasks.inputs import start
from proxy_tasks.loops import compiled_loop
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer
from selection.baselines import best_of_restarts
from selection.optimizers import OPTIMIZERS, Optimizer, optimizer
from selection.tuning import ConstantSpace, tune, validation_loss

TINY = Task("tiny", "digit classification", "", batch=16, steps=30, settings={"hidden": (8,)}, peak=0.008)
THROUGH_OPTAX: dict[str, Callable[[Any, list[float]], optax.GradientTransformation]] = {
    "adamw": lambda rate, c: optax.adamw(rate, b1=c[1], b2=c[2], weight_decay=c[3]),
    "adam": lambda rate, c: optax.adam(rate, b1=c[1], b2=c[2]),
    "adafactor": lambda rate, c: optax.inject_hyperparams(optax.adafactor, static_args="factored")(
        rate,
        decay_rate=c[1],
        clipping_threshold=c[2],
        weight_decay_rate=lambda step: c[3] * rate(step),  # before optax 0.2.8, a number for each step
        factored=False,
    ),
    "lion": lambda rate, c: optax.lion(rate, b1=c[1], b2=c[2], weight_decay=c[3]),
    "sgd": lambda rate, c: optax.chain(
        optax.sgd(-1.0, momentum=c[1]), optax.add_decayed_weights(c[2]), optax.scale_by_learning_rate(rate)
    ),
}


def by_hand(task: Task, seed: int, chosen: Optimizer) -> float:
    """Train one network with a plain Python loop over optax, each parameter array a leaf of its own shape."""
    built, schedule = problem(task), jnp.asarray(task.schedule())
    constants = list(chosen.values)
    transform = THROUGH_OPTAX[chosen.name](lambda step: constants[0] * schedule[step] / PEAK, constants)
    flat, order = start(task, seed)
    ends = np.cumsum(built.sizes)[:-1]
    weights = {str(index): jnp.asarray(leaf) for index, leaf in enumerate(np.split(flat, ends))}

    def loss(weights: dict[str, Any], rows: dict[str, Any]) -> jax.Array:
        return built.loss(jnp.concatenate(list(weights.values())), rows)

    state, gradient = transform.init(weights), jax.jit(jax.grad(loss))
    for step in range(task.steps):
        rows = {name: jnp.asarray(values[order[step]]) for name, values in built.rows["train"].items()}
        change, state = transform.update(gradient(weights, rows), state, weights)
        weights = optax.apply_updates(weights, change)
    return float(loss(weights, dict(built.rows["validation"])))


@pytest.mark.parametrize("name", THROUGH_OPTAX)
def test_an_optimizer_trains_as_a_plain_loop_over_optax_does(name: str) -> None:
    expected = [by_hand(TINY, seed, OPTIMIZERS[name]) for seed in (3, 4)]
    np.testing.assert_allclose(Trainer(TINY, [3, 4]).losses(OPTIMIZERS[name]), expected, rtol=1e-4)


def test_every_baseline_through_optax_is_compared_with_it() -> None:
    assert {name for name, row in OPTIMIZERS.items() if str(row).startswith("optax.")} == set(THROUGH_OPTAX)


def test_lion_agrees_with_the_program_at_the_same_constants() -> None:
    expected = Trainer(TINY, range(2)).losses(builtin("lion").with_constants([0.8, 0.95, 0.3, 2.0]))
    found = Trainer(TINY, range(2)).losses(optimizer("lion", [0.02, 0.8, 0.95, 0.3]))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_adamw_agrees_with_the_program_where_there_is_no_bias_to_correct() -> None:
    # With equal betas near zero both corrections vanish after a step or two; the guards (eps beside √v) are alike.
    expected = Trainer(TINY, range(2)).losses(builtin("adamw").with_constants([0.01, 0.01, 0.3, 0.2]))
    found = Trainer(TINY, range(2)).losses(optimizer("adamw", [0.002, 0.01, 0.01, 0.3]))
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_constants_are_data_and_their_tuning_compiles_nothing() -> None:
    task = Task("compiled once", "digit classification", "", batch=16, steps=3, settings={"hidden": (8,)})
    loss = validation_loss(task, 2)
    found = [tune(OPTIMIZERS["adam"], loss, 6, seed=seed).program for seed in range(2)]
    assert found[0] != found[1]
    assert compiled_loop(task, OPTIMIZERS["adam"])._cache_size() == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_tuning_is_the_same_for_an_optimizer_as_for_a_program(name: str) -> None:
    begun = OPTIMIZERS[name]
    loss = validation_loss(TINY, 2)
    found = tune(begun, loss, 12)
    assert found.value < loss(begun)
    assert found == tune(begun, loss, 12)
    assert (found.program.name, len(found.program.values)) == (name, len(begun.names))
    averages = {"b1", "b2", "momentum", "decay_rate"}
    assert all(0 < value < 1 for key, value in zip(begun.names, found.program.values, strict=True) if key in averages)


def test_restarts_take_an_optimizer_too() -> None:
    assert best_of_restarts(OPTIMIZERS["sgd"], validation_loss(TINY, 1), 6).program.name == "sgd"


def test_an_optimizer_moves_on_the_scales_of_a_program() -> None:
    program = builtin("adamw").with_constants([0.9, 0.95, 0.1, 1.0])
    ours = ConstantSpace(optimizer("adamw", [0.01, 0.9, 0.95, 0.1]))
    np.testing.assert_allclose(ours.start[1:], ConstantSpace(program).start[:3], rtol=1e-6)
    np.testing.assert_allclose(ours.start[0], ConstantSpace(program).start[3] + np.log(PEAK), rtol=1e-6)
    point = np.array([0.1, -1.0, 2.0, -3.0])
    np.testing.assert_allclose(ours.point(ours.program(point)), point, rtol=1e-4)
    fixed = ConstantSpace(optimizer("adamw", [0.01, 0.9, 0.95, 0.0]))
    assert fixed.program(fixed.start + 1).values[3] == 0


def test_an_optimizer_is_a_key_and_travels_in_a_few_bytes() -> None:
    chosen = optimizer("adamw", [0.1, 0.9, 0.99, 0.1])
    assert str(chosen) == "optax.adamw(learning_rate=0.1, b1=0.9, b2=0.99, weight_decay=0.1)"
    parcel = pickle.dumps(chosen)
    assert len(parcel) < 200
    assert pickle.loads(parcel) == chosen == optimizer("adamw").with_constants([0.1 + 1e-12, 0.9, 0.99, 0.1])
    assert len({chosen, pickle.loads(parcel), OPTIMIZERS["adamw"]}) == 2
    assert str(chosen.with_constants(chosen.values)) == str(chosen)


def test_a_wrong_name_and_a_wrong_number_of_constants_are_refused() -> None:
    with pytest.raises(UserError, match=r"unknown optimizer `adamv`; did you mean"):
        optimizer("adamv")
    with pytest.raises(UserError, match=r"`lion` has 4 constants \(learning_rate, b1, b2, weight_decay\), not 2"):
        optimizer("lion", [0.1, 0.2])


def test_networks_know_nothing_of_each_other() -> None:
    sizes, generator = (3, 2), np.random.default_rng(0)
    weights, gradient = (jnp.asarray(generator.normal(size=(2, 5)), jnp.float32) for _ in range(2))
    for chosen in OPTIMIZERS.values():
        rule = chosen.rule(jnp.asarray(chosen.values, jnp.float32), sizes)
        before, _ = rule.update(weights, gradient, rule.init(weights), jnp.float32(PEAK))
        louder = gradient.at[1].multiply(100.0)
        after, _ = rule.update(weights, louder, rule.init(weights), jnp.float32(PEAK))
        np.testing.assert_array_equal(before[0], after[0])


def test_adafactor_scales_each_array_by_its_own_weights() -> None:
    rule = OPTIMIZERS["adafactor"].rule(jnp.asarray([0.1, 0.8, 1.0, 0.0], jnp.float32), (2, 2))
    weights, gradient = jnp.asarray([[1.0, 1.0, 10.0, 10.0]]), jnp.ones((1, 4))
    update, _ = rule.update(weights, gradient, rule.init(weights), jnp.float32(PEAK))
    np.testing.assert_allclose(update, [[0.1, 0.1, 1.0, 1.0]], rtol=1e-5)
