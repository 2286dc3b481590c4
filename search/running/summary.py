"""The summary of a run: the champion, its comparison with the baselines, and the files of the run folder."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from primitives import UserError, escaped, export, functional_hash, live, live_part, to_text
from search.record import (
    BEST,
    CHECKS,
    DRAWING,
    EXPORT,
    SIMPLIFIED,
    SUMMARY,
    CandidateRow,
    plain,
    whole_file,
    write_text,
)
from search.running.overfitting import Check
from search.running.overfitting import draw as draw_checks
from search.running.setup import versions
from search.running.studies import Studies
from selection import Comparison, Derivation, Finalist, FunnelResult
from simplify import hyperparameters


@dataclass(frozen=True)
class Summary:
    """Result of a run.

    Attributes:
        champion: the chosen program, with its fitness on the seeds of the choice.
        row: the row of the champion in the journal.
        table: comparison of the champion with the tuned baselines, on other seeds.
        complete: whether the search is complete.
        digest: hash of the recorded history.
        statistics: counts of the journal.
        derivation: the simplified champion, its steps, and the recognised optimizer.
        shares: weight of each task in the fitness, by name.
        funnel: results of the funnel; `None` if no stage was run.
        checks: results of the checks for meta-overfitting.
        studies: learning curves and sensitivities for the report.
        trained: number of trials that this command ran.
        hosts: usage of the hosts of the workers, by name: jobs, busy share of the time, deaths.
    """

    champion: Finalist
    row: CandidateRow
    table: tuple[Comparison, ...]
    complete: bool
    digest: str
    statistics: dict[str, Any]
    derivation: Derivation
    shares: dict[str, float]
    funnel: FunnelResult | None = None
    checks: tuple[Check, ...] = ()
    studies: Studies = field(default_factory=Studies)
    trained: int = 0
    hosts: dict[str, Any] = field(default_factory=dict)

    def as_json(self, run: Path) -> dict[str, Any]:
        """Plain values: the output of `--json` and the contents of `summary.json`."""
        program = self.champion.program
        simplified = self.derivation.as_json()
        return {
            "run": str(run),
            "complete": self.complete,
            "tasks": self.shares,
            "best": {
                "program": to_text(program),
                "live": to_text(live_part(program)),
                "fitness": self.champion.fitness,
                "search_fitness": self.row.fitness,
                "recognised": simplified["recognised"],
                "hash": functional_hash(program),
                "repeat": self.row.repeat,
                "number": self.row.number,
                "tuned": self.champion.tuned,
                "as_found": self.row.program,
            },
            "simplified": simplified,
            "digest": self.digest,
            "children": self.statistics["children"],
            "evaluated": self.statistics["evaluated"],
            "statistics": self.statistics,
            "comparison": [row.as_json() for row in self.table],
            **(self.funnel.as_json() if self.funnel else {"stages": [], "table": []}),
            "checks": [check.as_json() for check in self.checks],
            **self.studies.as_json(),
            "trained": self.trained,
            "hosts": self.hosts,
            "versions": versions(),
        }


def write_summary(folder: Path, summary: Summary) -> None:
    """Write `summary.json`, and the champion as found, simplified, as optax code and as a drawing."""
    from primitives.drawing import draw  # imports matplotlib, which is slow

    program, simplified = summary.champion.program, summary.derivation.program
    origin = f"candidate {summary.row.number} of repeat {summary.row.repeat}"
    tuned = " with its constants tuned" if summary.champion.tuned else ""
    fitness = f"fitness {summary.champion.fitness:.4f} on seeds that the search did not use"
    note = (
        f"{len(live(simplified).lines)} statements of {len(program.statements)} are left after "
        f"{len(summary.derivation.steps)} steps; {summary.derivation.verdict}"
    )
    source = f"Found by program search: {origin}{tuned}, simplified"
    write_text(folder / BEST, f"# {origin.capitalize()}{tuned}; {fitness}.\n{to_text(program)}")
    write_text(folder / SIMPLIFIED, f"# {origin.capitalize()}{tuned}, simplified: {note}.\n{to_text(simplified)}")
    try:
        names = hyperparameters(simplified)
        code = export(simplified, "optax", "discovered", f"{source}; {fitness}.", hyperparameters=names)
    except UserError as error:  # a custom primitive without `code`
        code = f"# Not exported: {escaped(str(error))}.\n"
    write_text(folder / EXPORT, code)
    with whole_file(folder / DRAWING) as part:
        draw({"found: live part": program, "simplified": simplified}, part)
    if summary.checks:
        with whole_file(folder / CHECKS) as part:
            draw_checks(summary.checks, part)
    write_text(folder / SUMMARY, json.dumps(plain(summary.as_json(folder)), indent=2) + "\n")
