"""A run folder and its results: best program, front, candidates, lineage, and counts."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx

from optsearch._found import Found, Interval
from optsearch._temporary import TemporaryFolder
from primitives import UserError, live_part, parse
from search.record import (
    SEARCH_ENDED,
    SUMMARY,
    TABLE_COLUMNS,
    CandidateRow,
    ChampionFiles,
    Journal,
    front,
    look,
    query,
    read_champion,
    table_row,
)
from search.report import report_run
from simplify import recognise

if TYPE_CHECKING:
    import pandas as pd


class Candidates:
    """Recorded candidates of a run, as an iterable that reads the journal.

    Args:
        folder: the run folder.
        conditions: conditions that the candidates meet.
        keeper: the temporary folder of the run, which is not deleted before this object.
    """

    def __init__(
        self,
        folder: Path,
        conditions: tuple[Callable[[CandidateRow], bool], ...] = (),
        keeper: TemporaryFolder | None = None,
    ) -> None:
        self._folder, self._conditions, self._keeper = folder, conditions, keeper

    def where(self, text: str) -> "Candidates":
        """Filter the candidates by a query.

        Args:
            text: a condition on columns, such as `uses:sign and length < 8`. The columns are `number`, `repeat`,
                `parent`, `fitness`, `first_fitness`, `length`, `statements`, `status`, `mutation`, `hash` and
                `evaluated`; `uses:NAME` is true if the live part calls the function `NAME`.

        Returns:
            The candidates that also meet this condition.

        Raises:
            UserError: the text is not a valid query.
        """
        return Candidates(self._folder, (*self._conditions, query(text)), self._keeper)

    def __iter__(self) -> Iterator[CandidateRow]:
        with look(self._folder) as journal:
            for row in journal.rows():
                if all(condition(row) for condition in self._conditions):
                    yield row

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<{len(self):,} candidates of {self._folder}>"

    def to_pandas(self) -> "pd.DataFrame":
        """Convert to a table with the columns of the journal; requires pandas (`pip install pandas`).

        Returns:
            A data frame with one row for each candidate.
        """
        import pandas as pd

        return pd.DataFrame(map(table_row, self), columns=list(TABLE_COLUMNS))


@dataclass(frozen=True)
class Run:
    """A run; each property reads the run folder when it is accessed.

    If another process is executing the run, its recorded candidates so far are visible.

    Attributes:
        folder: the run folder.
    """

    folder: Path
    _keeper: TemporaryFolder | None = field(default=None, repr=False, compare=False)

    @property
    def summary(self) -> dict[str, Any]:
        """The contents of `summary.json`; empty before the end of the run."""
        path = self.folder / SUMMARY
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}

    @property
    def complete(self) -> bool:
        """Whether all candidates of the search are recorded."""
        with look(self.folder) as journal:
            return bool(journal.meta().get(SEARCH_ENDED))

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config, as plain values."""
        with look(self.folder) as journal:
            return dict(journal.meta()["config"])

    @property
    def digest(self) -> str:
        """Hash of the recorded history, without times; equal digests mean equal histories."""
        with look(self.folder) as journal:
            return journal.digest()

    @property
    def statistics(self) -> dict[str, Any]:
        """Counts: candidates, evaluations, cache hits, statuses, and share of redundant statements."""
        with look(self.folder) as journal:
            return journal.statistics()

    @property
    def best(self) -> Found:
        """The champion; before the end of the run, the candidate of lowest fitness.

        Raises:
            UserError: no candidate was trained on all seeds yet.
        """
        summary = self.summary
        with look(self.folder) as journal:
            if summary:
                found = _champion(summary)
                return replace(found, price=journal.price.of(found.program))
            kept = read_champion(self.folder, journal)
            if kept:
                return _kept(kept, journal.price.of(kept.program))
            for row in journal.best(1):
                return _found(row, journal)
        raise UserError(f"run `{self.folder}` has no program that was trained on all seeds yet")

    @property
    def front(self) -> tuple[Found, ...]:
        """For each number of live statements, the best program, if it is better than all shorter programs."""
        with look(self.folder) as journal:
            return tuple(_found(row, journal) for row in front(journal))

    @cached_property
    def candidates(self) -> Candidates:
        """All recorded candidates."""
        return Candidates(self.folder, keeper=self._keeper)

    def lineage(self, found: Found) -> nx.DiGraph:
        """The ancestors of a program as a graph.

        Args:
            found: a program of this run.

        Returns:
            A path from the starting program to the program. Nodes are candidate numbers with the attributes
            `program`, `fitness` and `mutation`; edges point from parent to child.
        """
        graph: nx.DiGraph = nx.DiGraph()
        with look(self.folder) as journal:
            for row in journal.lineage(found.repeat, found.number):
                graph.add_node(row.number, program=parse(row.program), fitness=row.fitness, mutation=row.mutation)
                if row.parent is not None:
                    graph.add_edge(row.parent, row.number)
        return graph

    def report(self, path: str | Path | None = None) -> Path:
        """Write the report: one HTML file that needs no network.

        Args:
            path: path of the file; `report.html` in the run folder by default.

        Returns:
            The path of the file.
        """
        return report_run(self.folder, None if path is None else Path(path))

    def __repr__(self) -> str:
        spent = self.statistics
        lines = [
            f"Run {self.folder}: {'complete' if self.complete else 'not complete'}, "
            f"{spent['children']:,} candidates, {spent['evaluated']:,} evaluated",
            "      length   fitness",
            *(f"  {found.length:10d}  {found.fitness:+8.4f}  {found.percent()}" for found in self.front),
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from optsearch._display import run_html

        return run_html(self)


def _found(row: CandidateRow, journal: Journal) -> Found:
    """Convert a row of the journal."""
    program = parse(row.program)
    return Found.of(row, program, journal.price.of(program))


def _kept(files: ChampionFiles, price: float) -> Found:
    """Convert the champion of a run folder without `summary.json`."""
    known = recognise(files.simplified)
    return Found(
        program=files.program,
        fitness=files.fitness,
        number=files.row.number,
        repeat=files.row.repeat,
        length=len(live_part(files.program).statements),
        recognised=known.name if known else None,
        simplified=files.simplified,
        constants=dict(known.constants) if known else {},
        price=price,
    )


def _champion(summary: dict[str, Any]) -> Found:
    """Convert the champion in `summary.json`."""
    best, simplified = summary["best"], summary["simplified"]
    rows = [row for row in summary["comparison"] if (row["program"], row["split"]) == ("found", "validation")]
    fresh = None
    if len(rows) == 1 and rows[0]["log_ratio"] is not None:
        fresh = Interval(rows[0]["log_ratio"], *rows[0]["interval"])
    fitness = float("inf") if best["fitness"] is None else best["fitness"]
    return Found(
        program=parse(best["program"]),
        fitness=fitness,
        number=best["number"],
        repeat=best["repeat"],
        length=len(parse(best["live"]).statements),
        fresh=fresh,
        recognised=simplified["recognised"],
        simplified=parse(simplified["program"]),
        constants=simplified["constants"],
    )
