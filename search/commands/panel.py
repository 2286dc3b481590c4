"""Progress of a run: a live panel on a terminal, one plain line every few seconds elsewhere.

Everything is written to standard error, so that standard output contains results alone. The clock is read here and not
in the engine.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from primitives import builtin
from proxy_tasks import Price, Status
from search.commands import tables
from search.commands.screen import Screen
from search.engine import Record
from search.record import Journal
from search.running import Counts
from search.settings import Config, task_name

_PLAIN_EVERY = 5.0  # seconds between plain lines, at first
_PLAIN_SHARE = 0.02  # of the elapsed time, the seconds between later ones: some 50 lines for each factor e of time
_SEARCHING = "searching"
_EARLY = 0.01  # share of the children before which the time that is left is not estimated
_WIDE = 100  # least width for two columns of facts


class LivePanel:
    """A reporter that shows the progress of a run; a context manager.

    Args:
        quiet: show nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._console = Screen(stderr=True, quiet=quiet)
        self._live: Live | None = None
        self._counts = self._before = Counts()
        self._total, self._most_evaluated, self._rounds = 1, math.inf, 1
        self._round = self._trained = 0
        self._workers: Callable[[], str] = lambda: "starting"
        self._lion = math.nan
        self._price = Price()
        self._phase = "starting: compiling the training loop"
        self._began = self._shown = time.monotonic()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, get_renderable=self._panel, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def note(self, message: str) -> None:
        """Print a message for the user."""
        self._console.print(Text(f"note: {message}"), soft_wrap=True)

    def warning(self, message: str) -> None:
        """Print a message about a problem."""
        self.note(message)

    def run_started(self, config: Config, journal: Journal) -> None:
        """Start the display of a run, with the counts of its journal."""
        settings = config.search
        self._price = Price(config.evaluation.statement_price, config.evaluation.slot_price)
        searches = settings.repeats * settings.rounds
        self._rounds, self._total = settings.rounds, settings.most_candidates
        self._most_evaluated = (settings.evaluations or math.inf) * searches
        self._counts, self._before = Counts.of(journal), Counts.of(journal)
        known = f" ({self._before.children:,} candidates are in the journal)" if self._before.children else ""
        tasks = ", ".join(task_name(entry) for entry in config.tasks)
        self._line(f"search from {config.program} on {tasks}{known}; {self._phase}")

    def lion_scored(self, fitness: float) -> None:
        """Set the fitness of the tuned Lion on the seeds of the search."""
        self._lion = fitness

    def workers_started(self, describe: Callable[[], str]) -> None:
        """Show the state of the executor, which `describe()` returns."""
        self._workers = describe
        self._line(f"workers: {describe()}")

    def round_started(self, number: int) -> None:
        """Show the number of the round."""
        self._round, self._phase = number, _SEARCHING

    def candidates_recorded(self, records: Sequence[Record]) -> None:
        """Update the counts with newly recorded candidates."""
        for record in records:
            self._counts.add(record)
        if self._due():
            self._line(self._summary())

    def phase_started(self, name: str) -> None:
        """Show the name of a phase after the search."""
        self._phase = name
        self._line(f"{self._summary()}; {name}")

    def trials_run(self, total: int) -> None:
        """Update the number of trials run."""
        self._trained = total
        if self._due():
            self._line(f"{self._summary() if self._phase == _SEARCHING else self._phase}; {total:,} trials")

    def _due(self) -> bool:
        """Whether it is time for another plain line."""
        return time.monotonic() - self._shown >= max(_PLAIN_EVERY, _PLAIN_SHARE * self._elapsed())

    def _line(self, text: str) -> None:
        """Print one line if the output is not a terminal."""
        self._shown = time.monotonic()
        if self._live is None:
            self._console.print(Text(f"[{self._elapsed():5.0f} s] {text}"), soft_wrap=True)

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _rate(self, now: int, before: int) -> float:
        """Increase of a count per second since the start of this command."""
        return (now - before) / max(self._elapsed(), 1e-9)

    def _left(self) -> str:
        now, before = self._counts, self._before
        share = (now.children - before.children) / max(self._total - before.children, 1)
        share = max(share, (now.evaluated - before.evaluated) / max(self._most_evaluated - before.evaluated, 1))
        if share < _EARLY:
            return "–"
        return tables.duration(self._elapsed() * (1 / min(share, 1) - 1))

    def _best(self) -> str:
        best = self._counts.best
        return tables.fitness(self._counts.best_fitness, self._price.of(best) if best else 0.0)

    def _summary(self) -> str:
        counts = self._counts
        return (
            f"{counts.children:,}/{self._total:,} children, {counts.evaluated:,} evaluated, "
            f"{counts.children - counts.evaluated:,} cache hits; best {self._best()}; "
            f"{self._left()} left"
        )

    def _panel(self) -> Panel:
        now, before = self._counts, self._before
        hits = now.children - now.evaluated
        rows = [
            ("children", f"{now.children:,} of {self._total:,}"),
            ("children/s", f"{self._rate(now.children, before.children):.1f}"),
            ("evaluations", f"{now.evaluated:,}"),
            ("evaluations/s", f"{self._rate(now.evaluated, before.evaluated):.1f}"),
            ("cache hits", f"{hits / max(now.children, 1) * 100:.0f} % of children"),
            (
                "redundant",
                f"{(now.statements - now.live_statements) / max(now.statements, 1) * 100:.0f} % of statements",
            ),
            ("rejected early", f"{now.statuses[Status.REJECTED] + now.statuses[Status.UNSOUND]:,}"),
            ("diverged", f"{now.statuses[Status.DIVERGED]:,}"),
            ("best", self._best()),
            ("tuned Lion", tables.fitness(self._lion, self._price.of(builtin("lion")))),
            ("elapsed", f"{self._elapsed():.0f} s, round {self._round + 1} of {self._rounds}"),
            ("time left", self._left()),
            ("workers", self._workers()),
            ("restarts", f"{now.restarts:,}"),
            ("selection trials", f"{self._trained:,}"),
            ("", ""),
        ]
        table = Table.grid(padding=(0, 2))
        if self._console.width < _WIDE:
            for row in rows[:-1]:
                table.add_row(*row)
        else:
            for left, right in zip(rows[::2], rows[1::2], strict=True):
                table.add_row(*left, *right)
        parts: list[RenderableType] = [Text(self._phase, style="bold"), table]
        if now.best is not None:
            parts.append(tables.champion(now.best))
        return Panel(Group(*parts), title="optsearch", subtitle="Ctrl-C: finish, save and report")
