"""Mending a journal: what lies before the damage is taken over, and the damaged file is kept."""

from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from primitives.errors import UserError
from search.record.journal import Journal


def repair(path: Path) -> int:
    """Replace a damaged journal by one with the rows before the damage; the old file stays beside it, as `.damaged-1`.

    Args:
        path: of the journal.

    Returns:
        Number of candidates that were taken over.

    Raises:
        UserError: not even what was noted at the beginning can be read, or nothing can be written.
    """
    kept = 0
    fresh = path.with_name(path.name + ".part-repaired")
    fresh.unlink(missing_ok=True)
    with Journal.open(path, damaged=True) as old, Journal.create(fresh, old.meta()) as new:
        for repeat in range(old.meta()["searches"]):
            rows: list[tuple[Any, ...]] = []
            try:
                for values in old.intact(repeat):
                    rows.append(values)
            except UserError:
                pass
            new.insert(rows)
            kept += len(rows)
        with suppress(UserError):
            new.record_trials(old.trials(), old.failed_trials())
        new.in_one_file()
    copies = (path.with_name(f"{path.name}.damaged-{number}") for number in count(1))
    path.rename(next(copy for copy in copies if not copy.exists()))
    for leftover in ("-wal", "-shm"):
        path.with_name(path.name + leftover).unlink(missing_ok=True)
    fresh.rename(path)
    return kept
