"""What a process that scores must have in place before it makes its first array: one thread, and our own packages.

A tiny network gains nothing from more threads than one and loses the others' cores; and with one thread the same
program gives the same bits from run to run.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import jax
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


def pin_threads() -> None:
    """Hold JAX to one thread of the CPU in this process and its children; has to run before the first array is made."""
    os.environ.update(_ONE_THREAD)  # for libraries that are yet to be loaded, and other processes
    threadpool_limits(1)  # for those that are
    flags = os.environ.get("XLA_FLAGS", "")
    if _XLA not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_XLA}".strip()
    if "JAX_PLATFORMS" not in os.environ:  # JAX has read the variable by now, if it was set
        jax.config.update("jax_platforms", "cpu")  # type: ignore[no-untyped-call]


@contextmanager
def rare_collection() -> Iterator[None]:
    """Look for garbage in cycles rarely, and not among what is there already.

    A history is hundreds of thousands of small objects that live to the end and refer to each other in one direction;
    to look through them every 700 objects is a fifth of the driver's time.
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
    """Raise `UserError` where a package of ours is shadowed by another of the same name."""
    root = Path(import_module("search").__file__ or "").resolve().parent.parent
    for name in _PACKAGES:
        found = Path(import_module(name).__file__ or "").resolve().parent
        if found != root / name:
            raise UserError(
                f"`{name}` was imported from {found}, not from the installation of optsearch in {root}; "
                f"a file or folder of that name is in the way"
            )
