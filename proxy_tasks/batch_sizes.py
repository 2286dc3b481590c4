"""Sizes of batches: few, so that few loops are compiled, and such that little of a batch is padding."""

LARGEST = 512  # programs in a batch: the size at which docs/scaling.md has a measurement
LEAST = 8  # programs in the smallest batch
_STEP = 4  # ratio of two sizes
_PADDING = 0.25  # largest share of a batch that is padding, but for the smallest batch


def sizes_up_to(largest: int) -> list[int]:
    """Sizes of batches, from the largest one down.

    >>> sizes_up_to(512), sizes_up_to(128), sizes_up_to(4)
    ([512, 128, 32, 8], [128, 32, 8], [4])
    """
    sizes = [largest]
    while sizes[-1] >= _STEP * LEAST:
        sizes.append(sizes[-1] // _STEP)
    return sizes


def cut(count: int, largest: int) -> int:
    """Size of the next batch for some programs; at most a quarter of it is padding, unless it is the smallest.

    The remaining programs are divided as if there were no others, so a resumed search forms the same batches.

    Args:
        count: number of programs left.
        largest: largest size of a batch.

    Example:
        >>> cut(1000, 512), cut(100, 512), cut(90, 512), cut(3, 512)
        (512, 128, 32, 8)
    """
    sizes = sizes_up_to(largest)
    fitting = [size for size in sizes if size <= count or size - count <= _PADDING * size]
    return fitting[0] if fitting else sizes[-1]
