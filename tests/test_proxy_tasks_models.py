"""Models: layouts, losses that cannot be cheated, and a Transformer that does not see the future."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from proxy_tasks.catalog import SMALLEST, builtin_task
from proxy_tasks.families import problem
from proxy_tasks.models import (
    Layout,
    Parameter,
    cross_entropy,
    mlp,
    mlp_layout,
    transformer,
    transformer_layout,
    vit,
    vit_layout,
)


def test_a_layout_unflattens_to_its_arrays_in_order() -> None:
    layout = mlp_layout([3, 2, 4])
    arrays = layout.unflatten(jnp.arange(20.0))
    assert layout.sizes == (6, 2, 8, 4)
    np.testing.assert_array_equal(arrays["kernel0"], [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(arrays["bias1"], [16, 17, 18, 19])


@pytest.mark.parametrize("widths", [(20, 10), (10, 20), (10, 10)])
def test_initial_weights_are_orthogonal_with_gain_root_two_and_biases_are_zero(widths: tuple[int, int]) -> None:
    layout = mlp_layout(widths)
    weights = layout.initialise(np.random.default_rng(0))
    assert weights.dtype == np.float32
    kernel = weights[: widths[0] * widths[1]].reshape(widths)
    narrow = kernel if widths[0] >= widths[1] else kernel.T
    np.testing.assert_allclose(narrow.T @ narrow, 2 * np.eye(min(widths)), atol=1e-5)
    np.testing.assert_array_equal(weights[widths[0] * widths[1] :], 0)


def test_initial_values_are_normal_or_zero_as_the_layout_says() -> None:
    layout = Layout([Parameter("a", (100, 100), 0.5), Parameter("b", (3,), 0)])
    weights = layout.initialise(np.random.default_rng(0))
    assert np.std(weights[:10_000]) == pytest.approx(0.5, rel=0.03)
    np.testing.assert_array_equal(weights[10_000:], [0, 0, 0])


def test_gains_of_norms_begin_at_zero_and_stand_for_one() -> None:
    layout = vit_layout(4, 16, 8, 1, 16, 10)
    weights = jnp.asarray(layout.initialise(np.random.default_rng(0)))
    arrays = layout.unflatten(weights)
    gains = [name for name in arrays if name.startswith("norm")]
    assert len(gains) == 3
    assert all(np.all(arrays[name] == 0) for name in gains)
    patches = jnp.asarray(np.random.default_rng(1).normal(size=(5, 4, 16)), jnp.float32)
    start = sum(layout.sizes[: [one.name for one in layout].index("norm_out")])
    doubled = weights.at[start : start + 8].set(1.0)  # a gain of 2 on the last norm, whose output is read linearly
    logits = vit(layout, weights, patches, 1, 1)
    np.testing.assert_allclose(vit(layout, doubled, patches, 1, 1), 2 * logits, rtol=1e-4)
    assert np.std(logits) > 0.1


def test_a_perceptron_is_what_it_says() -> None:
    layout = mlp_layout([2, 3, 2])
    weights = layout.initialise(np.random.default_rng(1))
    inputs = np.array([[1.0, -2.0], [0.5, 0.25]], np.float32)
    a = {name: np.asarray(value) for name, value in layout.unflatten(jnp.asarray(weights)).items()}
    expected = np.maximum(inputs @ a["kernel0"] + a["bias0"], 0) @ a["kernel1"] + a["bias1"]
    np.testing.assert_allclose(mlp(layout, jnp.asarray(weights), jnp.asarray(inputs)), expected, rtol=1e-5)


def test_cross_entropy_is_minus_the_log_of_the_label() -> None:
    logits = jnp.log(jnp.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]))
    expected = -(np.log(0.25) + np.log(0.7)) / 2
    assert cross_entropy(logits, jnp.array([1, 2])) == pytest.approx(expected, rel=1e-6)


def test_huge_logits_give_no_loss_of_zero_by_overflow() -> None:
    wrong = jnp.array([[1e30, -1e30]])
    assert cross_entropy(wrong, jnp.array([1])) > 1e29


def test_the_transformer_does_not_see_the_future() -> None:
    layout = transformer_layout(vocabulary=11, context=6, width=8, layers=2, hidden=16)
    weights = jnp.asarray(layout.initialise(np.random.default_rng(0)))
    tokens = jnp.array([[1, 2, 3, 4, 5, 6]])
    logits = transformer(layout, weights, tokens, layers=2, heads=2)
    changed = transformer(layout, weights, tokens.at[0, 4].set(9), layers=2, heads=2)
    assert logits.shape == (1, 6, 11)
    np.testing.assert_allclose(changed[0, :4], logits[0, :4], atol=1e-6)
    assert not np.allclose(changed[0, 4:], logits[0, 4:], atol=1e-3)


def test_the_transformer_sees_the_past() -> None:
    layout = transformer_layout(vocabulary=11, context=6, width=8, layers=1, hidden=16)
    weights = jnp.asarray(layout.initialise(np.random.default_rng(0)))
    tokens = jnp.array([[1, 2, 3, 4, 5, 6]])
    logits = transformer(layout, weights, tokens, layers=1, heads=2)
    changed = transformer(layout, weights, tokens.at[0, 0].set(9), layers=1, heads=2)
    assert not np.allclose(changed[0, 5], logits[0, 5], atol=1e-4)


# Loss of who knows nothing: log of the number of classes, of characters, of examples; noise, and as much of one's own.
UNTRAINED = {
    "digits": np.log(10),
    "vit": np.log(10),
    "characters": np.log(96),
    "masked": np.log(97),
    "denoising": 2.0,
    "views": np.log(64),
}


@pytest.mark.parametrize("name", SMALLEST)
def test_an_untrained_model_knows_nothing_and_every_weight_has_a_gradient(name: str) -> None:
    built = problem(builtin_task(name))
    weights = jnp.asarray(built.initialise(np.random.default_rng(0)))
    rows = {key: value[:64] for key, value in built.rows["train"].items()}
    loss, gradient = jax.jit(jax.value_and_grad(built.loss))(weights, rows)
    assert weights.shape == (sum(built.sizes),)
    assert 0.7 * UNTRAINED[name] < loss < 2.5 * UNTRAINED[name]
    starts = np.cumsum((0, *built.sizes))
    for start, end in pairwise(starts):
        assert np.any(np.asarray(gradient[start:end]) != 0)
