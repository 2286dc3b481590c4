"""Exported code does what the interpreter does, and is a good citizen of the library that it is written for."""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from primitives import BUILTINS, PAPER, Kind, Primitive, Program, UserError, builtin, parse, register
from primitives.export import TARGETS, export
from primitives.interpreter import compiled, run_steps
from tests.exports import exported, numpy_path, optax_path, tree
from tests.programs import SIZES, calling, mutant, path, probe, xla_path

STEPS = 30
PARTS = [range(first, first + 50) for first in range(0, 200, 50)]  # random programs; processes share the parts
LOOSE = {"rtol": 1e-4, "atol": 1e-5}
SOUND = [name for name in BUILTINS if name != "lion_raw"]


def agree(program: Program, steps: int, way: Callable[[Program, int], np.ndarray]) -> bool:
    """Whether a way of running a program gives the weights that the interpreter gives, or the program is one that
    amplifies rounding: whose own weights part as much when the gradients move by a rounding error."""
    expected, found = path(program, steps), way(program, steps)
    if np.allclose(found, expected, **LOOSE, equal_nan=True):
        return True
    weights, gradients, schedule = probe(steps)
    nudged = [
        run_steps(compiled(program, SIZES), weights, gradients * (1 + nudge), schedule) for nudge in (2e-7, -2e-7)
    ]
    return not all(np.allclose(other, expected, rtol=1e-5, atol=1e-6, equal_nan=True) for other in nudged)


@pytest.mark.parametrize("way", [optax_path, numpy_path])
@pytest.mark.parametrize("name", BUILTINS)
def test_a_builtin_exported_does_what_the_interpreter_does(name: str, way: Callable[..., np.ndarray]) -> None:
    np.testing.assert_allclose(way(builtin(name), STEPS), path(builtin(name), STEPS), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("seeds", PARTS, ids=lambda seeds: f"from {seeds.start}")
def test_random_programs_exported_do_what_the_interpreter_does(seeds: range) -> None:
    whole = 0
    for seed in seeds:
        program = mutant(BUILTINS[seed % len(BUILTINS)], seed, 2 + seed % 20)
        assert agree(program, 3, optax_path), seed
        assert agree(program, 3, numpy_path), seed
        whole += "for g" in export(program, "python")
    assert whole  # programs that reduce over all weights are among them


def test_the_exported_lion_is_that_of_optax() -> None:
    weights, gradients, _ = probe(200)
    ours = exported(builtin("lion"), "optax").optimizer()
    theirs = optax.lion(1e-4, b1=0.9, b2=0.99, weight_decay=0.1)
    results = []
    for transform in (ours, theirs):
        params, state = weights, transform.init(weights)
        for gradient in gradients:
            updates, state = transform.update(gradient, state, params)
            params = optax.apply_updates(params, updates)
        results.append(params)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6, atol=1e-7)


def trained(transform: optax.GradientTransformation, loss: Callable[[Any], jax.Array], start: Any, steps: int) -> float:
    """Final loss after full-batch training."""

    @jax.jit
    def run(params: Any) -> jax.Array:
        def step(carry: Any, _: None) -> tuple[Any, None]:
            params, state = carry
            updates, state = transform.update(jax.grad(loss)(params), state, params)
            return (optax.apply_updates(params, updates), state), None

        (params, _), _ = jax.lax.scan(step, (params, transform.init(params)), length=steps)
        return loss(params)

    return float(run(start))


def parabola(x: jax.Array) -> jax.Array:
    return jnp.sum(jnp.square(x - jnp.array([1.0, -2.0, 0.5])))


def rosenbrock(x: jax.Array) -> jax.Array:
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


# Rates that suit the two functions; weight decay would move the minimum.
RATES = {"sgd": (0.1, 2e-3), "momentum": (0.02, 2e-4), "adagrad": (0.5, 0.5)}


@pytest.mark.parametrize("name", SOUND)
def test_an_exported_optimizer_converges(name: str) -> None:
    for loss, start, place in ((parabola, jnp.zeros(3), 0), (rosenbrock, jnp.array([-1.0, 1.0]), 1)):
        optimizer = exported(builtin(name), "optax").optimizer
        settings: dict[str, Any] = {"learning_rate": RATES.get(name, (0.05, 0.01))[place]}
        if "weight_decay" in inspect.signature(optimizer).parameters:
            settings["weight_decay"] = 0.0
        transform = optimizer(schedule=optax.cosine_decay_schedule(1.0, 5000), **settings)
        assert trained(transform, loss, start, 5000) < 0.02, (name, loss)


@pytest.mark.parametrize("name", BUILTINS)
def test_the_export_passes_the_battery_of_a_transformation(name: str) -> None:
    weights, gradients, _ = probe(6)
    optimizer = exported(builtin(name), "optax").optimizer
    transform = optimizer()
    params, gradient = tree(weights), tree(gradients[0])
    state = transform.init(params)
    updates, after = transform.update(gradient, state, params, value=1.0, loss_fn=len)  # extra arguments
    assert jax.tree.map(jnp.shape, updates) == jax.tree.map(jnp.shape, params)
    assert str(jax.tree.structure(after)) == str(jax.tree.structure(state))
    assert jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), after) == jax.tree.map(
        lambda x: (x.shape, x.dtype, x.weak_type), state
    )

    traces = []

    @jax.jit
    def step(gradient: Any, state: Any, params: Any) -> Any:
        traces.append(1)
        return transform.update(gradient, state, params)

    first = step(gradient, state, params)
    step(tree(gradients[1]), first[1], params)
    assert len(traces) == 1  # no recompilation

    donating = jax.jit(transform.update, donate_argnums=1)
    held = transform.init(params)
    for gradient in map(tree, gradients):
        donated, held = donating(gradient, held, params)
    plain = transform.init(params)
    for gradient in map(tree, gradients):
        updates, plain = transform.update(gradient, plain, params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), donated, updates)


@pytest.mark.parametrize("name", BUILTINS)
def test_the_export_works_inside_other_transformations(name: str) -> None:
    weights, gradients, _ = probe(4)
    optimizer = exported(builtin(name), "optax").optimizer
    params, several = tree(weights), [tree(gradient) for gradient in gradients]

    def updates_of(transform: Any, count: int = 1) -> Any:
        state = transform.init(params)
        for gradient in several[:count]:
            updates, state = transform.update(gradient, state, params)
        return updates

    def same(one: Any, other: Any) -> None:
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-7), one, other)

    alone = updates_of(optimizer(), 2)
    same(updates_of(optax.chain(optimizer(), optax.scale(1.0)), 2), alone)
    injected = optax.inject_hyperparams(optimizer)(schedule=lambda count: 1.0)
    same(updates_of(injected, 2), alone)
    assert "learning_rate" in injected.init(params).hyperparams

    mean = jax.tree.map(lambda a, b: (a + b) / 2, *several[:2])
    transform = optimizer()
    expected, _ = transform.update(mean, transform.init(params), params)
    same(updates_of(optax.MultiSteps(optimizer(), 2), 2), expected)

    mask = {"a": True, "b": {"bias": False, "kernel": True}}
    masked = updates_of(optax.masked(optimizer(), mask))
    np.testing.assert_array_equal(masked["b"]["bias"], several[0]["b"]["bias"])
    assert not np.allclose(masked["a"], several[0]["a"])


@pytest.mark.parametrize("name", BUILTINS)
def test_bfloat16_parameters_stay_bfloat16_and_move_alike(name: str) -> None:
    weights, gradients, _ = probe(3)
    transform = exported(builtin(name), "optax").optimizer()
    params = tree(weights.astype(jnp.bfloat16))
    state = transform.init(params)
    kinds = jax.tree.map(lambda x: x.dtype, state)
    for gradient in gradients:
        updates, state = transform.update(tree(gradient.astype(jnp.bfloat16)), state, params)
        assert all(x.dtype == jnp.bfloat16 for x in jax.tree.leaves(updates))
        assert jax.tree.map(lambda x: x.dtype, state) == kinds
    low, high = optax_path(builtin(name), 3, jnp.bfloat16), optax_path(builtin(name), 3)
    assert np.max(np.abs(low - high)) < 0.03 * np.max(np.abs(high))


def test_every_argument_may_be_a_schedule_and_params_are_wanted_only_where_weights_are_read() -> None:
    lion, signum = (exported(builtin(name), "optax").optimizer for name in ("lion", "signum"))
    gradient = jnp.array([1.0, -1.0])
    transform = signum(learning_rate=lambda count: 0.1 * (count + 1), schedule=lambda count: 1 / (count + 1))
    state = transform.init(gradient)
    for _ in range(3):
        updates, state = transform.update(gradient, state)
        np.testing.assert_allclose(updates, [-0.1, 0.1], rtol=1e-6)
    with pytest.raises(ValueError, match="give `params`"):
        lion().update(gradient, lion().init(gradient))


def test_state_and_origin_are_stated_and_constants_are_arguments() -> None:
    text = export(builtin("adamw"), "optax", "my_adamw", "candidate 7 of\nrepeat 2")
    assert text.startswith('"""candidate 7 of repeat 2')
    assert "Memory: 2 arrays for each parameter array (m, v)" in text
    for argument in ("beta1: Scalar = 0.9,", "beta2: Scalar = 0.999,", "weight_decay: Scalar = 0.01,"):
        assert argument in text
    assert "class MyAdamwState(NamedTuple)" in text
    assert "Memory: 0 arrays" in export(builtin("sgd"), "python")


def test_names_of_the_exported_code_do_not_meet_those_of_the_program() -> None:
    lines = [
        *("state = interp(g, leaves, 0.9)", "leaves = state * 1.0", "beta1 = get_pi()", "jnp = state / beta1"),
        *("learning_rate = lr * 0.5", "results = dot(jnp, g)", "params = jnp * results"),
        "update = params * learning_rate",
    ]
    text = "\n    ".join(["def train(w, g, leaves, lr):", *lines, "return update, leaves\n"])
    program = parse(text)
    for way in (optax_path, numpy_path):
        np.testing.assert_allclose(way(program, 5), path(program, 5), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("name", PAPER)
def test_every_function_is_exported_to_every_target(name: str, to: str) -> None:
    assert export(calling(name), to)  # which compiles the code, and takes a step with it


@pytest.mark.usefixtures("own_registry")
def test_the_code_of_a_row_may_have_keywords() -> None:
    code = "xp.clip({0}, min=-1.0, max=1.0)"
    register(Primitive("bounded", lambda x: jnp.clip(x, min=-1.0, max=1.0), (frozenset(Kind),), code=code))
    for to in TARGETS:
        assert export(calling("bounded"), to)


@pytest.mark.usefixtures("own_registry")
def test_a_function_of_the_users_own_is_exported_if_its_row_has_code() -> None:
    any_kind = (frozenset(Kind),)
    register(Primitive("softsign", lambda x: x / (1 + jnp.abs(x)), any_kind, code="{0} / (1 + xp.abs({0}))"))
    register(Primitive("mystery", jnp.tanh, any_kind))
    source = "def train(w, g, m, v, lr):\n    s = {}(g)\n    update = s * lr\n    return update, m, v\n"
    program = parse(source.format("softsign"))
    np.testing.assert_allclose(optax_path(program, 3), xla_path(program, 3), rtol=1e-5)
    with pytest.raises(UserError, match="`mystery` has no `code`"):
        export(parse(source.format("mystery")), "optax")


@pytest.mark.parametrize(("to", "name", "message"), [("jax", "lion", "must be one of optax"), ("optax", "a b", "name")])
def test_a_mistake_is_a_users_error(to: str, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        export(builtin("lion"), to, name)


@pytest.mark.parametrize("to", [to for to in TARGETS if to != "latex"])
@pytest.mark.parametrize("name", BUILTINS)
def test_exported_lines_are_no_longer_than_ours(name: str, to: str) -> None:
    assert max(map(len, export(builtin(name), to).splitlines())) <= 125
