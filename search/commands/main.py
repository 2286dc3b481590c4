"""The command line: `optsearch COMMAND`. Results go to standard output, progress and errors to standard error.

Exit status: 0 for success, 2 for a mistake of the user, 1 for a failure; never a traceback for either, unless
`OPTSEARCH_TRACEBACK` is set.
"""

import json
import math
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console

from primitives.builtins import BUILTINS, builtin, load_program, source_of
from primitives.errors import UserError
from primitives.registry import REGISTRY, describe
from primitives.text import to_text
from proxy_tasks import catalog
from proxy_tasks.families import problem
from proxy_tasks.task import SPLITS
from search.commands import tables
from search.commands.output import as_json, emit, plugins
from search.commands.panel import Progress
from search.commands.program_commands import export, simplify
from search.execution.process import check_packages, pin_threads
from search.record.folder import claim, fresh_folder, open_run
from search.running import compare_methods as comparing
from search.running import inspect as inspection
from search.running import run as runner
from search.running.reproduce import reproduce
from search.running.setup import load_tasks, with_baselines
from search.settings.config import Config, load_plugins, read_config, to_yaml
from search.settings.tasks import constants
from selection.baselines import tune_baselines, write_baselines
from selection.comparison import FRESH_SEEDS, Comparison, compare, tuned_baselines

_FAILURE, _MISTAKE, _INTERRUPTED = 1, 2, 130

overrides = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key, such as search.children=500.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="optsearch")
def cli() -> None:
    """Search for optimizers: evolve small programs, score them on real tasks, take the winner away."""


for command in (simplify, export, reproduce):
    cli.add_command(command)


@cli.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; by default a new one under results/.")
@overrides
@as_json
def run(config: Path, out: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Search with CONFIG, choose the champion, compare it and write it down."""
    settings = read_config(config, overrides)
    if out:
        claim(out)  # before time is spent on baselines
    console = Console(stderr=True)
    settings = with_baselines(settings, partial(_tick, console))
    folder = out or fresh_folder(config)
    with Progress() as progress:
        summary = runner.run(settings, folder, progress)
    emit(summary.as_json(folder), lambda: tables.summary(summary, folder), as_json)


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--repair", is_flag=True, help="Mend a damaged journal first: keep a copy, score again what was lost.")
@as_json
def resume(run: Path, repair: bool, as_json: bool) -> None:
    """Go on with the run in folder RUN where it stopped."""
    with Progress() as progress:
        summary = runner.resume(run, progress, repair)
    emit(summary.as_json(run), lambda: tables.summary(summary, run), as_json)


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@overrides
@as_json
def select(run: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Send the best programs of the run in folder RUN through the funnel, against baselines tuned alike.

    Stages are those of its config, or two with default settings. What is on record is not trained again, so the same
    command shows the last table once more.
    """
    with Progress() as progress:
        summary = runner.select(run, progress, overrides)
    emit(summary.as_json(run), lambda: tables.summary(summary, run), as_json)


@cli.command(name="compare")
@click.argument("configs", metavar="CONFIG...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("results/comparison"), show_default=True)
@overrides
@as_json
def compare_(configs: tuple[Path, ...], out: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Search with each CONFIG under one budget, and draw how they fare; run again, it goes on where it stopped."""
    named = {config.stem: read_config(config, overrides) for config in configs}
    if len(named) < len(configs):
        raise UserError("two of the configs have the same name, which is what their run folders are called")
    tick = partial(_tick, Console(stderr=True))
    named = {name: with_baselines(config, tick) for name, config in named.items()}
    with Progress() as progress:
        methods = comparing.compare_methods(named, out, progress)
    emit({"methods": [method.as_json() for method in methods]}, lambda: tables.methods(methods, out), as_json)


@cli.command()
@click.argument("config", type=click.Path(path_type=Path))
@overrides
@click.option("--schema", is_flag=True, help="Print the JSON schema of configs instead, for editors.")
@as_json
def validate(config: Path, overrides: tuple[str, ...], schema: bool, as_json: bool) -> None:
    """Check CONFIG and print it with every default written out."""
    if schema:
        click.echo(json.dumps(Config.model_json_schema(), indent=2))
        return
    settings = read_config(config, overrides)
    emit({"config": settings.model_dump(mode="json")}, lambda: to_yaml(settings), as_json)


@cli.command()
@click.argument("what", metavar="RUN_OR_PROGRAM")
@plugins
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="Programs of a run to show.")
@as_json
def inspect(what: str, plugins: tuple[str, ...], count: int, as_json: bool) -> None:
    """Show what a run has found, or what a program does and which of its statements matter."""
    load_plugins(plugins)
    if what not in BUILTINS and Path(what).is_dir():
        with open_run(Path(what)) as journal:
            load_plugins(journal.meta()["config"]["search"]["plugins"])
            facts = inspection.run_facts(journal, count) | inspection.derivation(Path(what))
        emit(facts, lambda: tables.run_facts(facts), as_json)
    else:
        facts = inspection.program_facts(load_program(what))
        emit(facts, lambda: tables.program_facts(facts), as_json)


@cli.command()
@click.argument("programs", metavar="PROGRAM...", nargs=-1, required=True)
@plugins
@click.option(
    "--task", "tasks", multiple=True, default=("digits",), show_default=True, help="Or a config; may be repeated."
)
@click.option("--seeds", type=click.IntRange(1), default=8, show_default=True, help="Networks trained with each.")
@click.option("--split", type=click.Choice(SPLITS), default="validation", show_default=True)
@as_json
def score(
    programs: tuple[str, ...], plugins: tuple[str, ...], tasks: tuple[str, ...], seeds: int, split: str, as_json: bool
) -> None:
    """Train with each PROGRAM (a file or a built-in) on seeds that searches do not use, beside the tuned baselines."""
    load_plugins(plugins)
    loaded = {name: load_program(name) for name in programs}
    chosen = [task for what in tasks for task in load_tasks(what)]
    fresh = range(FRESH_SEEDS, FRESH_SEEDS + seeds)
    scores = compare(loaded, chosen, fresh, split)
    references = [row for task in chosen for row in compare(tuned_baselines(task), [task], fresh, split)]
    facts = {"scores": [_score(row) for row in scores], "baselines": [_score(row) for row in references]}
    emit(
        facts,
        lambda: tables.comparison([*scores, *references], f"mean over {seeds} seeds that searches do not use"),
        as_json,
    )


def _score(row: Comparison) -> dict[str, Any]:
    status = "ok" if math.isfinite(row.loss) else "diverged"
    return {
        "program": row.program,
        "task": row.task,
        "split": row.split,
        "loss": row.loss,
        "per_seed": list(row.per_seed),
        "status": status,
        "log_ratio_to_adamw": row.log_ratio,
        "interval": list(row.interval),
    }


@cli.command(name="list")
@click.argument("what", type=click.Choice(["primitives", "tasks", "programs"]))
@as_json
def list_(what: str, as_json: bool) -> None:
    """List the functions of the language, the tasks, or the built-in programs."""
    rows: list[dict[str, Any]]
    if what == "primitives":
        rows = [describe(row) for row in REGISTRY]
    elif what == "tasks":
        rows = [
            {
                "name": task.name,
                "family": task.family,
                "description": task.description,
                "size": task.size,
                "parameters": sum(problem(task).sizes),
                "steps": task.steps,
                "batch": task.batch,
            }
            for task in catalog.TASKS.values()
        ]
    else:
        rows = [{"name": name, "source": source_of(name), "program": to_text(builtin(name))} for name in BUILTINS]
    emit({what: rows}, lambda: tables.rows(rows, hidden=("program", "properties", "aliases", "source")), as_json)


@cli.command()
@click.argument("task")
@click.option("--trials", type=click.IntRange(1), default=600, show_default=True, help="Trainings for each baseline.")
@click.option("--seeds", type=click.IntRange(1), default=8, show_default=True, help="Networks trained in each trial.")
@click.option("--write", is_flag=True, help="Store the result as the baselines of the task.")
@as_json
def tune(task: str, trials: int, seeds: int, write: bool, as_json: bool) -> None:
    """Tune the constants of the baselines (AdamW and Lion: rate, decay, both betas) on TASK.

    TASK is a task that comes with the project, or a config that describes tasks of your own; the lines that are printed
    go into the config then.
    """
    own = [entry for entry in load_tasks(task) if entry.name not in catalog.TASKS]
    if own and write:
        raise UserError(
            "`--write` is for tasks that come with the project; put the lines below `tuned` into the config"
        )
    console = Console(stderr=True)
    rows = {
        chosen.name: tune_baselines(
            chosen, trials, seeds, lambda name, trial, best: _tick(console, name, trial, trials, best)
        )
        for chosen in own or load_tasks(task)
    }
    for name, found in rows.items():
        if write:
            write_baselines(catalog.task(name), found)
        emit({"task": name, "baselines": found}, lambda found=found: tables.baselines(found), as_json)  # type: ignore[misc]
    for name, found in rows.items() if own and not as_json else ():
        click.echo(f"# for the task `{name}`\n{yaml.safe_dump({'tuned': constants(found)}, default_flow_style=None)}")


def _tick(console: Console, name: str, trial: int, trials: int, best: float) -> None:
    if trial % max(1, trials // 10) == 0:
        console.print(f"{name}: {trial}/{trials} trials, best validation loss {math.exp(best):.4f}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the command `optsearch`: run it, and turn every error into one line and an exit status."""
    pin_threads()
    try:
        check_packages()
        cli.main(arguments, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return _MISTAKE
    except click.ClickException as error:
        where = f"{error.ctx.command_path}: " if isinstance(error, click.UsageError) and error.ctx else "optsearch: "
        return _say(where + error.format_message(), _MISTAKE)
    except UserError as error:
        return _say(f"optsearch: {error}", _MISTAKE)
    except (KeyboardInterrupt, click.Abort):
        return _say("optsearch: interrupted; what was recorded is kept", _INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILURE
    except Exception as error:
        if os.environ.get("OPTSEARCH_TRACEBACK"):
            raise
        text = " ".join(str(error).split()) or "no further word"
        return _say(f"optsearch: failed: {type(error).__name__}: {text} (OPTSEARCH_TRACEBACK=1 shows where)", _FAILURE)
    return 0


def _say(message: str, status: int) -> int:
    click.echo(" ".join(message.split()), err=True)
    return status
