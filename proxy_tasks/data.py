"""Real data that needs no download: scikit-learn's digits, and the text of Python's own documentation.

Each is cut into train, validation and test once and for all: the digits by a fixed permutation, the text into
consecutive stretches. Neither cut depends on the seed of an evaluation.
"""

from functools import cache

import numpy as np

_PERMUTATION_SEED = 20230213  # any fixed number; the paper's first version is of that day
_DIGITS_PARTS = (1000, 400, 397)  # train, validation, test; 1797 images in all
_TEXT_PARTS = (0.8, 0.1, 0.1)

CHARACTERS = "\n" + "".join(chr(code) for code in range(32, 127))  # others are read as a space


@cache
def digits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images of handwritten digits (Alpaydin and Kaynak, 1998; 8×8 pixels) as shipped by scikit-learn.

    Returns:
        For each split the images, float32 in [0, 1], shape `(N, 8, 8)`, and the labels, int32, shape `(N,)`.
    """
    from sklearn.datasets import load_digits  # takes a second to import, and only this function needs it

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(_PERMUTATION_SEED).permutation(len(images))
    images = (images[order] / 16).astype(np.float32).reshape(-1, 8, 8)
    labels = labels[order].astype(np.int32)
    ends = np.cumsum(_DIGITS_PARTS)
    return {
        split: (images[end - size : end], labels[end - size : end])
        for split, size, end in zip(("train", "validation", "test"), _DIGITS_PARTS, ends, strict=True)
    }


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
    first, second = (int(len(tokens) * share) for share in (_TEXT_PARTS[0], 1 - _TEXT_PARTS[2]))
    return {"train": tokens[:first], "validation": tokens[first:second], "test": tokens[second:]}
