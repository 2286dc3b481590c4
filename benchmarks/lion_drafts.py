"""What became of the candidates that were Lion with decay: `python -m benchmarks.lion_drafts [RUN…]`.

For each of the committed runs in `results/`, or for the given run folders, it counts the
candidates that are recognised as Lion with decay after exact simplification: all of them, those that were evaluated
(the others were dropped as duplicates), those that became an incumbent of their cell, and the number of the first of
each. Steps that only tune constants (`refined`) and those that delete statements (`pruned`) are left out.
"""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from benchmarks.lion_report import TABLES, kept
from primitives import parse
from search.algorithms import structure_of
from search.record import Journal, look
from search.running import TARGETS
from selection import derive

TARGET = TARGETS["lion"]
LEFT_OUT = ("refined", "pruned", "start")


def counts(journal: Journal) -> list[str]:
    """Cells of a row of the table: numbers of candidates, and the first of each kind."""
    by_structure: dict[str, bool] = {}

    @cache
    def is_lion(text: str) -> bool:
        if "sign" not in text:
            return False
        program = parse(text)
        structure = structure_of(program)
        if structure not in by_structure:
            by_structure[structure] = TARGET.reached(derive(program))
        return by_structure[structure]

    rows = [row for row in journal.rows(order="number") if row.mutation not in LEFT_OUT and is_lion(row.program)]
    evaluated = [row for row in rows if not row.matched]
    admitted = [row for row in evaluated if row.status == "ok"]
    return [
        f"{len(kind):,}" + (f" (first: {kind[0].number:,})" if kind else "") for kind in (rows, evaluated, admitted)
    ]


def journals(folders: list[str]) -> Iterator[tuple[str, Journal]]:
    """The journals of run folders, or of the committed runs, with their names."""
    for folder in folders:
        with look(Path(folder)) as journal:
            yield folder, journal
    if not folders:
        for account in TABLES:
            for run in sorted(account.parent.glob("seed-*")):
                with kept(run) as journal:
                    yield f"{account.parent.name}/{run.name}", journal


def main() -> None:
    """Print the table, row by row."""
    print("| run | candidates that are Lion | evaluated | incumbents |\n|---|--:|--:|--:|")
    for name, journal in journals(sys.argv[1:]):
        print(f"| {' | '.join([name, *counts(journal)])} |", flush=True)


if __name__ == "__main__":
    main()
