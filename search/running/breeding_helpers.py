"""Helper processes of the algorithm `structures`, which breed and simplify children on the CPU.

They are used where programs are trained on an accelerator. Simplification takes most of their time, and runs while the
accelerator trains the children at the first stage.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from primitives import REGISTRY, UserError, describe
from proxy_tasks import in_batches
from search.algorithms import Helpers, structure_nursery
from search.execution import HelperPool
from search.settings import Config, load_plugins, restore_config

MOST = 8  # helpers by default; simplification of a generation of 60 children takes about a second on one core


def breeders(config: Config) -> int:
    """Number of helper processes of a config on this machine."""
    if config.workers.breeders is not None:
        return config.workers.breeders
    accelerated = in_batches() or config.workers.device == "gpu"
    return min(MOST, _cores() - 1) if accelerated else 0


@contextmanager
def breeding_helpers(config: Config, say: Callable[[str], None]) -> Iterator[Helpers | None]:
    """Start the helper processes of a search, and end them afterwards.

    Args:
        config: a loaded config.
        say: called with messages for the user.

    Yields:
        The helpers; `None` if children are bred in this process.
    """
    count = breeders(config)
    if not count:
        yield None
        return
    build = partial(_answering, config.model_dump(mode="json"), _language())
    with HelperPool(build, structure_nursery(config).answer, count=count, say=say) as pool:
        yield pool


def _answering(values: dict[str, Any], language: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Build the function of a helper that answers requests.

    Args:
        values: plain values of the config.
        language: the functions of the process that asks.

    Raises:
        UserError: this process has other functions, or a plugin cannot be imported.
    """
    config = restore_config(values)
    load_plugins(config.search.plugins)
    own = _language()
    for name in {**language, **own}:
        if own.get(name) != language.get(name):
            raise UserError(
                f"helper processes lack the function `{name}`, or have another one of this name; a module that "
                f"`search.plugins` names can register it"
            )
    return structure_nursery(config).answer


def _language() -> dict[str, dict[str, Any]]:
    """Descriptions of the registered functions, by name."""
    return {row.name: describe(row) for row in REGISTRY}


def _cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
