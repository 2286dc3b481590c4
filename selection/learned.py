"""A learned optimizer as a baseline: a small perceptron computes the update of each weight.

For each weight the perceptron reads the gradient, averages of the gradient and of its square with several decays, the
weight, and the progress of training, and returns two numbers (Metz et al., 2020; Metz et al., 2022, section 3):

    w ← w − rate · (direction · exp(magnitude · m) + decay · w)        with (direction, m) = perceptron(features)

Features are normalised within each parameter array, so that they depend neither on the scale of the loss nor on the
size of a layer. The perceptron was trained on small tasks of this project with evolution strategies (`python -m
benchmarks.learned`). Rate, decay and magnitude are constants, tuned like those of any other optimizer. The state has
five numbers for each weight; that of AdamW has two.
"""

import json
from functools import cache
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

if TYPE_CHECKING:
    import optax

PATH = Path(__file__).with_name("learned.json")

MOMENTA = (0.5, 0.9, 0.99)  # decays of averages of the gradient
SQUARES = (0.9, 0.99)  # and of its square
_SPANS = (10.0, 100.0, 1000.0)  # time scales in steps; progress on each is a feature
_GUARD = 1e-12  # added to squares and their means before division
_LIMIT = 5.0  # features are clipped to ±5
FEATURES = 3 + 2 * len(MOMENTA) + len(SQUARES) + len(_SPANS) + 1
WIDTHS = (FEATURES, 6, 6, 2)  # the smallest of Metz et al. (2022) has two hidden layers of 4
SIZE = sum((inside + 1) * outside for inside, outside in pairwise(WIDTHS))  # weights of the perceptron

Leaves = list[Array]


@cache
def weights_digest() -> str:
    """Digest of the trained weights of the perceptron, eight hexadecimal digits."""
    return blake2b(PATH.read_bytes(), digest_size=4).hexdigest()


class LearnedState(NamedTuple):
    """State of the learned optimizer.

    Attributes:
        steps: number of steps so far, float32.
        highest: highest learning rate so far.
        momenta: averages of the gradient, shape `(3, n)` for each leaf of n weights.
        squares: averages of its square, shape `(2, n)` for each leaf.
    """

    steps: Array
    highest: Array
    momenta: Leaves
    squares: Leaves


def learned(
    rate: Array, weight_decay: Array, magnitude: Array, theta: Array | None = None
) -> "optax.GradientTransformation":
    """The learned optimizer as an optax transformation on a list of flat leaves.

    Args:
        rate: learning rate of this step, schedule included.
        weight_decay: decay of the weights, relative to the rate.
        magnitude: factor on the exponent that scales the direction; the perceptron was trained with 1.
        theta: weights of the perceptron, shape `(SIZE,)`; the trained ones by default.
    """
    chosen = jnp.asarray(trained()) if theta is None else theta

    def init(params: Leaves) -> LearnedState:
        momenta, squares = ([jnp.zeros((len(of), *leaf.shape)) for leaf in params] for of in (MOMENTA, SQUARES))
        return LearnedState(jnp.float32(0), jnp.float32(0), momenta, squares)

    def update(gradients: Leaves, state: LearnedState, params: Leaves) -> tuple[Leaves, LearnedState]:
        steps, highest = state.steps + 1, jnp.maximum(state.highest, rate)
        momenta = [_average(MOMENTA, m, g) for m, g in zip(state.momenta, gradients, strict=True)]
        squares = [_average(SQUARES, v, g**2) for v, g in zip(state.squares, gradients, strict=True)]
        progress = [jnp.tanh(steps / span - 1) for span in _SPANS] + [rate / jnp.maximum(highest, _GUARD)]
        rows = [_features(*leaf, steps, progress) for leaf in zip(params, gradients, momenta, squares, strict=True)]
        direction, exponent = _perceptron(chosen, jnp.concatenate(rows, axis=1))
        moved = jnp.split(direction * jnp.exp(magnitude * jnp.clip(exponent, -_LIMIT, _LIMIT)), _ends(params))
        changes = [-rate * (d + weight_decay * w) for d, w in zip(moved, params, strict=True)]
        return changes, LearnedState(steps, highest, momenta, squares)

    import optax  # takes a fifth of a second; commands that only list optimizers do not need it

    return optax.GradientTransformation(init, update)


def initial(generator: np.random.Generator) -> np.ndarray:
    """Initial weights of the perceptron for its training, shape `(SIZE,)`, with which it behaves like Adam.

    Two units of each layer carry the positive and the negative part of m / √v to the output. The other units have
    random weights, and the output ignores them at first.
    """
    carried = FEATURES - len(_SPANS) - 1 - len(MOMENTA) + 1  # m / √v with the decays 0.9 and 0.99
    layers = []
    for index, (inside, outside) in enumerate(pairwise(WIDTHS)):
        matrix = generator.normal(size=(inside, outside)) / np.sqrt(inside)
        first, last = index == 0, index == len(WIDTHS) - 2
        matrix[:, :2] = 0
        if last:
            matrix[:] = 0
            matrix[:2, 0] = 1, -1
        else:
            matrix[[carried, carried] if first else [0, 1], [0, 1]] = (1, -1) if first else (1, 1)
        layers += [matrix.ravel(), np.zeros(outside)]
    return np.concatenate(layers).astype(np.float32)


@cache
def trained() -> np.ndarray:
    """Trained weights of the perceptron, float32, shape `(SIZE,)`."""
    return np.array(json.loads(PATH.read_text(encoding="utf-8"))["weights"], np.float32)


def _average(decays: tuple[float, ...], old: Array, new: Array) -> Array:
    rates = jnp.asarray(decays)[:, None]
    return rates * old + (1 - rates) * new[None]


def _features(params: Array, gradient: Array, momenta: Array, squares: Array, steps: Array, progress: Leaves) -> Array:
    """Features of each weight of a leaf of n weights, shape `(FEATURES, n)`."""
    momenta, squares = (
        averages / (1 - jnp.asarray(decays)[:, None] ** steps)  # bias correction, as in Adam
        for averages, decays in ((momenta, MOMENTA), (squares, SQUARES))
    )
    slow = squares[-1]
    columns = [
        _relative(params),
        _relative(gradient),
        *map(_relative, momenta),
        0.5 * jnp.log((slow + _GUARD) / (jnp.mean(slow) + _GUARD)),
        *(gradient * jax.lax.rsqrt(square + _GUARD) for square in squares),
        *(momentum * jax.lax.rsqrt(slow + _GUARD) for momentum in momenta),
        *(jnp.broadcast_to(number, gradient.shape) for number in progress),
    ]
    return jnp.clip(jnp.stack(columns), -_LIMIT, _LIMIT)


def _relative(values: Array) -> Array:
    return values * jax.lax.rsqrt(jnp.mean(values**2) + _GUARD)


def _perceptron(theta: Array, rows: Array) -> tuple[Array, Array]:
    """Both outputs of the perceptron, shape `(P,)` each, for features of shape `(FEATURES, P)`."""
    start = 0
    for index, (inside, outside) in enumerate(pairwise(WIDTHS)):
        matrix = theta[start : start + inside * outside].reshape(inside, outside)
        start += inside * outside
        rows = matrix.T @ rows + theta[start : start + outside][:, None]
        start += outside
        rows = jax.nn.relu(rows) if index < len(WIDTHS) - 2 else rows
    return rows[0], rows[1]


def _ends(leaves: Leaves) -> list[int]:
    return [int(end) for end in np.cumsum([leaf.shape[0] for leaf in leaves])[:-1]]
