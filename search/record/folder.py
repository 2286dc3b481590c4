"""The run folder: names of its files, and functions that claim, lock and open it.

A folder belongs to one process at a time, and its own files are regular files, never links.
"""

import os
import platform
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from primitives import UserError
from search.record.atomic_files import PART, remove_parts
from search.record.faults import damage, holder
from search.record.journal import Journal
from search.record.opening import LOCK, check_regular, check_single
from search.record.verified import is_verified, note_verified

CONFIG, JOURNAL, SUMMARY = "config.yaml", "journal.sqlite", "summary.json"
BEST, SIMPLIFIED, EXPORT, DRAWING = "best.py", "simplified.py", "optax_export.py", "dataflow.svg"
CHECKS, REPORT = "meta_overfitting.svg", "report.html"
_OWN = (CONFIG, JOURNAL, SUMMARY, LOCK, BEST, SIMPLIFIED, EXPORT, DRAWING, CHECKS, REPORT)
_META = {"run": str, "config": dict, "start": str, "yardstick": dict, "versions": dict, "searches": int}


def fresh_folder(config: Path) -> Path:
    """Create a folder for a new run in `results/`, named after the config, with a number if the name is taken."""
    folder, number = Path("results", config.stem), 2
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            folder, number = Path("results", f"{config.stem}-{number}"), number + 1
        except OSError as error:
            raise UserError(f"no folder can be created in `results`: {error.strerror}") from None
        else:
            return folder


def claim(folder: Path) -> None:
    """Create the folder of a new run; raises `UserError` unless it is empty but for remains of a failed start."""
    if (folder / JOURNAL).exists():
        raise UserError(f"`{folder}` already holds a run; `optsearch resume {folder}` continues it")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"`{folder}` exists and is not an empty folder; give another with `--out`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"folder `{folder}` cannot be created: {error.strerror}") from None
    check_single(folder / LOCK)
    if any(not path.name.startswith(PART) and path.name != LOCK for path in folder.iterdir()):
        raise UserError(f"`{folder}` exists and is not an empty folder; give another with `--out`")


@contextmanager
def removed_if_empty(folder: Path, stop: threading.Event) -> Iterator[None]:
    """Remove the locked folder of a new run after a `UserError` if its journal has no candidates and no trials.

    A run that was stopped, which sets `stop`, is kept: it can be resumed.
    """
    try:
        yield
    except UserError:
        with suppress(UserError), look(folder) as journal:
            if not stop.is_set() and not journal.counts() and not journal.trial_count():
                for path in (folder / CONFIG, folder / LOCK, *folder.glob(f"{JOURNAL}*")):
                    path.unlink(missing_ok=True)
                with suppress(OSError):  # there is something else in it
                    folder.rmdir()
        raise


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a run folder; the operating system releases the lock when the process ends.

    Args:
        folder: the run folder.

    Raises:
        UserError: another process has locked the folder, or it cannot be written.
    """
    _check_own(folder)
    check_single(folder / LOCK)
    if not os.access(folder, os.W_OK):
        raise UserError(f"`{folder}` is read-only; `optsearch inspect {folder}` reads it")
    try:
        with FileLock(folder / LOCK, timeout=0):
            _sign(folder / LOCK)
            remove_parts(folder)
            yield
    except Timeout:
        raise UserError(f"`{folder}` is in use by another `optsearch`{holder(folder)}, which must end first") from None


def _sign(lock: Path) -> None:
    """Write process id and host name to the lock file."""
    descriptor = os.open(lock, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_nlink > 1:
            raise UserError(f"`{lock}` was replaced while it was being locked")
        os.ftruncate(descriptor, 0)
        file.write(f"{os.getpid()} {platform.node() or 'localhost'}\n")


def _check_own(folder: Path) -> None:
    """Raise `UserError` if a file of a run folder is a link or a special file."""
    for name in _OWN:
        check_regular(folder / name)


def open_journal(folder: Path) -> Journal:
    """Open the journal of a run folder for writing; raises `UserError` if there is no run, or rows were lost."""
    path = _journal_path(folder)
    journal = Journal.open(path)
    try:
        _check_meta(journal, path)
        journal.check_end()
    except BaseException:
        journal.close()
        raise
    return journal


def look(folder: Path, *, damaged: bool = False) -> Journal:
    """Open the journal of a run folder for reading; nothing is written to the folder.

    Args:
        folder: the run folder.
        damaged: read the readable part of a damaged journal. Otherwise every row is checked, unless this account has
            already checked the same file.

    Returns:
        The open journal.

    Raises:
        UserError: the folder has no run, or a row of its journal was lost or altered.
    """
    path = _journal_path(folder)
    journal = Journal.look(path, damaged=damaged)
    try:
        _check_meta(journal, path)
        if not damaged and not is_verified(path):
            journal.verify()
            note_verified(path)
    except BaseException:
        journal.close()
        raise
    return journal


def _check_meta(journal: Journal, path: Path) -> None:
    """Raise `UserError` if initial metadata of the run are missing or have the wrong type."""
    meta = journal.meta()
    for key, kind in _META.items():
        if not isinstance(meta.get(key), kind):
            raise damage(path, f"`{key}` is missing, or no {kind.__name__}")


def _journal_path(folder: Path) -> Path:
    if not folder.is_dir():
        raise UserError(f"there is no run folder `{folder}`")
    _check_own(folder)
    if not (folder / JOURNAL).is_file():
        raise UserError(f"`{folder}` is not a run folder: it has no {JOURNAL}")
    return folder / JOURNAL
