"""The champion of a run: that of `summary.json`, or of `best.py` and `simplified.py` in a folder without this file.

The first line of `best.py`, which `search.running.summary` writes, names the candidate that the champion comes from.
"""

import re
from pathlib import Path
from typing import NamedTuple

from primitives import Program, UserError, load_program, parse
from search.record.candidate_table import CandidateRow
from search.record.chain import SEARCH_ENDED
from search.record.folder import BEST, SIMPLIFIED, SUMMARY
from search.record.journal import Journal
from search.record.opening import check_regular
from search.record.summary_file import SummaryFile, read_summary

_LARGEST_LINE = 1000  # characters of the first line that are read
_FIRST_LINE = re.compile(
    r"# Candidate (\d{1,15}) of repeat (\d{1,15})( with its constants tuned)?; fitness (-?[\d.]+|inf|nan) on seeds "
)


class ChampionFiles(NamedTuple):
    """The champion, as the files of a run folder have it.

    Attributes:
        program: the champion, with tuned constants.
        simplified: the champion after simplification.
        row: the candidate that it comes from.
        fitness: its fitness on the seeds by which it was chosen.
        tuned: whether its constants were tuned after the search.
    """

    program: Program
    simplified: Program
    row: CandidateRow
    fitness: float
    tuned: bool


class Conclusion(NamedTuple):
    """What a run folder has of the end of its run.

    Attributes:
        summary: contents of `summary.json`; `None` if it is missing or cannot be used.
        files: the champion in the other files, if there is no summary.
        problem: reason why the summary cannot be used; otherwise empty.
    """

    summary: SummaryFile | None
    files: ChampionFiles | None
    problem: str


def read_conclusion(folder: Path, journal: Journal) -> Conclusion:
    """Read the champion of a run; both fields are `None` if it was not chosen yet.

    If the search was extended since the champion was chosen, its files are of an earlier state and are not used. Older
    versions wrote no digest into the summary, so that this cannot be known.
    """
    try:
        summary = read_summary(folder)
    except UserError as error:
        return Conclusion(None, _read_files(folder, journal), str(error))
    if summary is not None and summary.digest not in ("", journal.digest()):
        return Conclusion(None, None, f"`{folder / SUMMARY}` is of an earlier state of the search")
    return Conclusion(summary, None if summary else _read_files(folder, journal), "")


def _read_files(folder: Path, journal: Journal) -> ChampionFiles | None:
    """Read the champion of a run whose search has ended.

    Returns:
        The champion; `None` if the search has not ended, a file is missing or has no program that can be parsed, or
        `best.py` differs by more than its constants from the candidate in the journal that it names.
    """
    if not journal.meta().get(SEARCH_ENDED):
        return None
    try:
        for name in (BEST, SIMPLIFIED):
            check_regular(folder / name)
        program, simplified = (load_program(str(folder / name)) for name in (BEST, SIMPLIFIED))
        with (folder / BEST).open(encoding="utf-8") as file:
            found = _FIRST_LINE.match(file.readline(_LARGEST_LINE))
        if found is None:
            return None
        number, repeat, tuned, fitness = found.groups()
        row = next(journal.rows("repeat = ? and number = ?", given=(int(repeat), int(number))), None)
        if row is None or _structure(program) != _structure(parse(row.program)):
            return None
        return ChampionFiles(program, simplified, row, float(fitness), bool(tuned))
    except (OSError, UnicodeDecodeError, UserError, ValueError):
        return None


def _structure(program: Program) -> Program:
    """The program with all constants replaced by 0."""
    return program.with_constants(0.0 for _ in program.constants())
