"""Families of tasks on text: prediction of the next character, and of masked characters."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from primitives import UserError
from proxy_tasks import data
from proxy_tasks.models import Layout, cross_entropy, transformer, transformer_layout
from proxy_tasks.task import SPLITS, Problem, Rows, Task

_MASK_SEED = 5  # any fixed number
_FEWEST_WINDOWS = 8  # smallest length of a split of a text, in windows


def model_characters(task: Task) -> Problem:
    """Prediction of the next character of a text with a causal Transformer.

    Settings: `context`, number of characters that the model reads; `width`, `layers`, `heads` and `hidden` of the
    Transformer; `windows`, number of text windows in the validation and in the test split; `data`, a text file that
    replaces Python's documentation.
    """
    rows, vocabulary = _windows(task, task.settings["context"] + 1)
    layout, layers, heads = _language_model(task, vocabulary)

    def loss(weights: Array, rows: Rows) -> Array:
        tokens = rows["tokens"].astype(jnp.int32)
        logits = transformer(layout, weights, tokens[:, :-1], layers, heads)
        return cross_entropy(logits, tokens[:, 1:])

    trivial = data.unigram_loss(rows["train"]["tokens"], rows["validation"]["tokens"][:, 1:], vocabulary)
    return Problem(layout.sizes, layout.initialise, loss, rows, trivial=trivial)


def fill_in_characters(task: Task) -> Problem:
    """Prediction of masked characters with a bidirectional Transformer (Devlin et al., 2019).

    Settings: those of `model_characters`; `masked`, number of characters that are masked in each window.
    """
    rows, vocabulary = _windows(task, task.settings["context"])
    if task.settings["masked"] >= task.settings["context"]:
        raise UserError(f"task `{task.name}`: `masked` (={task.settings['masked']}) must be less than `context`")
    generator = np.random.default_rng(_MASK_SEED)
    for part in rows.values():
        data.check_room(task, 4 * part["tokens"].size, "drawing the masks")  # 16 bytes each: a number and its rank
        places = generator.random(part["tokens"].shape).argsort(axis=1)[:, : task.settings["masked"]]
        part["places"] = np.sort(places, axis=1).astype(np.int32)
    layout, layers, heads = _language_model(task, vocabulary + 1, by_distance=True)

    def loss(weights: Array, rows: Rows) -> Array:
        tokens, places = rows["tokens"].astype(jnp.int32), rows["places"]
        hidden = jnp.zeros(tokens.shape, bool).at[jnp.arange(len(tokens))[:, None], places].set(True)
        shown = jnp.where(hidden, vocabulary, tokens)
        logits = transformer(layout, weights, shown, layers, heads, places)
        return cross_entropy(logits, jnp.take_along_axis(tokens, places, axis=1))

    masked = np.take_along_axis(rows["validation"]["tokens"], rows["validation"]["places"], axis=1)
    trivial = data.unigram_loss(rows["train"]["tokens"], masked, vocabulary)
    return Problem(layout.sizes, layout.initialise, loss, rows, trivial=trivial)


def _language_model(task: Task, vocabulary: int, by_distance: bool = False) -> tuple[Layout, int, int]:
    context, width, layers, heads, hidden = (
        task.settings[name] for name in ("context", "width", "layers", "heads", "hidden")
    )
    relative = heads if by_distance else 0
    return transformer_layout(vocabulary, context, width, layers, hidden, relative), layers, heads


def _windows(task: Task, length: int) -> tuple[dict[str, Rows], int]:
    """Windows of text for each split, without repetitions, and the number of distinct characters."""
    path, count = task.settings.get("data"), task.settings["windows"]
    splits, vocabulary = data.text(path, data.limit_of(task)) if path else (data.documentation(), len(data.CHARACTERS))
    rows: dict[str, Rows] = {}
    seen = np.empty((0, length), np.uint8)
    for split in SPLITS:
        if len(splits[split]) < _FEWEST_WINDOWS * length:
            needed = f"{_FEWEST_WINDOWS * length:,} characters"
            raise UserError(f"task `{task.name}`: the {split} part of `{path}` must have {needed} or more")
        windows = np.lib.stride_tricks.sliding_window_view(splits[split], length)
        every = task.settings["context"] // 2 if split == "train" else max(length - 1, len(windows) // count)
        tokens, seen = _unseen(np.ascontiguousarray(windows[:: max(1, every)]), seen)
        rows[split] = {"tokens": tokens if split == "train" else tokens[:count]}
    return rows, vocabulary


def _unseen(rows: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows not in `seen`, and `seen` with these added; indentation and ruled lines recur in a text."""
    both = np.concatenate([seen, rows])
    first = np.unique(both.view(f"V{rows.shape[1]}"), return_index=True)[1]
    chosen = np.sort(first[first >= len(seen)]) - len(seen)
    return rows[chosen], both[np.sort(first)]
