"""Output of commands, and options that several commands share."""

import json
import math
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console, RenderableType

from search.commands.screen import Screen, echo
from search.record import plain

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object in place of text.")
plugins = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="MODULE",
    help="First import a module that registers extensions; may be repeated.",
)
trust = click.option(
    "--trust",
    is_flag=True,
    help="Import the plugins and custom tasks that the file names; they run with all your permissions.",
)
overrides = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key, such as search.children=500.",
)


def emit(facts: dict[str, Any], view: Callable[[], RenderableType], as_json: bool) -> None:
    """Print results as JSON, or as the tables and text that `view` returns."""
    shown = json.dumps(plain(facts), indent=2) if as_json else view()
    if isinstance(shown, str):
        echo(shown)
    else:
        Screen().print(shown)


def say(message: str) -> None:
    """Print a note for the user to standard error."""
    echo(f"note: {message}", err=True)


def example(command: str) -> str:
    """An example for the end of a command's help."""
    return f"\b\nExample:\n  {command}"


def print_trial(console: Console, name: str, trial: int, trials: int, best: float) -> None:
    """Print every tenth trial of tuning a baseline; `best` is the lowest log loss so far."""
    if trial % max(1, trials // 10) == 0:
        console.print(f"{name}: {trial}/{trials} trials, best validation loss {math.exp(best):.4f}")
