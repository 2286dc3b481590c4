"""The optax export takes the trees that optax takes, and gives back what optax gives back.

One table of trees; for each, what the export of a program does and what the optimizer of the installed optax does.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

from primitives import Program, builtin, to_optax
from tests.exports import exported

PAIRS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "lion": (lambda: to_optax(builtin("lion")), lambda: optax.lion(1e-4, b1=0.9, b2=0.99, weight_decay=0.1)),
    "momentum": (lambda: to_optax(builtin("momentum")), lambda: optax.sgd(0.01, momentum=0.9)),
    "adagrad": (
        lambda: to_optax(builtin("adagrad")),
        lambda: optax.adagrad(0.01, initial_accumulator_value=0.0, eps=1e-16),
    ),
}


class Pair(NamedTuple):
    first: Any
    second: Any


def ones(*shape: int, dtype: Any = jnp.float32) -> jax.Array:
    return jnp.full(shape, 0.5, dtype)


TREES: dict[str, Any] = {
    "empty dict": {},
    "empty tuple": (),
    "one array": ones(3),
    "scalar": jnp.float32(0.5),
    "Python float": 0.5,
    "Python floats in a dict": {"a": 0.5, "b": ones(2)},
    "NumPy array": np.full(3, 0.5, np.float32),
    "nested": {"a": [ones(2, 3), (ones(1), {"b": ones(4, 1)})], "c": Pair(ones(2), {"d": ones(1)})},
    "a None leaf": {"a": ones(2), "b": None, "c": [None, ones(1)]},
    "no elements": {"a": ones(0), "b": ones(2, 0, 3), "c": ones(2)},
    "bfloat16": {"a": ones(2, dtype=jnp.bfloat16)},
    "float16": {"a": ones(2, dtype=jnp.float16)},
    "mixed dtypes": {"a": ones(2, dtype=jnp.bfloat16), "b": ones(2), "c": ones(1, dtype=jnp.float16)},
    "integers": {"a": jnp.ones(3, jnp.int32), "b": ones(2)},
}


def steps(transform: Any, params: Any, gradients: list[Any]) -> tuple[Any, Any]:
    """Updates of the last step and the parameters after it."""
    state, updates = transform.init(params), None
    for gradient in gradients:
        updates, state = transform.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    return updates, params


def facts(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, [(jnp.shape(x), jnp.result_type(x)) for x in leaves]


def same(ours: Any, theirs: Any) -> None:
    assert facts(ours) == facts(theirs)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        half = jnp.result_type(a) in (jnp.bfloat16, jnp.float16)
        rtol, atol = (2e-2, 1e-3) if half else (2e-5, 1e-6)
        np.testing.assert_allclose(np.asarray(a, np.float64), np.asarray(b, np.float64), rtol=rtol, atol=atol)


NUMBERS = {name for name in TREES if name.startswith("Python")}  # which optax's own AdaGrad refuses
CASES = [(name, pair) for name in TREES for pair in PAIRS if not (pair == "adagrad" and name in NUMBERS)]


@pytest.mark.parametrize(("name", "pair"), CASES)
def test_a_tree_is_treated_as_optax_treats_it(name: str, pair: str) -> None:
    ours, theirs = (make() for make in PAIRS[pair])
    params = TREES[name]
    gradients = [params, jax.tree.map(lambda x: -2 * x, params)]
    same(steps(ours, params, gradients), steps(theirs, params, gradients))


def test_none_in_place_of_a_tree_is_an_empty_tree_or_params_that_are_missing() -> None:
    for make in PAIRS["momentum"]:
        transform = make()
        assert transform.update(None, transform.init(None), None)[0] is None
    for make in PAIRS["lion"]:
        transform = make()
        with pytest.raises(ValueError, match="params"):
            transform.update(None, transform.init(None), None)


def test_a_gradient_of_none_leaves_its_parameter_and_its_state_as_they_are() -> None:
    ours, theirs = (make() for make in PAIRS["momentum"])
    params = {"a": ones(2), "b": ones(3)}
    gradient = {"a": ones(2), "b": None}
    (mine, state), (other, _) = (t.update(gradient, t.init(params), params) for t in (ours, theirs))
    same(mine, other)
    assert mine["b"] is None
    np.testing.assert_array_equal(state.m["b"], 0.0)
    again, _ = ours.update(params, state, params)
    assert again["b"].shape == (3,)


@pytest.mark.parametrize("pair", PAIRS)
def test_masked_leaves_pass_through(pair: str) -> None:
    params = {"a": ones(2), "b": {"c": ones(3), "d": ones(1)}}
    mask = {"a": True, "b": {"c": False, "d": True}}
    ours, theirs = (optax.masked(make(), mask) for make in PAIRS[pair])
    same(steps(ours, params, [params] * 2), steps(theirs, params, [params] * 2))


@pytest.mark.parametrize("pair", PAIRS)
def test_double_precision_stays_double_precision(pair: str) -> None:
    with jax.enable_x64(True):
        params: dict[str, Any] = {"a": jnp.full(3, 0.5, jnp.float64), "b": jnp.full(2, 0.5, jnp.float32)}
        params |= {} if pair == "adagrad" else {"c": 0.5}
        ours, theirs = (make() for make in PAIRS[pair])
        assert {x.dtype for x in jax.tree.leaves(ours.init(params)[1:])} == {jnp.dtype("float64"), jnp.dtype("float32")}
        same(steps(ours, params, [params] * 2), steps(theirs, params, [params] * 2))


@pytest.mark.parametrize("name", TREES)
def test_a_program_that_reduces_over_all_weights_takes_every_tree(name: str) -> None:
    transform = to_optax(builtin("lion_raw"))
    params = TREES[name]
    updates, after = steps(transform, params, [params] * 2)
    assert str(jax.tree.structure(updates)) == str(jax.tree.structure(params))
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, params)
    assert all(np.isfinite(np.asarray(x, np.float32)).all() for x in jax.tree.leaves(after))


def test_a_tree_of_another_structure_is_refused_as_by_optax() -> None:
    for make in PAIRS["lion"]:
        transform = make()
        with pytest.raises(ValueError, match=r"[Ss]tructure|key|mismatch"):
            transform.update({"a": ones(2)}, transform.init({"b": ones(2)}), {"b": ones(2)})


LONG = 5_000  # steps of a constant gradient, after which an average with 0.999 is within 1 % of it
HALF = {"bfloat16": (jnp.bfloat16, torch.bfloat16), "float16": (jnp.float16, torch.float16)}


def average() -> Program:
    return builtin("rmsprop").with_constants([0.999, 1e-3])


@pytest.mark.parametrize("dtype", HALF)
def test_a_long_average_of_half_precision_gradients_arrives_in_optax(dtype: str) -> None:
    params = jnp.ones(2, HALF[dtype][0])

    def after(**settings: Any) -> jax.Array:
        transform = to_optax(average(), **settings)

        def step(state: Any, _: None) -> tuple[Any, jax.Array]:
            updates, state = transform.update(params, state, params)
            return state, updates

        state, updates = jax.lax.scan(step, transform.init(params), length=LONG)
        assert updates.dtype == params.dtype
        found: jax.Array = state.v
        return found

    assert after().dtype == jnp.float32
    np.testing.assert_allclose(after(), 1 - 0.999**LONG, rtol=1e-3)
    assert after(state_dtype=HALF[dtype][0]).dtype == HALF[dtype][0]  # as asked for, with its price:
    assert float(after(state_dtype=HALF[dtype][0])[0]) < 0.9


@pytest.mark.parametrize("dtype", HALF)
def test_a_long_average_of_half_precision_gradients_arrives_in_numpy(dtype: str) -> None:
    module = exported(average(), "python")
    params = [np.ones(2, HALF[dtype][0])]
    state = module.init(params)
    for _ in range(LONG):
        updates, state = module.optimizer(params, state, params)
    assert updates[0].dtype == params[0].dtype
    assert state["v"][0].dtype == np.float32
    np.testing.assert_allclose(state["v"][0], 1 - 0.999**LONG, rtol=1e-3)
    assert module.init(params, state_dtype=np.float64)["v"][0].dtype == np.float64


@pytest.mark.parametrize("dtype", HALF)
def test_a_long_average_of_half_precision_gradients_arrives_in_pytorch_and_survives_a_checkpoint(dtype: str) -> None:
    module = exported(average(), "torch")
    parameter = torch.nn.Parameter(torch.ones(2, dtype=HALF[dtype][1]))
    optimizer = module.Optimizer([parameter], lr=0.0)
    parameter.grad = torch.ones_like(parameter)
    for _ in range(LONG):
        optimizer.step()
    state = optimizer.state[parameter]["v"]
    assert state.dtype == torch.float32
    np.testing.assert_allclose(state, 1 - 0.999**LONG, rtol=1e-3)
    other = module.Optimizer([parameter], lr=0.0)
    other.load_state_dict(optimizer.state_dict())
    restored = other.state[parameter]["v"]
    assert restored.dtype == torch.float32
    assert torch.equal(restored, state)
    assert restored.data_ptr() != state.data_ptr()
    narrow = module.Optimizer([parameter], lr=0.0, state_dtype=HALF[dtype][1])
    narrow.step()
    assert narrow.state[parameter]["v"].dtype == HALF[dtype][1]


def test_lists_of_the_numpy_export_may_hold_numbers_and_none() -> None:
    module = exported(builtin("momentum"), "python")
    params = [0.5, np.ones(2, np.float32), None, np.ones((0, 3), np.float32), np.ones(2, np.int32)]
    gradients = [0.5, None, None, np.ones((0, 3), np.float32), np.ones(2, np.int32)]
    updates, state = module.optimizer(gradients, module.init(params), params)
    assert updates[1] is updates[2] is None
    np.testing.assert_array_equal(state["m"][1], 0.0)
    np.testing.assert_allclose(updates[0], -0.005, rtol=1e-6)
    np.testing.assert_allclose(updates[4], -0.01, rtol=1e-6)
    assert updates[3].shape == (0, 3)
