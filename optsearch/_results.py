"""Results of a run as values, read from its open journal and its summary."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optsearch._found import Found, Interval
from primitives import ProgramError, UserError, live_part, parse
from proxy_tasks import Price
from search.record import CandidateRow, ChampionFiles, Conclusion, Journal, SummaryFile, front, read_conclusion
from selection import FOUND
from simplify import recognise


def best_of(folder: Path, journal: Journal) -> Found | None:
    """The champion; before the end of the run, the candidate of lowest fitness. `None` if there is no candidate.

    A summary that cannot be used is left out with a warning.

    Raises:
        ProgramError: the program calls an unknown function, such as one of a plugin.
    """
    conclusion = read_conclusion(folder, journal)
    if conclusion.problem:
        warnings.warn(f"{conclusion.problem}; it is not used", stacklevel=3)
    return champion_of(conclusion, journal) or next((_found(row, journal) for row in journal.best(1)), None)


def champion_of(conclusion: Conclusion, journal: Journal) -> Found | None:
    """The champion of a run that has ended, or `None`; raises `ProgramError` if it calls an unknown function."""
    if conclusion.summary:
        return _champion(conclusion.summary, journal.price)
    return _kept(conclusion.files, journal.price) if conclusion.files else None


def _champion(summary: SummaryFile, price: Price) -> Found:
    """Convert the champion in `summary.json`."""
    best, simplified = summary.best, summary.simplified
    rows = [row for row in summary.comparison if (row.program, row.split) == (FOUND, "validation")]
    fresh = None
    if len(rows) == 1 and math.isfinite(rows[0].log_ratio):
        fresh = Interval(rows[0].log_ratio, *rows[0].interval)
    program = parse(best.program)
    return Found(
        program=program,
        fitness=math.inf if math.isnan(best.fitness) else best.fitness,
        number=best.number,
        repeat=best.repeat,
        length=len(parse(best.live).statements),
        fresh=fresh,
        recognised=simplified.recognised,
        simplified=parse(simplified.program),
        constants=simplified.constants,
        price=price.of(program),
    )


def _kept(files: ChampionFiles, price: Price) -> Found:
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
        price=price.of(files.program),
    )


def front_of(journal: Journal) -> tuple[Found, ...]:
    """The front; raises `ProgramError` if a program calls an unknown function."""
    return tuple(_found(row, journal) for row in front(journal))


@contextmanager
def naming_plugins(journal: Journal) -> Iterator[None]:
    """Turn a `ProgramError` into a `UserError` with the plugins to import.

    A run folder may come from others, so nothing that it names is imported here.
    """
    try:
        yield
    except ProgramError as error:
        names = [name.rpartition("/")[2] for name in journal.meta()["config"]["search"]["plugins"]]
        remedy = f"first import the plugins of the run: {', '.join(names)}" if names else "first register it"
        raise UserError(f"{error}; {remedy}") from None


def _found(row: CandidateRow, journal: Journal) -> Found:
    """Convert a row of the journal."""
    program = parse(row.program)
    return Found.of(row, program, journal.price.of(program))
