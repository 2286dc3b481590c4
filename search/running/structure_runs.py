"""Repeats of the algorithm `structures` over the bench of a run, side by side.

Losses of trials are on record as soon as they are known, candidates once their generation is complete. A run that goes
on breeds its generations again: what the journal holds is not trained again, and candidates that it holds are checked
against those that are bred.
"""

from collections.abc import Callable, Sequence

from primitives.errors import UserError
from primitives.program import Program
from search.algorithms.factory import structure_search
from search.commands.panel import Progress
from search.engine.candidate import Record
from search.record.journal import Journal
from search.running.recorded_trials import RecordedBench
from search.settings.config import Config


def search_structures(
    config: Config,
    start: Program,
    repeats: Sequence[int],
    *,
    journal: Journal,
    bench: RecordedBench,
    progress: Progress,
    stop: Sequence[int],
) -> bool:
    """Search some repeats from what the journal holds; whether all came to their end.

    Args:
        config: of the run.
        start: the starting program.
        repeats: their numbers.
        journal: of the run.
        bench: trains.
        progress: is told of new candidates.
        stop: not empty once the user has asked to stop.

    Raises:
        UserError: the journal holds other candidates than those that are bred.
    """
    works = [
        structure_search(config, repeat).run(start, _recorder(repeat, journal, progress), lambda: bool(stop))
        for repeat in repeats
    ]
    return all(bench.run(works))


def _recorder(repeat: int, journal: Journal, progress: Progress) -> Callable[[Sequence[Record]], None]:
    """Takes the candidates of a generation, and writes those that are not in the journal yet."""
    known = {past.number: past.hash for past in journal.past(repeat)}

    def record(records: Sequence[Record]) -> None:
        for found in records:
            number, hashed = found.candidate.number, found.candidate.hash
            if known.get(number, hashed) != hashed:
                raise UserError(
                    f"candidate {number} of repeat {repeat} is not the one in the journal; "
                    f"the run was begun with another version of optsearch, or on another kind of machine"
                )
        new = [found for found in records if found.candidate.number not in known]
        journal.append(repeat, new)
        progress.recorded(new)

    return record
