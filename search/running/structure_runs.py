"""Execution of the algorithm `structures`: all repeats run concurrently.

Losses of trials are recorded as they arrive, candidates when their generation is complete. A resumed run breeds its
generations again. It does not repeat recorded trials, and checks that it breeds the recorded candidates.
"""

from collections.abc import Callable, Sequence

from primitives import Program, UserError
from search.algorithms import structure_search
from search.engine import Record
from search.running.breeding_helpers import breeding_helpers
from search.running.open_run import OpenRun
from search.running.recorded_trials import RecordedTrials


def search_structures(opened: OpenRun, start: Program, repeats: Sequence[int], trials: RecordedTrials) -> bool:
    """Search some repeats, continuing from the journal.

    Args:
        opened: the run.
        start: the starting program.
        repeats: numbers of the repeats.
        trials: runs the trials by which candidates are scored.

    Returns:
        Whether all repeats are complete.

    Raises:
        UserError: the candidates in the journal differ from those that are bred.
    """
    with breeding_helpers(opened.config, opened.reporter.warning) as helpers:
        searches = [structure_search(opened.config, repeat, helpers) for repeat in repeats]
        works = [
            search.run(start, _recorder(repeat, opened), opened.stop.is_set)
            for repeat, search in zip(repeats, searches, strict=True)
        ]
        return all(trials.run(works))


def _recorder(repeat: int, opened: OpenRun) -> Callable[[Sequence[Record]], None]:
    """Make a function that records the candidates of a generation that are not in the journal yet."""
    known = {entry.number: entry.hash for entry in opened.journal.history(repeat)}

    def record(records: Sequence[Record]) -> None:
        for found in records:
            number, hashed = found.candidate.number, found.candidate.hash
            if known.get(number, hashed) != hashed:
                raise UserError(
                    f"candidate {number} of repeat {repeat} differs from the one in the journal; the run was started "
                    f"with another version of optsearch, or on a machine that rounds differently"
                )
        new = [found for found in records if found.candidate.number not in known]
        opened.journal.append(repeat, new)
        opened.reporter.candidates_recorded(new)

    return record
