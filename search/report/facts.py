"""The data of a report, read from a run folder."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from primitives import Program, ProgramError, builtin, live_part, parse, to_text
from search.record import (
    LION,
    SEARCH_ENDED,
    Ancestor,
    CandidateRow,
    ChampionFiles,
    Journal,
    Outcome,
    Resemblance,
    SimplifyStep,
    SummaryFile,
    ancestry,
    front,
    live_lines,
    other_children,
    read_conclusion,
)
from search.report.history import History, history
from search.settings import plain_config
from selection import TUNED_LION, derive
from simplify import Recognised


@dataclass(frozen=True)
class Champion:
    """The program that the report is about.

    Attributes:
        found: text of the live part, as found by the search or with tuned constants.
        simplified: text of the simplified program; equal to `found` if the program cannot be analysed.
        programs: both programs, parsed, by title; empty if a function is unknown, such as one of a plugin.
        repeat: number of the repeat.
        number: number of the candidate.
        fitness: fitness in the search.
        recognised: name of the known optimizer that the program is.
        constants: hyperparameters by their usual names, if the program was recognised.
        resembles: known optimizer that the program equals except for a remainder, and the remainder.
        evidence: tests that the recognised program has passed.
        verdict: result of recognition.
        steps: steps of the derivation.
        tuned: whether the constants were tuned after the search.
        chosen: whether the run chose it at its end; otherwise it is the candidate of lowest fitness.
        fresh: fitness on the seeds by which it was chosen; NaN if it was not chosen.
    """

    found: str
    simplified: str
    programs: Mapping[str, Program]
    repeat: int
    number: int
    fitness: float
    recognised: str | None = None
    constants: Mapping[str, float] | None = None
    resembles: str | None = None
    evidence: str = ""
    verdict: str = ""
    steps: Sequence[SimplifyStep] = ()
    tuned: bool = False
    chosen: bool = False
    fresh: float = math.nan


@dataclass(frozen=True)
class Facts:
    """The data of a report.

    Attributes:
        run: path of the run folder.
        meta: notes of the journal.
        config: the config of the journal, checked and with defaults.
        statistics: counts of the journal.
        digest: hash of the recorded history.
        complete: whether the search is complete.
        summary: contents of `summary.json`; `None` if the run has not ended, or is kept without this file.
        notes: messages about parts that could not be read.
        champion: the champion; `None` if no program was trained on all seeds.
        front: the best candidate of each length.
        ancestors: ancestors of the champion, oldest first.
        siblings: for each ancestor, the outcomes of its children that are not ancestors of the champion.
        course: course of the search.
        references: fitness of the tuned AdamW and Lion in the search, with price; NaN if unknown.
    """

    run: Path
    meta: Mapping[str, Any]
    config: Mapping[str, Any]
    statistics: Mapping[str, Any]
    digest: str
    complete: bool
    summary: SummaryFile | None
    notes: Sequence[str]
    champion: Champion | None
    front: Sequence[CandidateRow]
    ancestors: Sequence[Ancestor]
    siblings: Sequence[Sequence[Outcome]]
    course: History
    references: Mapping[str, float]

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks of the search."""
        return [str(entry["name"] if isinstance(entry, dict) else entry) for entry in self.config["tasks"]]


def gather(run: Path, journal: Journal, *, course: bool = True) -> Facts:
    """Collect the data of the report of a run.

    Args:
        run: the run folder.
        journal: its journal, open.
        course: read the course of the search, the front, and the siblings of ancestors, which requires reading all
            candidates.
    """
    meta = journal.meta()
    summary, kept, problem = read_conclusion(run, journal)
    champion = _champion(summary) if summary else _kept(kept) if kept else _leader(journal)
    return Facts(
        run=run,
        meta=meta,
        config=plain_config(meta["config"], run),
        statistics=journal.statistics(),
        digest=journal.digest(),
        complete=bool(meta.get(SEARCH_ENDED)),
        summary=summary,
        notes=[f"{problem}; it is not used"] if problem else [],
        champion=champion,
        front=front(journal) if course else [],
        ancestors=ancestry(journal, champion.repeat, champion.number) if champion else [],
        siblings=other_children(journal, champion.repeat, champion.number) if champion and course else [],
        course=history(journal.outcomes() if course else (), journal.counts()),
        references=_references(journal, summary),
    )


def _champion(summary: SummaryFile) -> Champion:
    """The champion of a run that has ended."""
    best, simplified = summary.best, summary.simplified
    return Champion(
        found=best.live,
        simplified=simplified.program,
        programs=_parsed({"found, live part": best.live, "simplified": simplified.program}),
        repeat=best.repeat,
        number=best.number,
        fitness=best.search_fitness,
        recognised=simplified.recognised,
        constants=simplified.constants,
        resembles=_named(simplified.resembles),
        evidence=simplified.evidence,
        verdict=simplified.verdict,
        steps=simplified.steps,
        tuned=best.tuned,
        chosen=True,
        fresh=best.fitness,
    )


def _kept(files: ChampionFiles) -> Champion:
    """The champion of a run that has ended, without the steps of its simplification."""
    found, live = derive(files.simplified), live_part(files.program)
    return Champion(
        found=to_text(live),
        simplified=to_text(files.simplified),
        programs={"found, live part": live, "simplified": files.simplified},
        repeat=files.row.repeat,
        number=files.row.number,
        fitness=files.row.fitness,
        recognised=found.recognised.name if found.recognised else None,
        constants=found.recognised.constants if found.recognised else {},
        resembles=_named(found.resembles),
        evidence=found.recognised.evidence if found.recognised else "",
        verdict=found.verdict,
        tuned=files.tuned,
        chosen=True,
        fresh=files.fitness,
    )


def _leader(journal: Journal) -> Champion | None:
    """The candidate of lowest fitness so far, simplified by exact rules."""
    for row in journal.best(1):
        lines = "\n".join(live_lines(row))
        try:
            program = live_part(parse(row.program))
        except ProgramError:
            return Champion(
                lines, lines, {}, row.repeat, row.number, row.fitness, verdict="calls a function of a plugin"
            )
        found = derive(program)
        return Champion(
            found=to_text(program),
            simplified=to_text(found.program),
            programs={"best so far, live part": program, "simplified": found.program},
            repeat=row.repeat,
            number=row.number,
            fitness=row.fitness,
            recognised=found.recognised.name if found.recognised else None,
            constants=found.recognised.constants if found.recognised else {},
            evidence=found.recognised.evidence if found.recognised else "",
            verdict=found.verdict,
            steps=[SimplifyStep(**vars(step)) for step in found.steps],
        )
    return None


def _named(found: Resemblance | Recognised | None) -> str | None:
    """A known optimizer and the remainder; `None` without a remainder."""
    return f"{found.name}, but for {'; '.join(found.remainder)}" if found and found.remainder else None


def _parsed(texts: Mapping[str, str]) -> dict[str, Program]:
    """Programs by title; empty where one cannot be analysed."""
    try:
        return {title: parse(text) for title, text in texts.items()}
    except ProgramError:
        return {}


def _references(journal: Journal, summary: SummaryFile | None) -> dict[str, float]:
    """Fitness of the tuned AdamW, which is its price, and of the tuned Lion.

    That of Lion is on the seeds of the search where it was noted, and on fresh seeds otherwise.
    """
    price, lion = journal.price, journal.meta().get(LION)
    if not isinstance(lion, float):
        rows = [row for row in (summary.comparison if summary else ()) if row.program == TUNED_LION]
        fresh = [row.log_ratio for row in rows if row.split == "validation"]
        lion = fresh[0] + price.of(builtin("lion")) if len(fresh) == 1 else math.nan
    return {"AdamW": price.of(builtin("adamw")), "Lion": lion}
