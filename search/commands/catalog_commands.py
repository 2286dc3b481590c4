"""The commands on built-in functions, tasks and programs: `list` and `tune`."""

from collections.abc import Callable
from typing import Any

import click
import yaml
from rich.console import Group

from primitives import BUILTINS, REGISTRY, UserError, builtin, describe, source_of, to_text
from proxy_tasks import TASKS, builtin_task, problem
from search.commands import tables
from search.commands.output import as_json, emit, example, plugins, print_trial, say, trust
from search.commands.parameters import TASK
from search.commands.screen import Screen, echo
from search.running import extension_points, load_tasks
from search.settings import load_plugins, tuned_constants
from selection import tune_baselines, write_baselines


def _task_rows() -> list[dict[str, Any]]:
    return [
        {
            "name": task.name,
            "family": task.family,
            "description": task.description,
            "size": task.size,
            "parameters": sum(problem(task).sizes),
            "steps": task.steps,
            "batch": task.batch,
        }
        for task in TASKS.values()
    ]


def _program_rows() -> list[dict[str, Any]]:
    return [{"name": name, "source": source_of(name), "program": to_text(builtin(name))} for name in BUILTINS]


_LISTED: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "primitives": lambda: [describe(row) for row in REGISTRY],
    "tasks": _task_rows,
    "programs": _program_rows,
    "algorithms": lambda: extension_points()["algorithms"],
    "mutations": lambda: extension_points()["mutations"],
    "families": lambda: extension_points()["families"],
    "targets": lambda: extension_points()["targets"],
}


@click.command(name="list", epilog=example("optsearch list tasks"))
@click.argument("what", type=click.Choice([*_LISTED]))
@plugins
@as_json
def list_(what: str, plugins: tuple[str, ...], as_json: bool) -> None:
    """List what a config or a command can name.

    With `--plugin`, the extensions of a module are listed too.
    """
    load_plugins(plugins)
    rows = _LISTED[what]()
    emit({what: rows}, lambda: tables.rows(rows, hidden=("program", "properties", "aliases", "source")), as_json)


@click.command(epilog=example("optsearch tune my.yaml --trials 300"))
@click.argument("task", type=TASK)
@click.option(
    "--trials",
    type=click.IntRange(1),
    default=600,
    show_default=True,
    help="Trials for each baseline, divided among three tunings.",
)
@click.option("--seeds", type=click.IntRange(1), default=8, show_default=True, help="Networks trained in each trial.")
@click.option("--write", is_flag=True, help="Store the result as the baselines of a built-in task.")
@trust
@as_json
def tune(task: str, trials: int, seeds: int, write: bool, trust: bool, as_json: bool) -> None:
    """Tune the baselines of a task.

    The baselines are AdamW and Lion, tuned over rate, decay and both betas. TASK is a built-in task, or a config with
    custom tasks. For a config, lines to copy into it are printed.
    """
    chosen_tasks = load_tasks(task, say, trust=trust)
    own = [entry for entry in chosen_tasks if entry.name not in TASKS]
    if own and write:
        raise UserError(
            "`--write` requires a built-in task; for a custom task, copy the lines below `tuned` into its config"
        )
    console = Screen(stderr=True)
    rows = {
        chosen.name: tune_baselines(
            chosen, trials, seeds, lambda name, trial, best: print_trial(console, name, trial, trials, best)
        )
        for chosen in own or chosen_tasks
    }
    for name, found in rows.items() if write else ():
        write_baselines(builtin_task(name), found)
    facts = {"tasks": [{"task": name, "baselines": found} for name, found in rows.items()]}
    emit(facts, lambda: Group(*map(tables.baselines, rows.values())), as_json)
    for name, found in rows.items() if own and not as_json else ():
        echo(f"# for the task `{name}`\n{yaml.safe_dump({'tuned': tuned_constants(found)}, default_flow_style=None)}")
