"""The command `report`: writes the HTML report of a run."""

from pathlib import Path

import click

from search.commands.interrupts import stop_on_signals
from search.commands.output import as_json, emit, example, say, trust
from search.commands.panel import LivePanel
from search.commands.parameters import RUN
from search.record import look
from search.report import report_run
from search.running import add_studies, config_of
from search.settings import load_plugins


@click.command(epilog=example("optsearch report results/quickstart"))
@click.argument("run", type=RUN)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write; by default RUN/report.html."
)
@click.option(
    "--train",
    is_flag=True,
    help="First train the learning curves and the sensitivity to rate and decay, if they are missing. Takes minutes.",
)
@trust
@as_json
def report(run: Path, out: Path | None, train: bool, trust: bool, as_json: bool) -> None:
    """Write the HTML report of a run.

    The report is one file, which opens without a network. A run writes its report at its end. This command writes it
    again, also during a run. Code that the run names is imported with `--trust` only.
    """
    if train:
        with stop_on_signals() as stop, LivePanel() as panel:
            add_studies(run, panel, stop, trust=trust)
    elif trust:
        with look(run) as journal:
            load_plugins(config_of(journal, run).search.plugins, say)
    path = report_run(run, out)
    emit({"path": str(path)}, lambda: f"report {path}", as_json)
