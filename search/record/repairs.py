"""Repair of a journal: the rows before the damage are recovered, and the damaged file is kept."""

import os
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from primitives import UserError
from search.record.chain import SEARCH_ENDED
from search.record.faults import cannot_write
from search.record.journal import Journal

_MOST_REPEATS = 1_000_000  # largest number of repeats, more than any run has


def repair(path: Path) -> int:
    """Replace a damaged journal by one with the rows before the damage; the old file is kept as `.damaged-1`.

    If the process is killed during the repair, either the new or the damaged journal remains, the latter possibly
    without the rows of its write-ahead log.

    Args:
        path: path of the journal, which no other process uses.

    Returns:
        Number of recovered candidates.

    Raises:
        UserError: the initial metadata cannot be read, or the new journal cannot be written.
    """
    fresh = path.with_name(path.name + ".repaired")
    try:
        _remove(fresh)
        kept = _take_over(path, fresh)
        _replace(path, fresh)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        with suppress(OSError):
            _remove(fresh)
    return kept


def _take_over(path: Path, fresh: Path) -> int:
    """Write the rows before the damage to a new journal without a write-ahead log."""
    kept = 0
    with Journal.look(path, damaged=True) as old:
        meta = old.first_meta()
        with Journal.create(fresh, meta) as new:
            for repeat in range(min(int(meta["searches"]), _MOST_REPEATS)):
                rows: list[tuple[Any, ...]] = []
                try:
                    for values in old.intact(repeat):
                        rows.append(values)
                except UserError:
                    pass
                if rows:
                    new.insert(rows)
                kept += len(rows)
            with suppress(UserError):
                new.record_trials(old.trials(), old.failed_trials())
            with suppress(UserError):
                for key, value in old.notes().items():
                    new.note(key, value)
            try:
                new.check_end()
            except UserError:
                new.note(SEARCH_ENDED, False)  # the rows behind the damage are to be scored again
    return kept


def _replace(path: Path, fresh: Path) -> None:
    """Replace a journal by another, and keep a copy of the old one."""
    copies = (path.with_name(f"{path.name}.damaged-{number}") for number in count(1))
    copy = next(copy for copy in copies if not copy.exists())
    try:
        os.link(path, copy)
    except OSError:  # a file system without links
        shutil.copyfile(path, copy)
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        log.rename(path.with_name(f"{copy.name}-wal"))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    fresh.replace(path)


def _remove(path: Path) -> None:
    for side in ("", "-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
