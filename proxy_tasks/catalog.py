"""Table of the built-in tasks: each family in three sizes.

Training on `name_x10` and `name_x100` costs about ten and a hundred times as many multiply-adds as training on `name`
(measured in `docs/proxy_tasks.md`). Searches use the small tasks, and the funnel uses the large ones. `vit_noisy` has
no larger sizes: programs found on it are tried on those of `vit`.

The constants of a program should suit all sizes. Otherwise the ranking of programs on a larger task would mostly show
which learning rates suit that task. The learning rate of a larger task therefore starts lower (`peak`), at 0.01 /
(width · √(steps · layers)), where each letter stands for the factor by which that quantity has grown. The best rate of
Adam falls with 1 / width (Yang et al., 2022); the rest fits the best rates of AdamW on four families in two sizes.
"""

from collections.abc import Iterator
from typing import Any

from primitives import UserError, nearest
from proxy_tasks.families import FAMILIES
from proxy_tasks.task import Circumstance, Task

SIZES = (1, 10, 100)


def _family(
    name: str,
    family: str,
    description: str,
    sizes: tuple[tuple[int, int, float, dict[str, Any]], ...],
    schedule_power: float = 1.0,
    **settings: Any,  # noqa: ANN401 - settings of the family
) -> Iterator[Task]:
    """The tasks of a family.

    Args:
        name: name of the smallest task.
        family: key of `FAMILIES`.
        description: shared by all sizes.
        sizes: batch, steps, peak of the learning rate and further settings of each size.
        schedule_power: shared by all sizes.
        settings: shared by all sizes; the others have the defaults of `FAMILIES`.
    """
    for size, (batch, steps, peak, special) in zip(SIZES, sizes, strict=True):
        full = {**FAMILIES[family].settings, **settings, **special}
        own_name = name if size == 1 else f"{name}_x{size}"
        yield Task(own_name, family, description, batch, steps, schedule_power, full, size, peak)


_ROWS = (
    *_family(
        "digits",
        "digit classification",
        "8×8 digits shifted by up to a pixel, perceptron, short and steep schedule",
        (
            (64, 200, 0.01, {"hidden": (32,)}),
            (64, 450, 0.0024, {"hidden": (64, 64)}),
            (128, 750, 0.0009, {"hidden": (128, 128)}),
        ),
        schedule_power=4.0,
        shift=1,
    ),
    *_family(
        "vit",
        "image classification",
        "300 digits shifted by up to a pixel, vision Transformer, long schedule",
        (
            (64, 400, 0.01, {}),
            (64, 800, 0.0033, {"width": 24, "layers": 2, "heads": 2, "hidden": 64}),
            (128, 1000, 0.0016, {"width": 32, "layers": 4, "heads": 2, "hidden": 128}),
        ),
        schedule_power=0.35,
        examples=300,
        shift=1,
    ),
    *_family(
        "characters",
        "causal language model",
        "Python's documentation by character, Transformer, cross-entropy a character",
        (
            (16, 200, 0.01, {}),
            (32, 500, 0.0042, {"width": 48, "hidden": 96}),
            (48, 1000, 0.0018, {"width": 64, "layers": 3, "heads": 4, "hidden": 256}),
        ),
        context=24,
    ),
    *_family(
        "masked",
        "masked language model",
        "Python's documentation with one character in four masked, Transformer that sees both sides",
        (
            (24, 400, 0.01, {"layers": 1}),
            (48, 500, 0.0042, {"width": 48, "hidden": 96}),
            (64, 1000, 0.0018, {"width": 64, "layers": 3, "hidden": 256}),
        ),
        heads=4,
        context=16,
        masked=4,
    ),
    *_family(
        "denoising",
        "denoising diffusion",
        "noise in 8×8 digits, perceptron that sees how much there is, mean squared error",
        (
            (128, 300, 0.01, {"hidden": (64,)}),
            (128, 680, 0.0023, {"hidden": (128, 128)}),
            (256, 1150, 0.0009, {"hidden": (256, 256)}),
        ),
    ),
    *_family(
        "views",
        "contrastive views",
        "two noisy and shifted views of a digit told from those of the others of a batch, perceptron",
        (
            (64, 300, 0.01, {"hidden": (32,)}),
            (64, 900, 0.002, {"hidden": (64, 64)}),
            (128, 1500, 0.0008, {"hidden": (128, 128)}),
        ),
    ),
)


def _varied(name: str, family: str, description: str, steps: int) -> Task:
    """A task that rewards structure rather than fitted constants.

    It has few examples, noisy labels, and training conditions that differ between seeds in the scale of the loss, the
    shape of the schedule, and the data.
    """
    return Task(
        name,
        family,
        f"150 digits with a tenth of the labels drawn at random, {description}, conditions that differ between seeds",
        batch=64,
        steps=steps,
        schedule_power=0.35,
        settings={**FAMILIES[family].settings, "examples": 150, "label_noise": 0.1, "shift": 1},
        circumstances=(
            Circumstance(),
            Circumstance(loss_scale=0.05, schedule_power=1.0, examples=300, label_noise=0.0),
            Circumstance(loss_scale=20.0, schedule_power=0.6),
        ),
    )


_VARIED = (
    _varied("digits_noisy", "digit classification", "perceptron", 200),
    _varied("vit_noisy", "image classification", "vision Transformer", 400),
)

TASKS: dict[str, Task] = {row.name: row for row in (*_ROWS, *_VARIED)}
SMALLEST = tuple(row.name for row in _ROWS if row.size == 1)  # the smallest task of each family


def builtin_task(name: str) -> Task:
    """The built-in task of a name.

    Raises:
        UserError: there is no such task; the error names the nearest one.

    >>> builtin_task("digits").steps
    200
    """
    if name not in TASKS:
        raise UserError(f"unknown task `{name}`{nearest(name, TASKS)} (known: {', '.join(TASKS)})")
    return TASKS[name]
