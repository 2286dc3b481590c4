"""The command `inspect`: the results of a run, its candidates, or a program."""

import heapq
from pathlib import Path

import click

from primitives import BUILTINS, UserError, load_program
from search.commands import run_tables, tables
from search.commands.output import as_json, emit, example, plugins, say, trust
from search.commands.parameters import RUN_OR_PROGRAM
from search.record import TABLE_COLUMNS, Journal, look, query, table_row, write_csv, write_parquet
from search.running import config_of, program_facts, run_facts
from search.settings import load_plugins

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
