"""Real data without a download: scikit-learn's digits, the documentation of Python, or a file of the user.

Data are split into train, validation and test in one fixed way: examples by a fixed permutation, text into three
consecutive parts. The split does not depend on the seed of an evaluation.
"""

import sys
from collections import Counter
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from primitives import UserError
from proxy_tasks.files import LIMIT, read_arrays, read_text
from proxy_tasks.task import SPLITS, Task

_PERMUTATION_SEED = 20230213  # any fixed number; the date of the paper's first version
_DIGITS_PARTS = (1000, 400, 397)  # train, validation, test; 1797 images in all
_ARRAY_PARTS = (0.6, 0.2, 0.2)  # shares of the examples in a user's file
_TEXT_PARTS = (0.8, 0.1, 0.1)
_FEWEST = 50  # smallest number of examples in a user's file; with fewer, a split would hold less than ten
_BLOCK = 2**20  # characters that are numbered at once
_MOST_CHARACTERS = 256  # distinct characters in a user's text; characters are stored as uint8

Examples = dict[str, tuple[np.ndarray, np.ndarray]]  # x and y of each split

CHARACTERS = "\n" + "".join(chr(code) for code in range(32, 127))  # every other character is read as a space


@cache
def digits() -> Examples:
    """Images of handwritten digits (Alpaydin and Kaynak, 1998; 8×8 pixels) from scikit-learn.

    Returns:
        The images of each split, float32 in [0, 1], shape `(N, 8, 8)`, and the labels, int32, shape `(N,)`.
    """
    images, labels = _shipped_digits()
    order = np.random.default_rng(_PERMUTATION_SEED).permutation(len(images))
    images = (images[order] / 16).astype(np.float32).reshape(-1, 8, 8)
    labels = labels[order].astype(np.int32)
    return _cut(images, labels, _DIGITS_PARTS)


def _shipped_digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels from 0 to 16, shape `(1797, 64)`, and labels: read from scikit-learn's file without importing it.

    The import of scikit-learn takes seconds, which every process that scores would spend.
    """
    package = find_spec("sklearn")
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder, "datasets", "data", "digits.csv.gz")
        if path.is_file():
            rows = np.loadtxt(path, delimiter=",")
            return rows[:, :-1], rows[:, -1]
    from sklearn.datasets import load_digits  # a version that keeps the file elsewhere

    images, labels = load_digits(return_X_y=True)
    return images, labels


def check_room(task: Task, numbers: int, what: str) -> None:
    """Refuse settings whose arrays would exhaust the memory.

    Args:
        task: the task.
        numbers: number of array elements, four bytes each.
        what: description of the arrays, for the error.

    Raises:
        UserError: the arrays have more than `LIMIT` bytes.
    """
    if 4 * numbers > LIMIT:
        raise UserError(f"task `{task.name}`: {what} would take {4 * numbers:,} bytes; the limit is {LIMIT:,}")


def limit_of(task: Task) -> int:
    """Memory in bytes that the data of a task may take: its setting `data_limit`, in MiB, or `LIMIT`."""
    given = task.settings.get("data_limit")
    return LIMIT if given is None else int(given) * 2**20


def unigram_loss(train: np.ndarray, validation: np.ndarray, classes: int) -> float:
    """Cross-entropy, in nats, of a predictor that outputs the frequencies of the training labels.

    One is added to the count of each class (Laplace), so that no label has probability zero.

    Args:
        train: labels from which frequencies are counted, integers of any shape.
        validation: labels on which the loss is computed, integers of any shape.
        classes: number of classes.
    """
    counts = np.bincount(train.ravel(), minlength=classes) + 1
    return float(-np.mean(np.log(counts / counts.sum())[validation.ravel()]))


def _cut(x: np.ndarray, y: np.ndarray, parts: tuple[int, ...]) -> Examples:
    ends = np.cumsum(parts)
    return {
        split: (x[end - size : end], y[end - size : end]) for split, size, end in zip(SPLITS, parts, ends, strict=True)
    }


@cache
def arrays(path: str, limit: int = LIMIT) -> Examples:
    """Read the arrays `x` and `y` of a user's `.npz` file, and split them.

    `x` is standardised by the mean and the standard deviation of the training examples: each column of a table by its
    own, images by those of all pixels.

    Args:
        path: the file; `x` holds numbers, shape `(N, D)` or `(N, height, width)`; `y` has the shape `(N,)` and holds
            classes 0, 1, 2 … as whole numbers of any type, or class names, which are numbered in alphabetical order.
        limit: most bytes of memory.

    Returns:
        `x`, float32, and `y`, int32, of each split: 60, 20 and 20 % of the examples.

    Raises:
        UserError: the file cannot be read, does not hold such arrays, or they leave nothing to learn.
    """
    x, y = read_arrays(path, limit)
    x, y = _features(path, x), _classes(path, y)
    if len(x) != len(y):
        raise UserError(f"`{path}`: `x` and `y` must have the same length; x is {list(x.shape)}, y is {list(y.shape)}")
    order = np.random.default_rng(_PERMUTATION_SEED).permutation(len(x))
    first, second = (int(len(x) * share) for share in _ARRAY_PARTS[:2])
    x = _scaled(path, x, order[:first])
    if len(np.unique(y[order[:first]])) < 2:
        raise UserError(f"`{path}`: all training examples have the same class in `y`, so that nothing can be learnt")
    return _cut(x[order], y[order], (first, second, len(x) - first - second))


def _features(path: str, x: np.ndarray) -> np.ndarray:
    """`x` as finite float64; raises `UserError` with what was expected and what arrived."""
    shape = f"`x` is {x.dtype}{list(x.shape)}"
    if x.dtype.kind not in "biuf":
        raise UserError(f"`{path}`: `x` must hold numbers; {shape}")
    if x.ndim not in (2, 3):
        remedy = "; reshape it with `x[:, None]`" if x.ndim == 1 else "; flatten each example"
        raise UserError(f"`{path}`: `x` must have the shape (N, D) or (N, height, width); {shape}{remedy}")
    if 0 in x.shape[1:]:
        raise UserError(f"`{path}`: an example must have at least one number; {shape}")
    if len(x) < _FEWEST:
        raise UserError(f"`{path}`: {_FEWEST} examples or more are needed; {shape}")
    with np.errstate(over="ignore"):
        values = x.astype(np.float64)
    bad = int(np.sum(~np.isfinite(values)))
    if bad:
        raise UserError(f"`{path}`: `x` has {bad} values that are not finite (in float64); fill or drop them")
    return values


def _classes(path: str, y: np.ndarray) -> np.ndarray:
    """`y` as int32 classes from 0; raises `UserError` with what was expected and what arrived."""
    shape = f"`y` is {y.dtype}{list(y.shape)}"
    if y.ndim != 1:
        remedy = "; take `y[:, 0]`" if y.ndim == 2 and y.shape[1] == 1 else "; take `y.argmax(axis=1)` if it is one-hot"
        raise UserError(f"`{path}`: `y` must have the shape (N,), one class for each example; {shape}{remedy}")
    if y.dtype.kind in "US":
        y = np.unique(y, return_inverse=True)[1]
    elif y.dtype.kind == "f" and np.all(np.isfinite(y)) and np.all(y == np.round(y)) and np.all(np.abs(y) < 2**31):
        y = y.astype(np.int64)
    if y.dtype.kind not in "biu":
        why = "has fractions or values that are not finite" if y.dtype.kind == "f" else "holds no classes"
        raise UserError(f"`{path}`: `y` must hold whole numbers or names of classes; {shape} and {why}")
    classes = np.unique(y)
    if len(classes) < 2:
        raise UserError(f"`{path}`: `y` holds one class only, so that nothing can be learnt")
    if classes[0] != 0 or classes[-1] != len(classes) - 1:
        shown = ", ".join(map(str, classes[:5].tolist())) + (" …" if len(classes) > 5 else "")
        remedy = "number them with `y = np.unique(y, return_inverse=True)[1]`"
        raise UserError(f"`{path}`: the classes in `y` must be 0, 1, 2 … without a gap; they are {shown}: {remedy}")
    return y.astype(np.int32)


def _scaled(path: str, x: np.ndarray, train: np.ndarray) -> np.ndarray:
    """`x` standardised by mean and standard deviation of the training examples, float32."""
    axes = 0 if x.ndim == 2 else None
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        mean, deviation = x[train].mean(axis=axes), x[train].std(axis=axes)
        scaled = ((x - mean) / np.where(deviation > 0, deviation, 1)).astype(np.float32)
    if not (np.all(np.isfinite(deviation)) and np.all(np.isfinite(scaled))):
        largest = float(np.abs(x).max())
        raise UserError(
            f"`{path}`: `x` overflows when it is scaled (values up to {largest:.1e}); divide it by {largest:.0e}"
        )
    if not np.any(deviation > 0):
        same = np.all(x[train] == x[train[0]])
        why = "is the same in all training examples" if same else "varies too little for float64; multiply it"
        raise UserError(f"`{path}`: `x` {why}, so that nothing can be learnt")
    return np.asarray(scaled)


@cache
def text(path: str, limit: int = LIMIT) -> tuple[dict[str, np.ndarray], int]:
    """Read a user's text file, and split it.

    The 255 most frequent characters have numbers of their own; all others share the number 0.

    Args:
        path: the file, UTF-8.
        limit: most bytes of memory.

    Returns:
        The characters of each split as numbers, uint8, shape `(N,)`, and the size of the vocabulary. The splits are the
        first 80, the next 10 and the last 10 % of the text.

    Raises:
        UserError: the file cannot be read, or its training part repeats one character.
    """
    content = read_text(path, limit)
    frequent = Counter(content).most_common(_MOST_CHARACTERS - 1)
    numbers = np.zeros(sys.maxunicode + 1, np.uint8)
    numbers[sorted(ord(character) for character, _ in frequent)] = np.arange(1, len(frequent) + 1)
    tokens = np.empty(len(content), np.uint8)
    for begin in range(0, len(content), _BLOCK):
        codes = np.frombuffer(content[begin : begin + _BLOCK].encode("utf-32-le"), "<u4")
        tokens[begin : begin + _BLOCK] = numbers[codes]
    splits = _stretches(tokens)
    if len(np.unique(splits["train"])) < 2:
        raise UserError(f"`{path}`: the training part repeats a single character, so that nothing can be learnt")
    return splits, len(frequent) + 1


@cache
def documentation() -> dict[str, np.ndarray]:
    """The text of Python's documentation topics, as indices into `CHARACTERS`.

    The text is part of the standard library (`pydoc_data.topics`) and differs a little between versions of Python.
    Repeated paragraphs are dropped.

    Returns:
        The characters of each split, uint8, shape `(N,)`; about 373,000 in all.
    """
    from pydoc_data.topics import topics

    paragraphs = "\n\n".join(topics[name] for name in sorted(topics)).split("\n\n")
    text = "\n\n".join(dict.fromkeys(paragraphs))  # topics share paragraphs, which would leak from split to split
    codes = np.full(128, CHARACTERS.index(" "), np.uint8)
    codes[[ord(character) for character in CHARACTERS]] = np.arange(len(CHARACTERS))
    tokens = codes[np.frombuffer(text.encode("ascii", "replace"), np.uint8)]
    return _stretches(tokens)


def _stretches(tokens: np.ndarray) -> dict[str, np.ndarray]:
    first, second = (int(len(tokens) * share) for share in (_TEXT_PARTS[0], 1 - _TEXT_PARTS[2]))
    return {"train": tokens[:first], "validation": tokens[first:second], "test": tokens[second:]}
