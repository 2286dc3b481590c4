"""Families of tasks on images and tables: classification, denoising, and contrastive learning of two views.

Shifts and noise are drawn once and stored with the rows, so that a loss is a pure function of weights and rows. Only
the initial weights and the order of examples depend on the seed.
"""

from math import log, pi, prod

import jax.numpy as jnp
import numpy as np
from jax import Array

from primitives import UserError
from proxy_tasks import data
from proxy_tasks.models import cross_entropy, info_nce, mlp, mlp_layout, vit, vit_layout
from proxy_tasks.task import Problem, Rows, Task

_NOISE_SEED = 5  # any fixed number
_LEVEL_FEATURES = 4  # frequencies of the sines and cosines by which a denoiser reads the noise level t


def classify(task: Task) -> Problem:
    """Classification with a perceptron.

    Settings: `hidden`, widths of the hidden layers; `data`, an `.npz` file that replaces the digits; `examples`, number
    of training examples used; `shift`, largest shift of a training image in pixels, in each direction; `label_noise`,
    share of training labels that are replaced by random ones. The validation and test splits stay unchanged.
    """
    rows, (examples, classes) = _labelled(task)
    layout = mlp_layout([int(np.prod(examples)), *task.settings["hidden"], classes])

    def loss(weights: Array, rows: Rows) -> Array:
        return cross_entropy(mlp(layout, weights, rows["x"]), rows["y"])

    return Problem(layout.sizes, layout.initialise, loss, rows, trivial=_trivial(rows, classes))


def classify_with_vit(task: Task) -> Problem:
    """Image classification with a vision Transformer.

    Settings: those of `classify`, where `hidden` is the width of the perceptron inside each block; `patch`, side of a
    patch in pixels; `width`, `layers` and `heads` of the Transformer.
    """
    rows, (image, classes) = _labelled(task)
    settings = task.settings
    side, layers = settings["patch"], settings["layers"]
    if len(image) != 2 or any(pixels % side for pixels in image):
        raise UserError(f"task `{task.name}`: patches of side {side} must tile the images; `x` is {list(image)} each")
    tokens = image[0] // side * (image[1] // side)
    layout = vit_layout(tokens, side * side, settings["width"], layers, settings["hidden"], classes)

    def patches(images: np.ndarray) -> np.ndarray:
        tiles = images.reshape(-1, image[0] // side, side, image[1] // side, side)
        return np.ascontiguousarray(tiles.transpose(0, 1, 3, 2, 4)).reshape(-1, tokens, side * side)

    rows = {split: {"x": patches(part["x"]), "y": part["y"]} for split, part in rows.items()}

    def loss(weights: Array, rows: Rows) -> Array:
        return cross_entropy(vit(layout, weights, rows["x"], layers, settings["heads"]), rows["y"])

    return Problem(layout.sizes, layout.initialise, loss, rows, trivial=_trivial(rows, classes))


def _trivial(rows: dict[str, Rows], classes: int) -> float:
    return data.unigram_loss(rows["train"]["y"], rows["validation"]["y"], classes)


def _examples(task: Task) -> data.Examples:
    """The digits or the examples of the user's file; the training split keeps the first `examples`."""
    path = task.settings.get("data")
    splits = dict(data.arrays(path, data.limit_of(task)) if path else data.digits())
    x, y = splits["train"]
    return splits | {"train": (x[: task.settings.get("examples")], y[: task.settings.get("examples")])}


def _labelled(task: Task) -> tuple[dict[str, Rows], tuple[tuple[int, ...], int]]:
    """Rows, with shifts and label noise in the training split; the shape of an example; the number of classes."""
    splits = _examples(task)
    shape = splits["train"][0].shape[1:]
    classes = 1 + max(int(labels.max()) for _, labels in splits.values())
    rows: dict[str, Rows] = {split: {"x": x.reshape(len(x), -1), "y": y} for split, (x, y) in splits.items()}
    examples, labels = splits["train"]
    generator = np.random.default_rng(_NOISE_SEED)
    chosen = generator.random(len(labels)) < task.settings.get("label_noise", 0.0)
    labels = np.where(chosen, generator.integers(0, classes, len(labels)), labels).astype(np.int32)
    reach = task.settings.get("shift", 0)
    if reach:
        _check_moves(task, examples, reach)
        moved = [_moved(task, examples, reach, down, right) for down, right in np.ndindex(2 * reach + 1, 2 * reach + 1)]
        rows["train"] = {"x": np.concatenate(moved).reshape(-1, rows["train"]["x"].shape[1])}
    rows["train"]["y"] = np.tile(labels, len(rows["train"]["x"]) // len(labels))
    return rows, (shape, classes)


def _moved(task: Task, images: np.ndarray, reach: int, down: int, right: int) -> np.ndarray:
    """Images shifted by `reach - down` and `reach - right` pixels and filled up with the smallest value."""
    if images.ndim != 3:
        raise UserError(f"task `{task.name}`: only images can be moved (`shift`); `x` is {list(images.shape[1:])} each")
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach)), constant_values=images.min())
    return padded[:, down : down + images.shape[1], right : right + images.shape[2]].copy()  # so that `padded` is freed


def _check_moves(task: Task, images: np.ndarray, reach: int) -> None:
    """Refuse moves whose images, twice while they are joined, or whose padded images would exhaust the memory."""
    moved = 2 * (2 * reach + 1) ** 2 * images.size
    padded = len(images) * prod(side + 2 * reach for side in images.shape[1:])
    data.check_room(task, moved + padded, f"images moved by `shift` (={reach})")


def denoise(task: Task) -> Problem:
    """Prediction of the noise in an image with a perceptron (Ho et al., 2020); the loss is the mean squared error.

    An image x (digits are scaled to −1 … 1) becomes `cos(π t / 2) x + sin(π t / 2) noise`, with t spread evenly over
    0 … 1 (Nichol and Dhariwal, 2021). The perceptron reads the noisy image and sines and cosines of t.

    Settings: `hidden`, widths of the hidden layers; `draws`, number of noisy copies of each training image; `data` and
    `examples` as in `classify`.
    """
    generator = np.random.default_rng(_NOISE_SEED)
    rows: dict[str, Rows] = {}
    splits = _examples(task)
    _check_draws(task, splits, copies=10)  # five of eight bytes while noise is added
    for split, (images, _) in splits.items():
        flat = images.reshape(len(images), -1)
        clean = np.tile(flat if "data" in task.settings else 2 * flat - 1, (_draws(task, split), 1))
        noise = generator.standard_normal(clean.shape)
        time = generator.permutation((np.arange(len(clean)) + 0.5) / len(clean))[:, None]
        noisy = np.cos(pi / 2 * time) * clean + np.sin(pi / 2 * time) * noise
        waves = [wave(pi * time * 2**power) for power in range(_LEVEL_FEATURES) for wave in (np.sin, np.cos)]
        rows[split] = {"x": np.hstack([noisy, *waves]).astype(np.float32), "noise": noise.astype(np.float32)}
    pixels = rows["train"]["noise"].shape[1]
    layout = mlp_layout([pixels + 2 * _LEVEL_FEATURES, *task.settings["hidden"], pixels])

    def loss(weights: Array, rows: Rows) -> Array:
        return jnp.mean(jnp.square(mlp(layout, weights, rows["x"]) - rows["noise"]))

    trivial = float(np.mean(np.square(rows["validation"]["noise"])))  # of predicting no noise
    return Problem(layout.sizes, layout.initialise, loss, rows, trivial=trivial)


def contrast(task: Task) -> Problem:
    """Contrastive learning with a perceptron that embeds two views of each image (Chen et al., 2020).

    A view is the image, randomly shifted, plus noise. The loss asks which of the views of a batch belong together.

    Settings: `hidden`, widths of the hidden layers; `features`, length of an embedding; `temperature`; `shift`, largest
    shift of a view in pixels; `noise`, its standard deviation; `draws`, `data` and `examples` as in `denoise`.
    """
    settings = task.settings
    generator = np.random.default_rng(_NOISE_SEED)
    rows: dict[str, Rows] = {}
    splits = _examples(task)
    _check_draws(task, splits, copies=4)  # two views, each twice while they are joined
    for split, (images, _) in splits.items():
        views = [[_view(task, images, generator) for _ in range(_draws(task, split))] for _ in range(2)]
        rows[split] = {name: np.concatenate(view) for name, view in zip(("first", "second"), views, strict=True)}
    layout = mlp_layout([rows["train"]["first"].shape[1], *settings["hidden"], settings["features"]])

    def loss(weights: Array, rows: Rows) -> Array:
        first, second = (mlp(layout, weights, rows[name]) for name in ("first", "second"))
        return info_nce(first, second, settings["temperature"])

    trivial = log(len(rows["validation"]["first"]))  # of views that are all alike
    return Problem(layout.sizes, layout.initialise, loss, rows, separable=False, trivial=trivial)


def _view(task: Task, images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    reach = task.settings["shift"]
    _check_moves(task, images, reach)
    moves = [_moved(task, images, reach, down, right) for down, right in np.ndindex(2 * reach + 1, 2 * reach + 1)]
    chosen = np.stack(moves)[generator.integers(len(moves), size=len(images)), np.arange(len(images))]
    noisy: np.ndarray = chosen + task.settings["noise"] * generator.standard_normal(chosen.shape)
    return noisy.reshape(len(images), -1).astype(np.float32)


def _check_draws(task: Task, splits: data.Examples, copies: int) -> None:
    draws = task.settings["draws"]
    data.check_room(task, copies * draws * splits["train"][0].size, f"training images drawn `draws` (={draws}) times")


def _draws(task: Task, split: str) -> int:
    return int(task.settings["draws"]) if split == "train" else 1
