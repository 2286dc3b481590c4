"""Families of tasks: each builds the `Problem` of a `Task` from data and a model.

A family is a function `task -> Problem`. The built-in families are in the table `FAMILIES`, with the settings of their
smallest size. A custom family is named `module:function` in a config, and its module registers it:

    @register_family
    def least_squares(task): ...

A config can name registered functions only, so that a name in a file cannot call arbitrary code.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from inspect import getsource, getsourcefile, unwrap
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jax
import numpy as np

from primitives import UserError, nearest
from proxy_tasks.copies import local
from proxy_tasks.data import check_room
from proxy_tasks.images import classify, classify_with_vit, contrast, denoise
from proxy_tasks.language import fill_in_characters, model_characters
from proxy_tasks.task import SPLITS, Problem, Task

Builder = Callable[[Task], Problem]


class Family(NamedTuple):
    """A built-in kind of task.

    Attributes:
        build: `task -> Problem`.
        data: kind of the file that may replace the built-in data: `.npz` or `text`.
        settings: every setting, with its default.
    """

    build: Builder
    data: str
    settings: Mapping[str, Any]


_IMAGES = {"examples": None, "shift": 0, "label_noise": 0.0}
_TRANSFORMER = {"width": 32, "layers": 2, "heads": 2, "hidden": 64}
_TEXT = {"context": 32, "windows": 128}

FAMILIES: dict[str, Family] = {
    "digit classification": Family(classify, ".npz", {"hidden": (32,), **_IMAGES}),
    "image classification": Family(
        classify_with_vit, ".npz", {"patch": 4, "width": 16, "layers": 1, "heads": 1, "hidden": 32, **_IMAGES}
    ),
    "causal language model": Family(model_characters, "text", {**_TEXT, **_TRANSFORMER}),
    "masked language model": Family(fill_in_characters, "text", {**_TEXT, **_TRANSFORMER, "masked": 5}),
    "denoising diffusion": Family(denoise, ".npz", {"hidden": (64,), "examples": None, "draws": 16}),
    "contrastive views": Family(
        contrast,
        ".npz",
        {
            "hidden": (32,),
            "features": 16,
            "temperature": 0.2,
            "shift": 1,
            "noise": 0.1,
            "draws": 16,
            "examples": None,
        },
    ),
}
FAMILIES["classification"] = FAMILIES["digit classification"]  # the same family under a general name, for custom data


_registered: set[Builder] = set()


def register_family(build: Builder) -> Builder:
    """Register a custom family; a decorator.

    Args:
        build: a function `task -> Problem` at the top level of its module.

    Returns:
        The same function.
    """
    _registered.add(build)
    return build


def custom_families() -> dict[str, Builder]:
    """Registered families, by the value of `family` that selects them: `module:function`."""
    return dict(sorted((f"{build.__module__}:{build.__qualname__}", build) for build in _registered))


@cache
def problem(task: Task) -> Problem:
    """Build the problem of a task, once for each task.

    Raises:
        UserError: the data cannot be used, settings do not fit, or a custom family fails or returns something else.
    """
    if task.family in FAMILIES:
        width, heads = (task.settings.get(name, 1) for name in ("width", "heads"))
        if width % heads:
            raise UserError(f"task `{task.name}`: `width` (={width}) must be a multiple of `heads` (={heads})")
        known = FAMILIES[task.family].build(task)
        check_room(task, 2 * sum(known.sizes), f"{sum(known.sizes):,} weights")
        return known
    try:
        built = _own_function(task.family)(task)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"task `{task.name}`: `{task.family}` failed: {type(error).__name__}: {error}") from None
    if not isinstance(built, Problem):
        raise UserError(
            f"task `{task.name}`: `{task.family}` must return a `proxy_tasks.Problem`, not {type(built).__name__}"
        )
    missing = [split for split in SPLITS if split not in built.rows or not built.examples(split)]
    if missing:
        raise UserError(f"task `{task.name}`: `{task.family}` must give rows for the split `{missing[0]}`")
    try:
        weights = built.initialise(np.random.default_rng(0))
        rows = {name: values[: task.batch] for name, values in built.rows["train"].items()}
        (gradient,) = jax.eval_shape(jax.grad(built.loss, argnums=(0,)), weights, rows)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"task `{task.name}`: no gradient of the loss: {type(error).__name__}: {reason}") from None
    if gradient.shape != (sum(built.sizes),) or gradient.dtype != np.float32:
        raise UserError(
            f"task `{task.name}`: `initialise` must give {sum(built.sizes)} weights, float32, as `sizes` says; "
            f"it gives {gradient.dtype}{list(gradient.shape)}"
        )
    return built


def _own_function(place: str) -> Callable[[Task], Any]:
    """Import the custom family `module:function` or `folder/module:function`.

    Raises:
        UserError: the module cannot be imported, or registers no such family.
    """
    where, _, name = place.rpartition(":")
    folder, _, module = where.rpartition("/")
    if not where:
        raise UserError(f"unknown family `{place}`{nearest(place, FAMILIES)} (known: {', '.join(FAMILIES)})")
    try:
        function = getattr(module_in(folder, module) if folder else importlib.import_module(module), name)
    except AttributeError:
        raise UserError(f"module `{module}` has no function `{name}`") from None
    except (Exception, SystemExit) as error:
        raise UserError(f"module `{module}` cannot be imported: {type(error).__name__}: {error}") from None
    if not callable(function):
        raise UserError(f"`{module}:{name}` is a {type(function).__name__}, not a function")
    if not any(function is build for build in _registered):
        raise UserError(
            f"`{module}:{name}` is not registered as a family of tasks; decorate it with `@proxy_tasks.register_family`"
        )
    return function  # type: ignore[no-any-return]


def module_in(folder: str, name: str) -> ModuleType:
    """Import a module from its file, even if a module of the same name exists elsewhere.

    Args:
        folder: folder of the file; the module can import its neighbours.
        name: name of the module.

    Raises:
        ImportError: there is no such file.
    """
    key = f"{folder}/{name}"
    if key not in sys.modules:
        path = local(f"{key}.py")
        folder = str(Path(path).parent)
        if folder not in sys.path:
            sys.path.append(folder)
        spec = importlib.util.spec_from_file_location(key, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"no file {path}")
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        sys.modules[key] = loaded
        sys.modules.setdefault(name, loaded)  # a neighbour that imports it by name does not run it a second time
    return sys.modules[key]


def _source(function: Callable[..., Any]) -> bytes:
    """Source of the file of a function, or of the function only if there is no file, as in a notebook."""
    written = unwrap(function)
    path = getsourcefile(written)
    return Path(path).read_bytes() if path and Path(path).is_file() else getsource(written).encode()


@cache
def fingerprint(task: Task) -> str:
    """Hash of the data under each circumstance of a task, the array sizes, and the source of a custom family."""
    variants = [task.under(circumstance) for circumstance in task.circumstances] or [task]
    digest = blake2b(repr(problem(task).sizes).encode(), digest_size=16)
    for rows in [problem(variant).rows for variant in variants]:
        for split in SPLITS:
            for name, values in rows[split].items():
                array = np.ascontiguousarray(values)
                digest.update(f"{split} {name} {array.dtype} {array.shape}".encode())
                digest.update(array.tobytes())
    if task.family not in FAMILIES:
        digest.update(_source(_own_function(task.family)))
    return digest.hexdigest()
