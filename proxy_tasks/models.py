"""Small networks as pure functions on a flat vector of weights.

A model is a list of named parameter arrays (`Layout`) and a function that reads them. The log-softmax of a loss is
shifted by its largest entry, so that large weights do not give a loss of zero by overflow. Gains of norms are stored
as differences from 1: a program cannot recognise them by their initial size, and weight decay pulls them to 1, not to
0.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod, sqrt
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

_RELATIVE = 2.0  # standard deviation of the biases by distance; with 0 the masked model learned frequencies only


class Parameter(NamedTuple):
    """A parameter array and the distribution of its initial values.

    Attributes:
        name: unique in its layout.
        shape: of the array.
        scale: standard deviation of the initial normal values; with `orthogonal`, factor on the matrix; 0 gives zeros.
        orthogonal: draw a random matrix with orthonormal rows or columns.
    """

    name: str
    shape: tuple[int, ...]
    scale: float
    orthogonal: bool = False

    def initialise(self, generator: np.random.Generator) -> np.ndarray:
        """Draw initial values, of shape `shape`."""
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

    Initial weights are orthogonal (Saxe et al., 2014), with the gain √2 of rectified units (He et al., 2015). Narrow
    layers need this: with independent weights, the first layer of some seeds passes almost no signal.
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


def _blocks_layout(width: int, layers: int, hidden: int) -> list[Parameter]:
    """Arrays of pre-norm blocks; matrices that write to the residual stream start smaller if there are more blocks."""
    deviation = 1 / sqrt(width)
    arrays = []
    for layer in range(layers):
        arrays += [
            Parameter(f"norm_attention{layer}", (width,), 0),
            Parameter(f"query_key_value{layer}", (width, 3 * width), deviation),
            Parameter(f"attention_out{layer}", (width, width), deviation / sqrt(2 * layers)),
            Parameter(f"norm_mlp{layer}", (width,), 0),
            Parameter(f"mlp_in{layer}", (width, hidden), sqrt(2) * deviation),
            Parameter(f"mlp_out{layer}", (hidden, width), 1 / sqrt(hidden * 2 * layers)),
        ]
    return [*arrays, Parameter("norm_out", (width,), 0)]


def transformer_layout(
    vocabulary: int, context: int, width: int, layers: int, hidden: int, relative_heads: int = 0
) -> Layout:
    """Arrays of a Transformer on tokens: learned positions, pre-norm blocks, output tied to the embedding.

    `relative_heads` is the number of heads with a learned bias for each distance (Shaw et al., 2018; Raffel et al.,
    2020). The biases start with a standard deviation of 2, so that heads attend to different neighbours at once.
    """
    deviation = 1 / sqrt(width)
    arrays = [
        Parameter("embedding", (vocabulary, width), deviation),
        Parameter("position", (context, width), 0.1 * deviation),
    ]
    biases = [
        Parameter(f"relative{layer}", (relative_heads, 2 * context - 1), _RELATIVE)
        for layer in range(layers if relative_heads else 0)
    ]
    return Layout([*arrays, *biases, *_blocks_layout(width, layers, hidden), Parameter("bias_out", (vocabulary,), 0)])


def vit_layout(tokens: int, patch: int, width: int, layers: int, hidden: int, classes: int) -> Layout:
    """Arrays of a vision Transformer on `tokens` patches of `patch` numbers each (Dosovitskiy et al., 2021)."""
    arrays = [
        Parameter("patch", (patch, width), 1 / sqrt(patch)),
        Parameter("position", (tokens, width), 0.1 / sqrt(width)),
        *_blocks_layout(width, layers, hidden),
        Parameter("head", (width, classes), 1 / sqrt(width)),
    ]
    return Layout([*arrays, Parameter("bias_out", (classes,), 0)])


def _normalise(values: Array, gain: Array) -> Array:
    """Root-mean-square norm over the last axis (Zhang and Sennrich, 2019); `gain` is the difference from 1."""
    scale = jax.lax.rsqrt(jnp.mean(jnp.square(values), axis=-1, keepdims=True) + 1e-6)
    return values * scale * (1 + gain[None, None])


def _attention(
    values: Array, query_key_value: Array, out: Array, heads: int, causal: bool, relative: Array | None
) -> Array:
    batch, length, width = values.shape
    split = (values @ query_key_value).reshape(batch, length, 3, heads, width // heads)
    query, key, value = split[:, :, 0], split[:, :, 1], split[:, :, 2]
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) / sqrt(width // heads)
    if relative is not None:
        distance = jnp.arange(length)[None, :] - jnp.arange(length)[:, None] + length - 1
        scores += relative[:, distance][None]
    if causal:
        scores = jnp.where(jnp.tril(jnp.ones((length, length), bool))[None, None], scores, -1e30)
    attended = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), value)
    return attended.reshape(batch, length, width) @ out


def _blocks(arrays: dict[str, Array], hidden: Array, layers: int, heads: int, causal: bool) -> Array:
    """Pre-norm blocks and the norm after them; `hidden` of shape `(B, L, width)`, as is the result."""
    for layer in range(layers):
        normalised = _normalise(hidden, arrays[f"norm_attention{layer}"])
        weights = arrays[f"query_key_value{layer}"], arrays[f"attention_out{layer}"]
        hidden += _attention(normalised, *weights, heads, causal, arrays.get(f"relative{layer}"))
        normalised = _normalise(hidden, arrays[f"norm_mlp{layer}"])
        hidden += jax.nn.relu(normalised @ arrays[f"mlp_in{layer}"]) @ arrays[f"mlp_out{layer}"]
    return _normalise(hidden, arrays["norm_out"])


def transformer(
    layout: Layout, weights: Array, tokens: Array, layers: int, heads: int, places: Array | None = None
) -> Array:
    """Logits of a Transformer on tokens of shape `(B, L)`.

    Args:
        layout: from `transformer_layout`.
        weights: shape `(P,)`.
        tokens: shape `(B, L)`.
        layers: number of blocks.
        heads: heads of the attention.
        places: `None` for a causal model; positions, shape `(B, K)`, whose tokens a bidirectional model predicts.

    Returns:
        Logits of the next token at each position, shape `(B, L, vocabulary)`, or of the tokens at `places`, shape
        `(B, K, vocabulary)`.
    """
    arrays = layout.unflatten(weights)
    hidden = arrays["embedding"][tokens] + arrays["position"][None, : tokens.shape[1]]
    hidden = _blocks(arrays, hidden, layers, heads, causal=places is None)
    if places is not None:
        hidden = jnp.take_along_axis(hidden, places[..., None], axis=1)
    return hidden @ arrays["embedding"].T + arrays["bias_out"][None, None]


def vit(layout: Layout, weights: Array, patches: Array, layers: int, heads: int) -> Array:
    """Logits from the mean over patches; `patches` of shape `(B, tokens, patch)`, result `(B, classes)`."""
    arrays = layout.unflatten(weights)
    hidden = _blocks(arrays, patches @ arrays["patch"] + arrays["position"][None], layers, heads, causal=False)
    return hidden.mean(axis=1) @ arrays["head"] + arrays["bias_out"][None]


def info_nce(first: Array, second: Array, temperature: float) -> Array:
    """Contrastive loss of two views, both ways (Chen et al., 2020, "SimCLR"; Radford et al., 2021), in nats.

    Cross-entropy of a softmax over the cosine similarities, divided by `temperature`, between one view of an example
    and the other views of all examples of the batch. `first` and `second` have the shape `(B, D)`.
    """
    unit = [view / jnp.sqrt(jnp.sum(jnp.square(view), axis=-1, keepdims=True) + 1e-12) for view in (first, second)]
    similarities = unit[0] @ unit[1].T / temperature
    own = jnp.arange(len(similarities))
    return (cross_entropy(similarities, own) + cross_entropy(similarities.T, own)) / 2
