"""Real data: scikit-learn's digits and Python's own documentation, which need no download, or a file of the user's.

Each is cut into train, validation and test once and for all: examples by a fixed permutation, text into consecutive
stretches. Neither cut depends on the seed of an evaluation.
"""

import zipfile
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

from primitives.errors import UserError
from proxy_tasks.task import SPLITS

_PERMUTATION_SEED = 20230213  # any fixed number; the paper's first version is of that day
_DIGITS_PARTS = (1000, 400, 397)  # train, validation, test; 1797 images in all
_ARRAY_PARTS = (0.6, 0.2, 0.2)  # of a user's own examples
_TEXT_PARTS = (0.8, 0.1, 0.1)
_FEWEST = 50  # examples of a user's own; with fewer, a split would hold less than ten
_MOST_CHARACTERS = 256  # that are told apart in a user's own text

Examples = dict[str, tuple[np.ndarray, np.ndarray]]  # for each split x and y

CHARACTERS = "\n" + "".join(chr(code) for code in range(32, 127))  # others are read as a space


@cache
def digits() -> Examples:
    """Images of handwritten digits (Alpaydin and Kaynak, 1998; 8×8 pixels) as shipped by scikit-learn.

    Returns:
        For each split the images, float32 in [0, 1], shape `(N, 8, 8)`, and the labels, int32, shape `(N,)`.
    """
    from sklearn.datasets import load_digits  # takes a second to import, and only this function needs it

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(_PERMUTATION_SEED).permutation(len(images))
    images = (images[order] / 16).astype(np.float32).reshape(-1, 8, 8)
    labels = labels[order].astype(np.int32)
    return _cut(images, labels, _DIGITS_PARTS)


def _cut(x: np.ndarray, y: np.ndarray, parts: tuple[int, ...]) -> Examples:
    ends = np.cumsum(parts)
    return {
        split: (x[end - size : end], y[end - size : end]) for split, size, end in zip(SPLITS, parts, ends, strict=True)
    }


@cache
def arrays(path: str) -> Examples:
    """Examples of a user's own from an `.npz` file with `x` and `y`.

    Numbers are shifted and scaled by the mean and the standard deviation of the training examples: each column by its
    own where `x` is a table, all alike where it holds images.

    Args:
        path: the file; `x` of shape `(N, D)` or `(N, height, width)`, numbers; `y` of shape `(N,)`, classes 0, 1, 2 ….

    Returns:
        For each split (60, 20 and 20 % of the examples) `x`, float32, and `y`, int32.

    Raises:
        UserError: the file cannot be read, or does not hold such arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            x, y = (file[name] for name in "xy")
    except FileNotFoundError:
        raise UserError(f"there is no data file `{path}`") from None
    except KeyError:
        raise UserError(f"`{path}` must hold the arrays `x` and `y`; it holds {_names(path)}") from None
    except (OSError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        reason = str(error).partition(". ")[0]
        raise UserError(f"`{path}` cannot be read as an .npz file of plain arrays: {reason}") from None
    x, y = _checked(path, x, y)
    order = np.random.default_rng(_PERMUTATION_SEED).permutation(len(x))
    first, second = (int(len(x) * share) for share in _ARRAY_PARTS[:2])
    train = x[order[:first]]
    axes = 0 if x.ndim == 2 else None
    deviation = train.std(axis=axes)
    x = ((x - train.mean(axis=axes)) / np.where(deviation > 0, deviation, 1)).astype(np.float32)
    return _cut(x[order], y[order], (first, second, len(x) - first - second))


def _names(path: str) -> str:
    with np.load(path, allow_pickle=False) as file:
        return ", ".join(f"`{name}`" for name in file.files) or "nothing"


def _checked(path: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The arrays as float64 and int32; raises `UserError` with what was expected and what arrived."""
    shapes = f"x {x.dtype}{list(x.shape)}, y {y.dtype}{list(y.shape)}"
    if x.ndim not in (2, 3) or x.dtype.kind not in "biuf":
        raise UserError(f"`{path}`: `x` must hold numbers, shape (N, D) or (N, height, width); it holds {shapes}")
    if y.ndim != 1 or y.dtype.kind not in "biu":
        raise UserError(f"`{path}`: `y` must hold one class, an integer, for each example; the file holds {shapes}")
    if len(x) != len(y) or len(x) < _FEWEST or 0 in x.shape:
        raise UserError(f"`{path}`: `x` and `y` must have the same length, {_FEWEST} or more; the file holds {shapes}")
    if not np.all(np.isfinite(x)):
        raise UserError(f"`{path}`: `x` has {int(np.sum(~np.isfinite(x)))} values that are not finite")
    classes = np.unique(y)
    if len(classes) < 2 or classes[0] != 0 or classes[-1] != len(classes) - 1:
        shown = ", ".join(map(str, classes[:5].tolist())) + (" …" if len(classes) > 5 else "")
        raise UserError(f"`{path}`: the classes in `y` must be 0, 1, 2 … without a gap, at least two; they are {shown}")
    return x.astype(np.float64), y.astype(np.int32)


@cache
def text(path: str) -> tuple[dict[str, np.ndarray], int]:
    """A text file of a user's own, UTF-8.

    Returns:
        For each split (80, 10 and 10 % of the text, in this order) the characters as numbers, uint8, shape `(N,)`, and
        how many numbers there are: the 255 most frequent characters are told apart, the others are read as one.
    """
    try:
        content = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"there is no text file `{path}`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"`{path}` cannot be read as text in UTF-8: {error}") from None
    frequent = Counter(content).most_common(_MOST_CHARACTERS - 1)
    numbers = {character: number for number, (character, _) in enumerate(sorted(frequent), start=1)}
    tokens = np.array([numbers.get(character, 0) for character in content], np.uint8)
    return _stretches(tokens), len(numbers) + 1


@cache
def documentation() -> dict[str, np.ndarray]:
    """The text of Python's documentation topics, as indices into `CHARACTERS`.

    The text belongs to the standard library (`pydoc_data.topics`) and differs a little between versions of Python.

    Returns:
        For each split the characters, uint8, shape `(N,)`, about 373,000 in all; a paragraph occurs once.
    """
    from pydoc_data.topics import topics

    paragraphs = "\n\n".join(topics[name] for name in sorted(topics)).split("\n\n")
    text = "\n\n".join(dict.fromkeys(paragraphs))  # topics repeat each other, and would leak from split to split
    codes = np.full(128, CHARACTERS.index(" "), np.uint8)
    codes[[ord(character) for character in CHARACTERS]] = np.arange(len(CHARACTERS))
    tokens = codes[np.frombuffer(text.encode("ascii", "replace"), np.uint8)]
    return _stretches(tokens)


def _stretches(tokens: np.ndarray) -> dict[str, np.ndarray]:
    first, second = (int(len(tokens) * share) for share in (_TEXT_PARTS[0], 1 - _TEXT_PARTS[2]))
    return {"train": tokens[:first], "validation": tokens[first:second], "test": tokens[second:]}
