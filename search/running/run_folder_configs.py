"""Configs that lie in a run folder, which may come from others.

The file beside a journal may name code and a cluster that the journal does not. As for `resume`, the code is imported
only if this account started the run in this folder, and the address of the cluster is never used.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from primitives import UserError
from search.record import JOURNAL, look, vouched
from search.settings import Config, describe_module, named_modules, read_config


def read_checked_config(
    path: Path, overrides: Sequence[str] = (), *, trust: bool = False, say: Callable[[str], None] | None = None
) -> Config:
    """Read a config whose code will be imported.

    Args:
        path: a YAML file.
        overrides: assignments such as `search.children=500`.
        trust: accept the code that a config in a run folder names.
        say: called with messages for the user.

    Raises:
        UserError: the config is not valid, or it lies in a run folder, names code, and neither this account started the
            run in this folder with the same code, nor `trust` is set.
    """
    config = read_config(path, overrides)
    folder = path.parent
    if not os.path.lexists(folder / JOURNAL):
        return config
    code = named_modules(config)
    if not trust and not vouched(folder, _identifier(folder), code):
        raise UserError(
            f"`{path}` lies in a run folder that was not started by this account, or was moved or changed, and would "
            f"import {', '.join(map(describe_module, code))}; check this code, then continue with `--trust`"
        )
    if config.workers.address is None or any(text.startswith(("workers.address", "workers=")) for text in overrides):
        return config
    if say:
        say("the address of a cluster in a run folder is not used; `--set workers.address=HOST:PORT` selects a cluster")
    return config.model_copy(update={"workers": config.workers.model_copy(update={"address": None})})


def _identifier(folder: Path) -> str:
    """Identifier of the run of a folder; empty if its journal cannot be read."""
    try:
        with look(folder, damaged=True) as journal:
            return str(journal.first_meta().get("run", ""))
    except UserError:
        return ""
