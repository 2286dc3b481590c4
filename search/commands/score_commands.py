"""The commands `inspect` (a run or a program) and `score` (programs on tasks)."""

import heapq
import math
from pathlib import Path
from typing import Any

import click

from primitives import BUILTINS, UserError, load_program
from proxy_tasks import SPLITS
from search.commands import run_tables, tables
from search.commands.output import as_json, emit, example, plugins, say, trust
from search.commands.parameters import PROGRAM, RUN_OR_PROGRAM, TASK
from search.record import TABLE_COLUMNS, Journal, look, query, table_row, write_csv, write_parquet
from search.running import config_of, load_tasks, program_facts, run_facts
from search.settings import load_plugins
from selection import FRESH_SEEDS, Comparison, compare_losses, tuned_baselines

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog=example("optsearch inspect results/quickstart --where 'uses:sign and length < 8'"))
@click.argument("what", metavar="RUN_OR_PROGRAM", type=RUN_OR_PROGRAM)
@plugins
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="Programs of a run to show.")
@click.option("--where", metavar="QUERY", help="List candidates of a run: `uses:sign and length < 8`, best first.")
@click.option("--csv", type=_FILE, help="Write the candidates of a run that meet --where as CSV.")
@click.option("--parquet", type=_FILE, help="Write them as Parquet; needs pyarrow.")
@trust
@as_json
def inspect(
    what: str,
    plugins: tuple[str, ...],
    count: int,
    where: str | None,
    csv: Path | None,
    parquet: Path | None,
    trust: bool,
    as_json: bool,
) -> None:
    """Show the results of a run or a program.

    For a run: the champion, the front, the ancestry, and the best programs; or, with --where, candidates that meet a
    query. For a program: the live part and the simplified form. Columns of QUERY: number, repeat, parent, fitness,
    first_fitness, length (live statements), statements, status, mutation, hash, evaluated. `uses:NAME` is true if the
    live part calls the function NAME.

    Plugins of a run are imported with `--trust` only. Without it, programs that call functions of plugins are shown as
    text.
    """
    load_plugins(plugins)
    if what not in BUILTINS and Path(what).is_dir():
        run = Path(what)
        with look(run) as journal:
            if trust:
                load_plugins(config_of(journal, run).search.plugins, say)
            if where or csv or parquet:
                _list_candidates(
                    journal, where or "evaluated or not evaluated", count, as_json, csv=csv, parquet=parquet
                )
                return
            facts = run_facts(run, journal, count)
        emit(facts, lambda: run_tables.run_facts(facts, run), as_json)
    else:
        if where or csv or parquet:
            raise UserError(f"`--where`, `--csv` and `--parquet` require a run folder; `{what}` is a program")
        facts = program_facts(load_program(what))
        emit(facts, lambda: tables.program_facts(facts), as_json)


def _list_candidates(
    journal: Journal, where: str, count: int, as_json: bool, *, csv: Path | None, parquet: Path | None
) -> None:
    """List the candidates that meet a query, best first, and write all of them to files."""
    condition = query(where)
    best = heapq.nsmallest(count, filter(condition, journal.rows()), key=lambda row: row.fitness)
    matches = sum(1 for row in journal.rows() if condition(row))
    written = {
        str(path): write(filter(condition, journal.rows()), path)
        for path, write in ((csv, write_csv), (parquet, write_parquet))
        if path is not None
    }
    values = [dict(zip(TABLE_COLUMNS, table_row(row), strict=True)) for row in best]
    facts = {"query": where, "matches": matches, "candidates": values, "written": written}
    emit(facts, lambda: run_tables.candidates(best, matches, where), as_json)
    for path, rows in written.items():
        say(f"{rows:,} candidates written to {path}")


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
@as_json
def score(
    programs: tuple[str, ...], plugins: tuple[str, ...], tasks: tuple[str, ...], seeds: int, split: str, as_json: bool
) -> None:
    """Score programs on fresh seeds.

    Each PROGRAM is a file or a built-in. Networks are trained with the programs and with the tuned baselines, on seeds
    that searches do not use.
    """
    load_plugins(plugins)
    loaded = {name: load_program(name) for name in programs}
    chosen = [task for what in tasks for task in load_tasks(what, say)]
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
