"""Setup of a process that trains: threads, the cache of compiled code, garbage collection, and the imported packages.

Several threads do not make the training of a small network faster, and take cores from other workers. With one thread,
a program also gives the same bits in every run.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import jax
from platformdirs import user_cache_path
from threadpoolctl import threadpool_limits

from primitives import UserError

_PACKAGES = ("primitives", "proxy_tasks", "simplify", "selection", "search", "optsearch")
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NPROC": "1",  # size of the thread pools that XLA makes for a CPU
}
_XLA = "--xla_cpu_multi_thread_eigen=false"
_COLLECTION = (100_000, 50, 100)  # thresholds of the three generations of `gc`


def pin_threads(platforms: str = "cpu") -> None:
    """Limit JAX to one CPU thread in this process and its children; must be called before the first array exists.

    Args:
        platforms: devices that JAX may use unless `JAX_PLATFORMS` is set; the first one is the default.
    """
    os.environ.update(_ONE_THREAD)  # for child processes, and libraries that are imported later
    threadpool_limits(1)  # for libraries that are imported already
    flags = os.environ.get("XLA_FLAGS", "")
    if _XLA not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_XLA}".strip()
    if "JAX_PLATFORMS" not in os.environ:  # JAX has already read the variable if it was set
        jax.config.update("jax_platforms", platforms)  # type: ignore[no-untyped-call]


def keep_compiled() -> None:
    """Keep what is compiled for an accelerator in the user's cache folder, unless JAX has been given another one.

    A kernel takes seconds to compile. What is tuned on the device while compiling stays the same from run to run.
    """
    if jax.default_backend() != "cpu" and "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(user_cache_path("optsearch") / "compiled"))  # type: ignore[no-untyped-call]


@contextmanager
def rare_collection() -> Iterator[None]:
    """Run the cyclic garbage collector rarely, and exclude objects that already exist.

    A history consists of hundreds of thousands of small objects without cycles that live until the end. With Python's
    default thresholds, the collector takes a fifth of the driver's time.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_COLLECTION)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def check_packages() -> None:
    """Raise `UserError` if another package of the same name shadows a package of the project."""
    root = Path(import_module("search").__file__ or "").resolve().parent.parent
    for name in _PACKAGES:
        found = Path(import_module(name).__file__ or "").resolve().parent
        if found != root / name:
            raise UserError(
                f"`{name}` was imported from {found}, not from the installation of optsearch in {root}; "
                f"rename or remove the file or folder of that name"
            )
