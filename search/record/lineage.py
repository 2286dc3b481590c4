"""The ancestry of a candidate: the mutations that changed its function, with the changed lines."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from primitives import ProgramError, live_part, parse, statement_text
from search.record.candidate_table import CandidateRow
from search.record.journal import Journal, Outcome

_MOST_LINES = 1000  # lines of a program that cannot be analysed; others are shorter
_MOST_PAIRS = 10_000  # pairs of lines that are compared, 100 lines with 100; the time is cubic in the worst case


class Change(NamedTuple):
    """A line of the live part and its sign: `-` removed, `+` added, blank unchanged."""

    sign: str
    line: str


class Ancestor(NamedTuple):
    """A candidate in the ancestry of another.

    Attributes:
        number: number of the candidate.
        mutation: name of the change made to the parent.
        fitness: fitness; infinite if training diverged.
        hash: functional hash.
        live: its live statements.
        changes: its live statements and those that its parent had in their place, in order; no signs for the first.
    """

    number: int
    mutation: str
    fitness: float
    hash: str
    live: list[str]
    changes: list[Change]


def ancestry(journal: Journal, repeat: int, number: int) -> list[Ancestor]:
    """The ancestors of a candidate and itself, oldest first, without those that compute what their parent computes."""
    steps: list[Ancestor] = []
    for row in journal.lineage(repeat, number):
        if not steps or steps[-1].hash != row.hash:
            lines = live_lines(row)
            before = steps[-1].live if steps else lines
            changes = differences(before, lines)
            steps.append(Ancestor(row.number, row.mutation, row.fitness, row.hash, lines, changes))
    return steps


def other_children(journal: Journal, repeat: int, number: int) -> list[list[Outcome]]:
    """Children of the ancestors of a candidate that are not ancestors themselves.

    Returns:
        For each step of `ancestry`, the outcomes of the other children of the candidates that compute its function.
    """
    step_of: dict[int, int] = {}
    last, step = None, -1
    for row in journal.lineage(repeat, number):
        step += row.hash != last
        last, step_of[row.number] = row.hash, step
    found: list[list[Outcome]] = [[] for _ in range(step + 1)]
    for parent, outcome in journal.children(repeat, step_of):
        if outcome.number not in step_of:
            found[step_of[parent]].append(outcome)
    return found


def differences(before: Sequence[str], after: Sequence[str]) -> list[Change]:
    """The difference of two programs line by line; common lines occur once.

    Long programs are not compared: all lines of the first are removed, and all lines of the second added.

    >>> differences(["a", "b"], ["a", "c"])
    [Change(sign=' ', line='a'), Change(sign='-', line='b'), Change(sign='+', line='c')]
    """
    if len(before) * len(after) > _MOST_PAIRS:
        return [Change("-", line) for line in before] + [Change("+", line) for line in after]
    found: list[Change] = []
    for kind, first, last, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found += [Change(" ", line) for line in before[first:last]]
        else:
            found += [Change("-", line) for line in before[first:last]]
            found += [Change("+", line) for line in after[start:end]]
    return found


def unreadable(row: CandidateRow) -> str:
    """Reason why the program of a row cannot be analysed, such as an unknown function; empty if it can."""
    try:
        parse(row.program)
    except ProgramError as error:
        return str(error)
    return ""


def live_lines(row: CandidateRow) -> list[str]:
    """Live statements of the program of a row; its first lines if it cannot be analysed."""
    try:
        program = parse(row.program)
    except ProgramError:
        return [line.strip() for line in row.program.splitlines()[1:-1][:_MOST_LINES]]
    return [statement_text(statement) for statement in live_part(program).statements]
