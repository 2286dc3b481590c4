"""The command `score`: programs on tasks, beside the tuned baselines."""

import math
from typing import Any

import click

from primitives import load_program
from proxy_tasks import SPLITS
from search.commands import tables
from search.commands.output import as_json, emit, example, plugins, say, trust
from search.commands.parameters import PROGRAM, TASK
from search.running import load_tasks
from search.settings import load_plugins
from selection import FRESH_SEEDS, Comparison, compare_losses, tuned_baselines


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
    help="A task, or a config with tasks; may be repeated.",
)
@click.option(
    "--seeds", type=click.IntRange(1), default=8, show_default=True, help="Networks trained for each program."
)
@click.option("--split", type=click.Choice(SPLITS), default="validation", show_default=True)
@trust
@as_json
def score(
    programs: tuple[str, ...],
    plugins: tuple[str, ...],
    tasks: tuple[str, ...],
    seeds: int,
    split: str,
    trust: bool,
    as_json: bool,
) -> None:
    """Score programs on fresh seeds.

    Each PROGRAM is a file or a built-in. Networks are trained with the programs and with the tuned baselines, on seeds
    that searches do not use.
    """
    load_plugins(plugins)
    loaded = {name: load_program(name) for name in programs}
    chosen = [task for what in tasks for task in load_tasks(what, say, trust=trust)]
    fresh = range(FRESH_SEEDS, FRESH_SEEDS + seeds)
    scores = compare_losses(loaded, chosen, fresh, split)
    references = [row for task in chosen for row in compare_losses(tuned_baselines(task), [task], fresh, split)]
    facts = {"scores": [_score(row) for row in scores], "baselines": [_score(row) for row in references]}
    emit(
        facts,
        lambda: tables.comparison([*scores, *references], f"mean loss over {seeds} seeds that searches do not use"),
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
