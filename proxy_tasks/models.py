"""Small networks as pure functions on a flat vector of weights.

A model is a list of named parameter arrays (`Layout`) and a function that reads them. Losses use a log-softmax
that is shifted by its largest entry, so that no weights, however large, give a loss that is zero by overflow.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod, sqrt
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


class Parameter(NamedTuple):
    """One array: its name, its shape, and how its initial values are drawn.

    `scale` is the standard deviation of normal values (0: zeros, `None`: ones), or, where `orthogonal` is set, what a
    random matrix with orthonormal rows or columns is multiplied by.
    """

    name: str
    shape: tuple[int, ...]
    scale: float | None
    orthogonal: bool = False

    def initialise(self, generator: np.random.Generator) -> np.ndarray:
        """Draw initial values, of shape `shape`."""
        if self.scale is None:
            return np.ones(self.shape)
        values = generator.standard_normal(self.shape)
        if self.orthogonal:
            wide = self.shape[0] < self.shape[1]
            basis, triangle = np.linalg.qr(values.T if wide else values)
            values = basis * np.sign(np.diag(triangle))
            values = values.T if wide else values
        return values * self.scale


class Layout(tuple[Parameter, ...]):
    """Parameter arrays laid end to end in one vector of P weights."""

    __slots__ = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of weights in each array."""
        return tuple(prod(parameter.shape) for parameter in self)

    def initialise(self, generator: np.random.Generator) -> np.ndarray:
        """Draw initial weights, float32, shape `(P,)`."""
        parts = [parameter.initialise(generator).ravel() for parameter in self]
        return np.concatenate(parts).astype(np.float32)

    def unflatten(self, weights: Array) -> dict[str, Array]:
        """The arrays by name, from a vector of shape `(P,)`."""
        arrays, start = {}, 0
        for parameter, size in zip(self, self.sizes, strict=True):
            arrays[parameter.name] = weights[start : start + size].reshape(parameter.shape)
            start += size
        return arrays


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Mean of −log p(label), in nats; `logits` of shape `(..., C)`, integer `labels` of shape `(...)`."""
    log_probabilities = jax.nn.log_softmax(logits)
    return -jnp.mean(jnp.take_along_axis(log_probabilities, labels[..., None], axis=-1))


def mlp_layout(widths: Sequence[int]) -> Layout:
    """Weights and biases of a perceptron with the given widths.

    Weights are orthogonal (Saxe et al., 2014) with the gain √2 of rectified units (He et al., 2015), which narrow
    layers need: with independent weights some seeds begin with a layer that passes next to nothing.
    """
    arrays = []
    for index, shape in enumerate(pairwise(widths)):
        arrays.append(Parameter(f"kernel{index}", shape, sqrt(2), orthogonal=True))
        arrays.append(Parameter(f"bias{index}", shape[1:], 0))
    return Layout(arrays)


def mlp(layout: Layout, weights: Array, inputs: Array) -> Array:
    """Logits of a perceptron with rectified units; `inputs` of shape `(B, D)`, result `(B, C)`."""
    arrays = layout.unflatten(weights)
    depth = len(layout) // 2
    hidden = inputs
    for index in range(depth):
        hidden = hidden @ arrays[f"kernel{index}"] + arrays[f"bias{index}"][None]
        if index < depth - 1:
            hidden = jax.nn.relu(hidden)
    return hidden


def transformer_layout(vocabulary: int, context: int, width: int, layers: int, hidden: int) -> Layout:
    """Arrays of a causal Transformer: learned positions, pre-norm blocks, output tied to the embedding."""
    deviation = 1 / sqrt(width)
    arrays = [
        Parameter("embedding", (vocabulary, width), deviation),
        Parameter("position", (context, width), 0.1 * deviation),
    ]
    for layer in range(layers):
        arrays += [
            Parameter(f"norm_attention{layer}", (width,), None),
            Parameter(f"query_key_value{layer}", (width, 3 * width), deviation),
            Parameter(f"attention_out{layer}", (width, width), deviation / sqrt(2 * layers)),
            Parameter(f"norm_mlp{layer}", (width,), None),
            Parameter(f"mlp_in{layer}", (width, hidden), sqrt(2) * deviation),
            Parameter(f"mlp_out{layer}", (hidden, width), 1 / sqrt(hidden * 2 * layers)),
        ]
    return Layout([*arrays, Parameter("norm_out", (width,), None), Parameter("bias_out", (vocabulary,), 0)])


def _normalise(values: Array, gain: Array) -> Array:
    """Root-mean-square norm over the last axis (Zhang and Sennrich, 2019)."""
    scale = jax.lax.rsqrt(jnp.mean(jnp.square(values), axis=-1, keepdims=True) + 1e-6)
    return values * scale * gain[None, None]


def _attention(values: Array, query_key_value: Array, out: Array, heads: int) -> Array:
    batch, length, width = values.shape
    split = (values @ query_key_value).reshape(batch, length, 3, heads, width // heads)
    query, key, value = split[:, :, 0], split[:, :, 1], split[:, :, 2]
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) / sqrt(width // heads)
    causal = jnp.tril(jnp.ones((length, length), bool))[None, None]
    attended = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(jnp.where(causal, scores, -1e30)), value)
    return attended.reshape(batch, length, width) @ out


def transformer(layout: Layout, weights: Array, tokens: Array, layers: int, heads: int) -> Array:
    """Logits for the next token at each place; `tokens` of shape `(B, L)`, result `(B, L, vocabulary)`."""
    arrays = layout.unflatten(weights)
    hidden = arrays["embedding"][tokens] + arrays["position"][None, : tokens.shape[1]]
    for layer in range(layers):
        normalised = _normalise(hidden, arrays[f"norm_attention{layer}"])
        hidden += _attention(normalised, arrays[f"query_key_value{layer}"], arrays[f"attention_out{layer}"], heads)
        normalised = _normalise(hidden, arrays[f"norm_mlp{layer}"])
        hidden += jax.nn.relu(normalised @ arrays[f"mlp_in{layer}"]) @ arrays[f"mlp_out{layer}"]
    return _normalise(hidden, arrays["norm_out"]) @ arrays["embedding"].T + arrays["bias_out"][None, None]
