"""A run folder and its results: best program, front, candidates, lineage, and counts."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import networkx as nx

from optsearch._candidates import Candidates
from optsearch._found import Found
from optsearch._results import best_of, front_of, naming_plugins
from optsearch._temporary import TemporaryFolder
from primitives import UserError, parse
from search.record import SEARCH_ENDED, SUMMARY, look, read_summary
from search.report import report_run


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
        """The contents of `summary.json`; empty before the end of the run.

        If the search was extended since, the summary is of an earlier state, whose digest is the value of `digest`.

        Raises:
            UserError: the file cannot be read, or is not a summary.
        """
        if read_summary(self.folder) is None:
            return {}
        return dict(json.loads((self.folder / SUMMARY).read_bytes()))

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

        A `summary.json` that is damaged, or of an earlier state of the search, is left out with a warning.

        Raises:
            UserError: no candidate was trained on all seeds yet, or the program calls a function of a plugin that is
                not imported.
        """
        with look(self.folder) as journal, naming_plugins(journal):
            found = best_of(self.folder, journal)
        if found is not None:
            return found
        raise UserError(f"run `{self.folder}` has no program that was trained on all seeds yet")

    @property
    def front(self) -> tuple[Found, ...]:
        """For each number of live statements, the best program, if it is better than all shorter programs.

        Raises:
            UserError: a program calls a function of a plugin that is not imported.
        """
        with look(self.folder) as journal, naming_plugins(journal):
            return front_of(journal)

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

        Raises:
            UserError: a program calls a function of a plugin that is not imported.
        """
        graph: nx.DiGraph = nx.DiGraph()
        with look(self.folder) as journal, naming_plugins(journal):
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
        from optsearch._display import run_text

        return run_text(self.folder)

    def _repr_html_(self) -> str:
        from optsearch._display import run_html

        return run_html(self.folder)
