"""Arguments with shell completion: programs, tasks, configs, run folders and export targets."""

import shlex
from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from primitives import BUILTINS, export_targets
from proxy_tasks import TASKS
from search.record import JOURNAL


class _Name(click.ParamType[str]):
    """The name of a built-in program or task, or a file."""

    name = "text"

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Names that start with the incomplete word, and files."""
        found = [CompletionItem(name) for name in self._names if name.startswith(incomplete)]
        return [*found, CompletionItem(incomplete, type="file")]


class _Target(click.ParamType[str]):
    """An export target. Plugins add targets, so that names are checked after these have been imported."""

    name = "target"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Built-in targets that start with the incomplete word."""
        return [CompletionItem(name) for name in export_targets() if name.startswith(incomplete)]


class _Run(click.Path):
    """A run folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Run folders below the working directory whose path starts with the incomplete word, and their parents.

        bash inserts a name without quotation marks, and executes what is in it. Names that need them are not offered.
        """
        runs = sorted(str(path.parent) for depth in ("*", "*/*", "*/*/*") for path in Path().glob(f"{depth}/{JOURNAL}"))
        found = [CompletionItem(run) for run in runs if run.startswith(incomplete) and _is_plain(run)]
        return found or [CompletionItem(incomplete, type="dir")]


def _is_plain(name: str) -> bool:
    """Whether a shell reads a name as it is, and a command does not read it as an option."""
    return shlex.quote(name) == name and not name.startswith("-")


class _RunOrProgram(_Name):
    """A run folder or a program."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Completions of both."""
        return [*RUN.shell_complete(ctx, param, incomplete), *super().shell_complete(ctx, param, incomplete)]


PROGRAM, TASK, RUN, TARGET = _Name(BUILTINS), _Name(TASKS), _Run(), _Target()
RUN_OR_PROGRAM = _RunOrProgram(BUILTINS)
