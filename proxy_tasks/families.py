"""Families of tasks: each builds the `Problem` of a `Task` from data and a model."""

from collections.abc import Callable
from functools import cache

import jax.numpy as jnp
import numpy as np
from jax import Array

from proxy_tasks import data
from proxy_tasks.models import cross_entropy, mlp, mlp_layout, transformer, transformer_layout
from proxy_tasks.task import SPLITS, Problem, Rows, Task

_NOISE_SEED = 5  # any fixed number


def classify_digits(task: Task) -> Problem:
    """Digits with a perceptron.

    Settings: `hidden`, widths of the hidden layers; `examples`, how many of the training images are used; `shift`, by
    how many pixels a training image may be moved in each direction; `label_noise`, share of the training labels that
    are drawn anew at random. The other splits are used as they are.
    """
    layout = mlp_layout([64, *task.settings["hidden"], 10])
    rows: dict[str, Rows] = {}
    for split, (images, labels) in data.digits().items():
        rows[split] = {"x": images.reshape(-1, 64), "y": labels}
    images, labels = (values[: task.settings.get("examples")] for values in data.digits()["train"])
    labels = _with_noise(labels, task.settings.get("label_noise", 0.0))
    rows["train"] = _shifted(images, labels, task.settings.get("shift", 0))

    def loss(weights: Array, rows: Rows) -> Array:
        return cross_entropy(mlp(layout, weights, rows["x"]), rows["y"])

    return Problem(layout.sizes, layout.initialise, loss, rows)


def _with_noise(labels: np.ndarray, share: float) -> np.ndarray:
    """Labels of which a share, always the same ones, is drawn anew from all classes."""
    generator = np.random.default_rng(_NOISE_SEED)
    chosen = generator.random(len(labels)) < share
    return np.where(chosen, generator.integers(0, 10, len(labels)), labels).astype(np.int32)


def _shifted(images: np.ndarray, labels: np.ndarray, reach: int) -> Rows:
    """Every image moved by up to `reach` pixels both ways, empty pixels coming in: `(2 reach + 1)^2` copies."""
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach)))
    side = images.shape[1]
    moves = [(down, right) for down in range(2 * reach + 1) for right in range(2 * reach + 1)]
    moved = [padded[:, down : down + side, right : right + side] for down, right in moves]
    return {"x": np.concatenate(moved).reshape(-1, side * side), "y": np.tile(labels, len(moves))}


def model_characters(task: Task) -> Problem:
    """Next character of the documentation's text with a causal Transformer.

    Settings: `context`, characters that are seen; `width`, `layers`, `heads` and `hidden` of the Transformer;
    `windows`, how many stretches of the validation and of the test text are scored.
    """
    context, width, layers = (task.settings[name] for name in ("context", "width", "layers"))
    layout = transformer_layout(len(data.CHARACTERS), context, width, layers, task.settings["hidden"])
    rows: dict[str, Rows] = {}
    for split, tokens in data.documentation().items():
        windows = np.lib.stride_tricks.sliding_window_view(tokens, context + 1)
        every = context // 2 if split == "train" else max(context, len(windows) // task.settings["windows"])
        rows[split] = {"tokens": np.ascontiguousarray(windows[::every])}
    seen: set[bytes] = set()
    for split in SPLITS:
        tokens, seen = _unseen(rows[split]["tokens"], seen)
        rows[split] = {"tokens": tokens if split == "train" else tokens[: task.settings["windows"]]}

    def loss(weights: Array, rows: Rows) -> Array:
        tokens = rows["tokens"].astype(jnp.int32)
        logits = transformer(layout, weights, tokens[:, :-1], layers, task.settings["heads"])
        return cross_entropy(logits, tokens[:, 1:])

    return Problem(layout.sizes, layout.initialise, loss, rows)


def _unseen(rows: np.ndarray, seen: set[bytes]) -> tuple[np.ndarray, set[bytes]]:
    """Rows neither in `seen` nor repeated, and `seen` with them; stretches of indentation and ruled lines recur."""
    new = {row.tobytes(): index for index, row in reversed(list(enumerate(rows)))}
    chosen = sorted(index for key, index in new.items() if key not in seen)
    return rows[chosen], seen | new.keys()


FAMILIES: dict[str, Callable[[Task], Problem]] = {
    "digit classification": classify_digits,
    "causal language model": model_characters,
}


@cache
def problem(task: Task) -> Problem:
    """Build the problem of a task, once."""
    return FAMILIES[task.family](task)
