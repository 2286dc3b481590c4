"""Loading a config: code is imported, data are read, and the starting program is parsed.

This is the only step that runs code that a file names. Commands that run a search load the given config, and announce
each module before its import. Commands that inspect do not load a config; `check_config` checks as much as possible
without imports.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeGuard

from primitives import PAPER, Primitive, Program, ProgramError, UserError, by_names, load_program
from proxy_tasks import DATA_LIMIT, module_in, training_rows
from search.settings.config import Config
from search.settings.places import describe_module
from search.settings.selection import check_stages
from search.settings.tasks import OwnTask, task_of

_LIMIT = DATA_LIMIT // 2**20  # MiB; default of `data_limit`
_announced: set[str] = set()


def load_config(config: Config, *, with_start: bool = True, say: Callable[[str], None] | None = None) -> Program:
    """Load a config.

    Args:
        config: a resolved config.
        with_start: parse the starting program. An existing run has its own copy, and the file may be missing.
        say: called with a message for each module, before its import.

    Returns:
        The starting program, or AdamW without `with_start`.

    Raises:
        UserError: a plugin cannot be imported, data cannot be read, or a program or a stage is not valid.
    """
    _announce(named_modules(config), say)
    load_plugins(config.search.plugins)  # first, since the program may use their functions
    insertable(config)
    for entry in config.tasks:
        training_rows(task_of(entry))
    check_stages(config.selection.stages, config.tasks)
    return load_program(config.program if with_start else "adamw")


def check_config(config: Config) -> list[str]:
    """Check a resolved config without importing modules: data, stages, functions and program.

    A task that lets its data take more memory than the default limit is not built either.

    Returns:
        One sentence for each part that was not checked.

    Raises:
        UserError: data cannot be read, or a program or a stage is not valid.
    """
    modules = named_modules(config)
    unchecked = [f"{describe_module(name)} was not imported" for name in modules]
    own = dict.fromkeys(entry.name for entry in _every_task(config) if _is_custom(entry))
    large = dict.fromkeys(entry.name for entry in _every_task(config) if _is_large(entry))
    unchecked += [f"task `{name}` was not built" for name in own]
    unchecked += [f"task `{name}` was not built, since its `data_limit` is above {_LIMIT}" for name in large]
    for entry in config.tasks:
        if not _is_custom(entry) and not _is_large(entry):
            training_rows(task_of(entry))
    if not own and not large:
        check_stages(config.selection.stages, config.tasks)
    try:
        insertable(config)
        load_program(config.program)
    except ProgramError as error:
        if not config.search.plugins:
            raise
        unchecked.append(f"{error}, unless a plugin registers it")
    return unchecked


def named_modules(config: Config) -> list[str]:
    """Modules that loading a resolved config imports, each once."""
    families = [entry.family.rpartition(":")[0] for entry in _every_task(config) if _is_custom(entry)]
    return list(dict.fromkeys([*config.search.plugins, *families]))


def _every_task(config: Config) -> list[str | OwnTask]:
    """The tasks of the search and of the stages of the selection."""
    return [*config.tasks, *(task for stage in config.selection.stages for task in stage.tasks or ())]


def _is_large(entry: str | OwnTask) -> TypeGuard[OwnTask]:
    """Whether a task raises the limit on the memory for its data, which only the user of the config may do."""
    return isinstance(entry, OwnTask) and (entry.data_limit or 0) > _LIMIT


def _is_custom(entry: str | OwnTask) -> TypeGuard[OwnTask]:
    """Whether a task has a custom family, which is code."""
    return isinstance(entry, OwnTask) and ":" in entry.family


def _announce(modules: Sequence[str], say: Callable[[str], None] | None) -> None:
    """Announce the import of each module once."""
    for name in modules:
        if say and name not in _announced:
            say(f"importing {describe_module(name)}, which the config names")
            _announced.add(name)


def load_plugins(modules: Sequence[str], say: Callable[[str], None] | None = None) -> None:
    """Import modules that register extensions.

    Args:
        modules: names of modules, also in the working directory, or `folder/name` for the file `name.py` in a folder.
        say: called with a message for each module, before its import.

    Raises:
        UserError: a module cannot be imported.
    """
    _announce(modules, say)
    for entry in modules:
        folder, _, module = entry.rpartition("/")
        if not folder and str(Path.cwd()) not in sys.path:
            sys.path.append(str(Path.cwd()))
        try:
            _ = module_in(folder, module) if folder else importlib.import_module(module)
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}"
            raise UserError(f"`search.plugins`: module `{module}` cannot be imported: {reason}") from None


def insertable(config: Config) -> tuple[Primitive, ...]:
    """The functions that mutations may insert."""
    names = list(PAPER) if config.search.primitives == "paper" else config.search.primitives
    if not names:
        raise UserError("`search.primitives` must name at least one function")
    return by_names(names)
