"""The command `watch`: follows a run from another terminal, or from another machine that has mounted its folder."""

import json
import math
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from primitives import visible
from search.commands import tables
from search.commands.curves import Curves
from search.commands.output import as_json, example
from search.commands.parameters import RUN
from search.commands.screen import Screen, echo
from search.record import CandidateRow, plain
from search.running import Snapshot, snapshot

_WINDOW = 30  # snapshots from which rates are computed
_PATIENCE = 4  # least ratio of the time between two snapshots to the time that reading one takes
_LONGEST = 24  # largest number of characters of a cell
_ROWS = 8  # largest number of rows of the front
_WIDE = 110  # least width for two tables side by side


@click.command(epilog=example("optsearch watch results/quickstart"))
@click.argument("run", type=RUN)
@click.option(
    "--every", type=click.FloatRange(0.1), default=2.0, show_default=True, help="Seconds between two snapshots."
)
@click.option(
    "--tensorboard",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for TensorBoard event files; needs tensorboardX.",
)
@as_json
def watch(run: Path, every: float, tensorboard: Path | None, as_json: bool) -> None:
    """Follow a run until it ends.

    Shows the latest candidates, the best program, the front, the rate, and the time left. The folder is only read.
    Ctrl-C ends this command and not the run. With `--json` each snapshot is printed as one line.
    """
    console, curves = Screen(), Curves(tensorboard) if tensorboard else None
    try:
        looks = _looks(run, every, curves)
        if as_json or not console.is_terminal:
            for now, pace in looks:
                echo(json.dumps(plain(now.as_json())) if as_json else line(now, pace))
            return
        with Live(console=console, auto_refresh=False) as live:
            for now, pace in looks:
                live.update(panel(run, now, pace, narrow=console.width < _WIDE), refresh=True)
    finally:
        if curves:
            curves.close()


def _looks(run: Path, every: float, curves: Curves | None) -> Iterator[tuple[Snapshot, "Pace"]]:
    """Snapshots of a run until it ends, with the pace so far."""
    pace = Pace()
    while True:
        began = time.monotonic()
        now = snapshot(run)
        pace.add(now, began)
        if curves:
            curves.add(now, pace.rates)
        yield now, pace
        if not now.running:
            return
        _wait(every, began)


def _wait(every: float, began: float) -> None:
    """Sleep until the next snapshot; longer if reading takes long, as over a slow network file system."""
    time.sleep(max(every, _PATIENCE * (time.monotonic() - began)))


class Pace:
    """Speed of a run, computed from its last snapshots."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int, int]] = deque(maxlen=_WINDOW)

    def add(self, now: Snapshot, seconds: float) -> None:
        """Add a snapshot that was taken at a time in seconds."""
        self._looks.append((seconds, now.counts.children, now.counts.evaluated))

    @property
    def rates(self) -> tuple[float, float]:
        """Candidates and evaluations per second; NaN before the second snapshot."""
        (start, *before), (end, *after) = self._looks[0], self._looks[-1]
        if end <= start:
            return math.nan, math.nan
        children, evaluated = ((late - early) / (end - start) for early, late in zip(before, after, strict=True))
        return children, evaluated

    def left(self, now: Snapshot) -> str:
        """Time that the rest of the search needs at this pace, as text."""
        rate, _ = self.rates
        if now.searched:
            return "the search is complete"
        if not rate > 0:
            return "–"
        return tables.duration(max(now.total - now.counts.children, 0) / rate)


def state(now: Snapshot) -> str:
    """State of the run as text."""
    if now.ended:
        return "ended"
    if not now.running:
        return "stopped; `optsearch resume` continues the run"
    return f"choosing and comparing the champion, {now.trained:,} trials" if now.searched else "searching"


def line(now: Snapshot, pace: Pace) -> str:
    """A snapshot as one line of text."""
    counts = now.counts
    rate, _ = pace.rates
    speed = f"{rate:.1f}/s, " if math.isfinite(rate) else ""
    last = f"; last {_name(now.latest[0])}" if now.latest else ""
    return (
        f"{state(now)}: {counts.children:,}/{now.total:,} children, {counts.evaluated:,} evaluated, {speed}"
        f"best {tables.fitness(counts.best_fitness, now.best_price)}; left: {pace.left(now)}{last}"
    )


def panel(run: Path, now: Snapshot, pace: Pace, *, narrow: bool) -> RenderableType:
    """A snapshot as a panel.

    Args:
        run: the run folder.
        now: the snapshot.
        pace: speed of the run.
        narrow: place the tables below each other.
    """
    facts, front, latest = _facts(now, pace), _front(now), _latest(now)
    below: RenderableType = Group(Text(), front, Text(), latest)
    if not narrow:
        beside = Table.grid(padding=(0, 4))
        beside.add_row(front, latest)
        below = Group(Text(), beside)
    best = [tables.champion(now.counts.best)] if now.counts.best is not None else []
    return Panel(Group(Text(state(now), style="bold"), facts, below, *best), title=_cell(f"optsearch watch {run}"))


def _facts(now: Snapshot, pace: Pace) -> RenderableType:
    counts = now.counts
    rates = [f", {rate:.1f}/s" if math.isfinite(rate) else "" for rate in pace.rates]
    lion = math.nan if now.lion is None else now.lion
    rows = {
        "candidates": f"{counts.children:,} of {now.total:,}{rates[0]}",
        "evaluated": f"{counts.evaluated:,}{rates[1]}",
        "best": tables.fitness(counts.best_fitness, now.best_price),
        "tuned Lion": tables.fitness(lion, now.lion_price),
        "time left": pace.left(now),
        "workers": now.workers,
    }
    table = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        table.add_row(Text(name), Text(value))
    return table


def _front(now: Snapshot) -> RenderableType:
    table = Table(title="front", title_justify="left")
    for name in ("length", "fitness", "candidate"):
        table.add_column(name, justify="right")
    for row in now.front[-_ROWS:]:
        table.add_row(str(row.live), f"{row.fitness:.4f}", f"{row.repeat}/{row.number}")
    return table


def _latest(now: Snapshot) -> RenderableType:
    table = Table(title="latest candidates", title_justify="left")
    for name in ("candidate", "mutation", "outcome", "fitness"):
        table.add_column(name, justify="right" if name == "fitness" else "left", no_wrap=True, max_width=_LONGEST)
    for row in now.latest:
        fitness = f"{row.fitness:.4f}" if math.isfinite(row.fitness) else "–"
        outcome = f"duplicate ({row.matched})" if row.matched else row.status
        table.add_row(f"{row.repeat}/{row.number}", *map(_cell, (row.mutation, outcome)), fitness)
    return table


def _cell(text: str) -> Text:
    """Foreign text with escapes for unprintable characters, so that the table measures its shown width."""
    return Text(visible(text), overflow="ellipsis")


def _name(row: CandidateRow) -> str:
    return f"{row.repeat}/{row.number} by {row.mutation}, {row.matched or row.status}"
