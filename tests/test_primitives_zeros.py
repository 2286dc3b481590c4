"""Zero gradients, zero rates and numbers at the edge: no function makes NaN where its formula has a value or a limit.

A gradient is zero throughout where a group is frozen or a layer is dead, and the rate is zero while it warms up.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from primitives import BUILTINS, PAPER, REGISTRY, Program, Statement, builtin, parse
from primitives.interpreter import Encoded, State, UpdateRule, compiled, encode, interpreted, run_steps
from primitives.kinds import ONLY_SCALAR
from primitives.program import PEAK
from tests.exports import exported, scheduled, split, tree
from tests.programs import SIZES

FLAT = sum(SIZES)
EDGES = (0.0, -0.0, 1e-45, 1e-39, 1e-30, 1e-8, -1e-8, 1.0, -1.0, 65504.0, 1e19, 1e30, 3e38)

# Where a formula has no finite value at zero, it says so: log 0, 1/0, arccosh 0.
INFINITE_AT_ZERO = {"log": -np.inf, "log2": -np.inf, "log10": -np.inf, "reciprocal": np.inf, "arccosh": np.nan}


def clipped_after_warmup() -> Program:
    """Two programs in one that turn zeros into NaN, if 0/0 is not looked after."""
    lines = ("a = clip(g, lr)", "b = cosine_sim(g, m)", "m = interp(a, m, 0.9)", "u = m * b", "u = u + a")
    return parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "update = u * lr", "return update, m, v"]))


PROGRAMS = {name: builtin(name) for name in BUILTINS} | {"clip and cosine": clipped_after_warmup()}
CASES = {"zero gradient": (0.0, 1.0), "zero rate": (1.0, 0.0), "both": (0.0, 0.0), "neither": (1.0, 1.0)}


@jax.jit
def _interpreted(encoded: Encoded, weights: jax.Array, gradients: jax.Array, rates: jax.Array) -> jax.Array:
    return run_steps(interpreted(encoded, SIZES), weights, gradients, rates)


def through_interpreter(program: Program, gradients: np.ndarray, rates: np.ndarray) -> np.ndarray:
    return np.asarray(_interpreted(encode(program), jnp.ones(FLAT), gradients, rates))


def through_xla(program: Program, gradients: np.ndarray, rates: np.ndarray) -> np.ndarray:
    rule = compiled(program, SIZES)
    return np.asarray(run_steps(rule, jnp.ones(FLAT), jnp.asarray(gradients), jnp.asarray(rates)))


def through_optax(program: Program, gradients: np.ndarray, rates: np.ndarray) -> np.ndarray:
    transform = scheduled(exported(program, "optax").optimizer, lambda count: jnp.asarray(rates)[count])
    params = tree(jnp.ones(FLAT))
    state, rows = transform.init(params), []
    for gradient in gradients:
        updates, state = transform.update(tree(jnp.asarray(gradient)), state, params)
        params = jax.tree.map(lambda p, u: p + u, params, updates)
        rows.append(np.concatenate([np.ravel(x) for x in jax.tree.leaves(params)]))
    return np.stack(rows)


def through_numpy(program: Program, gradients: np.ndarray, rates: np.ndarray) -> np.ndarray:
    module, params, rows = exported(program, "python"), split(np.ones(FLAT, np.float32)), []
    state = module.init(params)
    for gradient, rate in zip(gradients, rates, strict=True):
        updates, state = scheduled(module.optimizer, rate, split(gradient), state, params)
        params = [p + u for p, u in zip(params, updates, strict=True)]
        rows.append(np.concatenate([p.ravel() for p in params]))
    return np.stack(rows)


def through_torch(program: Program, gradients: np.ndarray, rates: np.ndarray) -> np.ndarray:
    parameters = [torch.nn.Parameter(torch.tensor(x)) for x in split(np.ones(FLAT, np.float32))]
    optimizer, rows = exported(program, "torch").Optimizer(parameters), []
    peak = optimizer.defaults["lr"]
    for gradient, rate in zip(gradients, rates, strict=True):
        for parameter, part in zip(parameters, split(gradient), strict=True):
            parameter.grad = torch.tensor(part)
        optimizer.param_groups[0]["lr"] = peak * float(rate) / PEAK
        optimizer.step()
        rows.append(np.concatenate([p.detach().numpy().ravel() for p in parameters]))
    return np.stack(rows)


WAYS = {
    "interpreter": through_interpreter,
    "XLA": through_xla,
    "optax": through_optax,
    "python": through_numpy,
    "torch": through_torch,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_zero_gradients_and_zero_rates_leave_weights_finite_and_alike_in_every_way_of_running(name: str) -> None:
    gradients, rates = np.zeros((8, FLAT), np.float32), np.zeros(8, np.float32)
    for step, (gradient, rate) in enumerate([*CASES.values()] * 2):  # a warm-up from 0, a dead layer, and both
        gradients[step], rates[step] = gradient, rate
    found = {way: run(PROGRAMS[name], gradients, rates) for way, run in WAYS.items()}
    for way, weights in found.items():
        assert np.isfinite(weights).all(), way
        np.testing.assert_allclose(weights, found["interpreter"], rtol=2e-5, atol=1e-6, err_msg=way)
    assert not np.array_equal(found["XLA"][-1], np.ones(FLAT))


def call(name: str, *values: float, dtype: Any = jnp.float32) -> np.ndarray:
    """A function on vectors of equal numbers; scalars where it wants scalars."""
    row = REGISTRY[name]
    arguments = [
        jnp.asarray(value if accepted == ONLY_SCALAR else [value] * FLAT, dtype)
        for value, accepted in zip(values, row.accepts, strict=True)
    ]
    return np.asarray(row.call(arguments, SIZES), np.float64)


@pytest.mark.parametrize("name", PAPER)
def test_a_function_of_zeros_is_the_value_or_the_limit_of_its_formula(name: str) -> None:
    for values in ((0.0,), (-0.0,)) if REGISTRY[name].arity == 1 else ((0.0,) * REGISTRY[name].arity,):
        found = call(name, *values)
        assert np.isfinite(found).all() or name in INFINITE_AT_ZERO
    if name in INFINITE_AT_ZERO:
        np.testing.assert_array_equal(np.broadcast_to(call(name, 0.0), FLAT), INFINITE_AT_ZERO[name])


@pytest.mark.parametrize("most", [0.0, 1e-30, 0.5, -0.5, -10.0, 3e38])
def test_clip_of_zeros_is_zero_and_of_anything_else_has_the_norm_it_should(most: float) -> None:
    np.testing.assert_array_equal(call("clip", 0.0, most), 0.0)
    norm = np.sqrt(FLAT)
    np.testing.assert_allclose(call("clip", 1.0, most), min(1.0, most / norm), rtol=1e-6, atol=1e-37)


def test_cosine_similarity_with_zeros_is_zero() -> None:
    for x, y in ((0.0, 0.0), (0.0, 2.0), (2.0, 0.0)):
        np.testing.assert_array_equal(call("cosine_sim", x, y), 0.0)
    np.testing.assert_allclose(call("cosine_sim", 2.0, 3.0), 1.0, rtol=1e-6)


def one_function(name: str) -> Program:
    arguments = tuple(
        "lr" if kinds == ONLY_SCALAR else "gw"[place] for place, kinds in enumerate(REGISTRY[name].accepts)
    )
    return Program(
        (
            Statement("x", name, arguments),
            Statement("zero", "subtract", ("g", "g")),
            Statement("update", "max", ("x", "x")),
            Statement("update", "add", ("update", "zero")),
        )
    )


@pytest.mark.parametrize("name", [name for name in PAPER if REGISTRY[name].accepts])
def test_numbers_at_the_edge_come_out_of_an_export_as_out_of_the_language(name: str) -> None:
    program = one_function(name)
    function = exported(program, "python").optimizer
    for edge in EDGES:
        gradient = np.full(FLAT, edge, np.float32)
        given: tuple[Any, ...] = (split(gradient), {}, split(np.ones(FLAT, np.float32)))
        with np.errstate(all="ignore"):
            updates, _ = scheduled(function, np.float32(0.5), *given)
        rule = compiled(program, SIZES)
        expected, _ = rule.update(jnp.ones(FLAT), jnp.asarray(gradient), (), jnp.float32(0.5))
        found = np.concatenate([np.ravel(u) for u in updates])
        if abs(edge) > 1e5 and name in ("sin", "cos", "tan"):
            continue  # libraries reduce the argument differently
        denormal = 0 < abs(edge) < 1e-37  # XLA may take it for zero
        if denormal and name in ("sign", "reciprocal", "log", "log2", "log10", "cosine_sim", "sqrt", "cbrt"):
            continue
        np.testing.assert_allclose(-found, np.asarray(expected), rtol=2e-4, atol=1e-6, err_msg=f"{name}({edge})")


def updates(rule: UpdateRule, weights: jax.Array, gradients: jax.Array) -> tuple[jax.Array, State]:
    def step(state: State, gradient: jax.Array) -> tuple[State, jax.Array]:
        update, state = rule.update(weights, gradient, state, jnp.float32(1))
        return state, update

    state, found = jax.lax.scan(step, rule.init(weights), gradients)
    return found, state


@jax.jit
def _updates(encoded: Encoded, weights: jax.Array, gradients: jax.Array) -> tuple[jax.Array, State]:
    return updates(interpreted(encoded, SIZES), weights, gradients)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_on_weights_of_half_precision_is_computed_in_single_precision(name: str, dtype: Any) -> None:
    generator = np.random.default_rng(1)
    weights = jnp.asarray(generator.normal(size=FLAT), dtype)
    gradients = jnp.asarray(generator.normal(size=(4, FLAT)), dtype).at[1].set(0)
    single = weights.astype(jnp.float32), gradients.astype(jnp.float32)
    rule = compiled(PROGRAMS[name], SIZES)
    for low, high in (
        (_updates(encode(PROGRAMS[name]), weights, gradients), _updates(encode(PROGRAMS[name]), *single)),
        (updates(rule, weights, gradients), updates(rule, *single)),
    ):
        assert low[0].dtype == dtype
        assert {x.dtype for x in low[1]} <= {jnp.dtype(jnp.float32)}
        assert np.isfinite(np.asarray(low[0], np.float32)).all()
        np.testing.assert_array_equal(np.asarray(low[0]), np.asarray(high[0].astype(dtype)))


def test_division_by_zero_is_guarded_in_half_precision_too() -> None:
    program = parse("def train(w, g, m, v, lr):\n    update = g / m\n    return update, m, v\n")
    zero = jnp.zeros(FLAT, jnp.float16)
    for rule in (interpreted(encode(program), SIZES), compiled(program, SIZES)):
        update, _ = rule.update(zero, zero, rule.init(zero), jnp.float16(1))
        np.testing.assert_array_equal(np.asarray(update), 0)


def test_integer_weights_and_gradients_are_computed_in_single_precision() -> None:
    ones = jnp.ones(FLAT, jnp.int32)
    for rule in (interpreted(encode(builtin("adamw")), SIZES), compiled(builtin("adamw"), SIZES)):
        update, _ = rule.update(ones, ones, rule.init(ones), jnp.float32(1))
        assert update.dtype == jnp.float32
        assert np.all(np.asarray(update) > 0)
