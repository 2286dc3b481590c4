"""The commands that show what there is: `inspect` a run or a program, `score` programs on tasks."""

import math
from pathlib import Path
from typing import Any

import click

from primitives import BUILTINS, load_program
from proxy_tasks import SPLITS
from search.commands import tables
from search.commands.output import as_json, emit, example, plugins, say, trust
from search.commands.parameters import PROGRAM, RUN_OR_PROGRAM, TASK
from search.record import look
from search.running import config_of, derivation, load_tasks, program_facts, run_facts
from search.settings import load_plugins
from selection import FRESH_SEEDS, Comparison, compare_losses, tuned_baselines


@click.command(epilog=example("optsearch inspect results/quickstart --count 3"))
@click.argument("what", metavar="RUN_OR_PROGRAM", type=RUN_OR_PROGRAM)
@plugins
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="Programs of a run to show.")
@trust
@as_json
def inspect(what: str, plugins: tuple[str, ...], count: int, trust: bool, as_json: bool) -> None:
    """Show what a run has found, or what a program does and which of its statements matter.

    Nothing that a run names is imported, unless `--trust` is given: programs that call functions of plugins are then
    shown as text.
    """
    load_plugins(plugins)
    if what not in BUILTINS and Path(what).is_dir():
        run = Path(what)
        with look(run) as journal:
            if trust:
                load_plugins(config_of(journal, run).search.plugins, say)
            facts = run_facts(journal, count) | derivation(run)
        emit(facts, lambda: tables.run_facts(facts), as_json)
    else:
        facts = program_facts(load_program(what))
        emit(facts, lambda: tables.program_facts(facts), as_json)


@click.command(epilog=example("optsearch score lion adamw --task digits --seeds 16"))
@click.argument("programs", metavar="PROGRAM...", nargs=-1, required=True, type=PROGRAM)
@plugins
@click.option(
    "--task",
    "tasks",
    multiple=True,
    type=TASK,
    default=("digits",),
    show_default=True,
    help="Or a config; may be repeated.",
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
    chosen = [task for what in tasks for task in load_tasks(what, say)]
    fresh = range(FRESH_SEEDS, FRESH_SEEDS + seeds)
    scores = compare_losses(loaded, chosen, fresh, split)
    references = [row for task in chosen for row in compare_losses(tuned_baselines(task), [task], fresh, split)]
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
