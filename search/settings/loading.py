"""Loading what a config names: plugins are imported, data are read, and the starting program is parsed.

This is the step that runs code of the user: only commands that run something load a config.
"""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from primitives.builtins import load_program
from primitives.errors import UserError
from primitives.paper import PAPER
from primitives.program import Program
from primitives.registry import Primitive, by_names
from proxy_tasks.inputs import training_rows
from search.settings.config import Config
from search.settings.selection import check_stages
from search.settings.tasks import OwnTask, task_of


def load(config: Config, *, with_start: bool = True) -> Program:
    """Load a config.

    Args:
        config: a resolved config.
        with_start: parse its starting program; a run that exists has its own copy, and the file may be gone.

    Returns:
        The starting program, or AdamW without `with_start`.

    Raises:
        UserError: a plugin cannot be imported, data cannot be read, or a program or a stage is not valid.
    """
    load_plugins(config.search.plugins)  # first, since the program may use their functions
    insertable(config)
    for entry in config.tasks:
        check_data(entry)
        training_rows(task_of(entry))
    check_stages(config.selection.stages, config.tasks)
    return load_program(config.program if with_start else "adamw")


def check_data(entry: str | OwnTask) -> None:
    """Raise `UserError` if the data file of a task is in neither of the places where it is looked for."""
    if isinstance(entry, OwnTask) and entry.data is not None and not Path(entry.data).exists():
        raise UserError(
            f"task `{entry.name}`: there is no data file `{entry.data}`, neither beside the config nor in the working "
            f"directory `{Path.cwd()}`"
        )


def load_plugins(modules: Sequence[str]) -> None:
    """Import modules that register primitives.

    Args:
        modules: names, looked for in the working directory too; or `folder/name`, looked for in that folder.

    Raises:
        UserError: a module cannot be imported.
    """
    for entry in modules:
        folder, _, module = entry.rpartition("/")
        place = folder or str(Path.cwd())
        if place not in sys.path:
            sys.path.append(place)
        try:
            importlib.import_module(module)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise UserError(f"`search.plugins`: module `{module}` cannot be imported: {reason}") from None


def insertable(config: Config) -> tuple[Primitive, ...]:
    """The functions that mutation may insert."""
    names = list(PAPER) if config.search.primitives == "paper" else config.search.primitives
    if not names:
        raise UserError("`search.primitives` must name at least one function")
    return by_names(names)
