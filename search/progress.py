"""Progress of a run, for people: a live panel on a terminal, one plain line every few seconds elsewhere.

Everything goes to standard error, so that standard output holds results alone. The clock is read here and nowhere in
the engine.
"""

import math
import sys
import time
from collections import Counter
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from primitives.program import Program
from proxy_tasks.fitness import Status
from search import views
from search.config import Config
from search.engine import Record
from search.journal import Journal

_PLAIN_EVERY = 5.0  # seconds between plain lines


class Progress:
    """Counts what happens and shows it.

    Args:
        quiet: show nothing at all.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._live: Live | None = None
        self._total = self._children = self._evaluated = self._statements = self._redundant = 0
        self._before = 0  # children that were recorded before this process began
        self._statuses: Counter[str] = Counter()
        self._best: tuple[float, Program | None] = (math.inf, None)
        self._lion = math.nan
        self._repeats = 1
        self._repeat = 0
        self._phase = "starting: compiling the training loop"
        self._began = self._shown = time.monotonic()

    def __enter__(self) -> "Progress":
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

    def begin(self, config: Config) -> None:
        """A run begins, or goes on."""
        self._total = (config.search.children + 1) * config.search.repeats
        self._repeats = config.search.repeats
        self._line(f"search from {config.program} on {', '.join(config.tasks)}: {self._phase}")

    def reference(self, lion: float) -> None:
        """Fitness of the tuned Lion on the seeds of the search."""
        self._lion = lion

    def repeat(self, repeat: int, journal: Journal) -> None:
        """A repeat begins, with whatever the journal holds already."""
        self._repeat, self._phase = repeat, "searching"
        counts = journal.statistics()
        self._children, self._evaluated = counts["children"], counts["evaluated"]
        self._statuses = Counter(counts["evaluated_by_status"])
        self._before = self._before or self._children
        if self._children and self._before == self._children:
            self._line(f"{self._children:,} candidates are in the journal already")

    def recorded(self, records: Sequence[Record]) -> None:
        """Candidates became final."""
        for record in records:
            self._children += 1
            self._statements += len(record.candidate.program.statements)
            self._redundant += len(record.candidate.program.statements) - record.candidate.live
            if record.evaluated:
                self._evaluated += 1
                self._statuses[record.score.status] += 1
                if record.score.status is Status.OK and record.score.fitness < self._best[0]:
                    self._best = (record.score.fitness, record.candidate.program)
        if time.monotonic() - self._shown >= _PLAIN_EVERY:
            self._line(self._summary())

    def choosing(self) -> None:
        """The search is over; finalists are scored on fresh seeds."""
        self._phase = "choosing the champion on fresh seeds"
        self._line(f"{self._summary()}; {self._phase}")

    def _line(self, text: str) -> None:
        """One plain line, where there is no terminal."""
        self._shown = time.monotonic()
        if self._live is None:
            self._console.print(Text(f"[{self._elapsed():5.0f} s] {text}"), soft_wrap=True)
            sys.stderr.flush()

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _rate(self, count: int) -> float:
        return count / max(self._elapsed(), 1e-9)

    def _left(self) -> str:
        done = self._children - self._before
        if not done:
            return "–"
        seconds = (self._total - self._children) / self._rate(done)
        return f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"

    def _summary(self) -> str:
        hits = self._children - self._evaluated
        return (
            f"{self._children:,}/{self._total:,} children, {self._evaluated:,} evaluated, {hits:,} cache hits; "
            f"best {views.fitness(self._best[0])}; {self._left()} left"
        )

    def _panel(self) -> Panel:
        table = Table.grid(padding=(0, 2))
        for _ in range(4):
            table.add_column(no_wrap=True)
        done = self._children - self._before
        hits = self._children - self._evaluated
        share = self._redundant / max(self._statements, 1)
        rejected, diverged = self._statuses[Status.REJECTED], self._statuses[Status.DIVERGED]
        table.add_row("children", f"{self._children:,} of {self._total:,}", "children/s", f"{self._rate(done):.1f}")
        table.add_row("evaluations", f"{self._evaluated:,}", "cache hits", f"{hits / max(self._children, 1):.0%}")
        table.add_row("rejected early", f"{rejected:,}", "diverged", f"{diverged:,}")
        table.add_row("redundant", f"{share:.0%} of statements", "repeat", f"{self._repeat + 1} of {self._repeats}")
        table.add_row("best", views.fitness(self._best[0]), "tuned Lion", views.fitness(self._lion))
        table.add_row("elapsed", f"{self._elapsed():.0f} s", "time left", self._left())
        parts: list[RenderableType] = [Text(self._phase, style="bold"), table]
        if self._best[1] is not None:
            parts.append(views.champion(self._best[1]))
        return Panel(Group(*parts), title="optsearch", subtitle="Ctrl-C: finish, save and report")
