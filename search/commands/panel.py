"""Progress of a run, for people: a live panel on a terminal, one plain line every few seconds elsewhere.

Everything goes to standard error, so that standard output holds results alone. The clock is read here and nowhere in
the engine.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from primitives.program import Program
from primitives.text import parse
from proxy_tasks.fitness import Status
from search.commands import tables
from search.engine.candidate import Record
from search.record.journal import Journal
from search.settings.config import Config
from search.settings.tasks import task_name

_PLAIN_EVERY = 5.0  # seconds between plain lines


@dataclass
class Counts:
    """What has been recorded so far, over all repeats."""

    children: int = 0
    evaluated: int = 0
    statements: int = 0
    live_statements: int = 0
    restarts: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    best_fitness: float = math.inf
    best: Program | None = None

    @classmethod
    def of(cls, journal: Journal) -> Self:
        """What a journal holds."""
        known = journal.statistics()
        numbers = {name: known[name] for name in ("children", "evaluated", "statements", "live_statements", "restarts")}
        counts = cls(**numbers, statuses=Counter(known["evaluated_by_status"]))
        for row in journal.best(1):
            counts.best_fitness, counts.best = row.fitness, parse(row.program)
        return counts

    def add(self, record: Record) -> None:
        """One candidate more."""
        candidate, score = record
        self.children += 1
        self.statements += len(candidate.program.statements)
        self.live_statements += candidate.live
        self.restarts = max(self.restarts, candidate.restarts)
        if record.evaluated:
            self.evaluated += 1
            self.statuses[score.status] += 1
            if score.status is Status.OK and score.fitness < self.best_fitness:
                self.best_fitness, self.best = score.fitness, candidate.program


class Progress:
    """Shows what happens; a context manager.

    Args:
        quiet: show nothing at all.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._live: Live | None = None
        self._counts = self._before = Counts()
        self._total, self._most_evaluated, self._rounds = 1, math.inf, 1
        self._round = self._trained = 0
        self._workers: Callable[[], str] = lambda: "starting"
        self._lion = math.nan
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
        """Say something that the user should know."""
        self._console.print(Text(f"note: {message}"))

    def begin(self, config: Config, journal: Journal) -> None:
        """A run begins, or goes on with what its journal holds."""
        settings = config.search
        searches = settings.repeats * settings.rounds
        self._rounds, self._total = settings.rounds, (settings.children + 1) * searches
        self._most_evaluated = (settings.evaluations or math.inf) * searches
        self._counts, self._before = Counts.of(journal), Counts.of(journal)
        held = f" ({self._before.children:,} candidates are in the journal)" if self._before.children else ""
        tasks = ", ".join(task_name(entry) for entry in config.tasks)
        self._line(f"search from {config.program} on {tasks}{held}; {self._phase}")

    def reference(self, lion: float) -> None:
        """Fitness of the tuned Lion on the seeds of the search."""
        self._lion = lion

    def watch(self, workers: Callable[[], str]) -> None:
        """Who is at work can be asked there."""
        self._workers = workers

    def round(self, number: int) -> None:
        """A round begins."""
        self._round, self._phase = number, "searching"

    def recorded(self, records: Sequence[Record]) -> None:
        """Candidates became final."""
        for record in records:
            self._counts.add(record)
        if time.monotonic() - self._shown >= _PLAIN_EVERY:
            self._line(self._summary())

    def stopping(self) -> None:
        """The user asked to stop."""
        self.note("stopping: what is in flight is finished first; Ctrl-C again ends the run at once")

    def phase(self, name: str) -> None:
        """The search is over, and something else is being done."""
        self._phase = name
        self._line(f"{self._summary()}; {name}")

    def trained(self, number: int) -> None:
        """So many trials of selection were done since the beginning."""
        self._trained = number
        if time.monotonic() - self._shown >= _PLAIN_EVERY:
            self._line(f"{self._phase}; {number:,} trainings")

    def _line(self, text: str) -> None:
        """One plain line, where there is no terminal."""
        self._shown = time.monotonic()
        if self._live is None:
            self._console.print(Text(f"[{self._elapsed():5.0f} s] {text}"), soft_wrap=True)

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _rate(self, now: int, before: int) -> float:
        """Of a count, a second."""
        return (now - before) / max(self._elapsed(), 1e-9)

    def _left(self) -> str:
        now, before = self._counts, self._before
        share = (now.children - before.children) / max(self._total - before.children, 1)
        share = max(share, (now.evaluated - before.evaluated) / max(self._most_evaluated - before.evaluated, 1))
        if not share:
            return "–"
        seconds = self._elapsed() * (1 / share - 1)
        return f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"

    def _summary(self) -> str:
        counts = self._counts
        return (
            f"{counts.children:,}/{self._total:,} children, {counts.evaluated:,} evaluated, "
            f"{counts.children - counts.evaluated:,} cache hits; best {tables.fitness(counts.best_fitness)}; "
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
            ("best", tables.fitness(now.best_fitness)),
            ("tuned Lion", tables.fitness(self._lion)),
            ("elapsed", f"{self._elapsed():.0f} s, round {self._round + 1} of {self._rounds}"),
            ("time left", self._left()),
            ("workers", self._workers()),
            ("restarts", f"{now.restarts:,}"),
            ("trainings after it", f"{self._trained:,}"),
            ("", ""),
        ]
        table = Table.grid(padding=(0, 2))
        for left, right in zip(rows[::2], rows[1::2], strict=True):
            table.add_row(*left, *right)
        parts: list[RenderableType] = [Text(self._phase, style="bold"), table]
        if now.best is not None:
            parts.append(tables.champion(now.best))
        return Panel(Group(*parts), title="optsearch", subtitle="Ctrl-C: finish, save and report")
