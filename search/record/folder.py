"""The run folder: names of its files, and how it is claimed, locked and opened.

A folder belongs to one process at a time, and its own files are regular files, never links.
"""

import math
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from primitives import UserError
from search.record.atomic_files import PART, remove_parts
from search.record.faults import damage, holder
from search.record.journal import Journal
from search.record.opening import LOCK, check_regular
from search.record.verified import is_verified, note_verified

CONFIG, JOURNAL, SUMMARY = "config.yaml", "journal.sqlite", "summary.json"
BEST, SIMPLIFIED, EXPORT, DRAWING = "best.py", "simplified.py", "optax_export.py", "dataflow.svg"
CHECKS, REPORT = "meta_overfitting.svg", "report.html"
_OWN = (CONFIG, JOURNAL, SUMMARY, LOCK, BEST, SIMPLIFIED, EXPORT, DRAWING, CHECKS, REPORT)
_META = {"run": str, "config": dict, "start": str, "yardstick": dict, "versions": dict, "searches": int}


def fresh_folder(config: Path) -> Path:
    """Make a folder under `results/` for a new run: named like the config, with a number if that is taken."""
    folder, number = Path("results", config.stem), 2
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            folder, number = Path("results", f"{config.stem}-{number}"), number + 1
        except OSError as error:
            raise UserError(f"no folder can be made under `results`: {error.strerror}") from None
        else:
            return folder


def claim(folder: Path) -> None:
    """Make the folder of a new run; raises `UserError` if it holds anything but the remains of one that never began."""
    if (folder / JOURNAL).exists():
        raise UserError(f"`{folder}` already holds a run; `optsearch resume {folder}` goes on with it")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"`{folder}` exists and is not an empty folder; give another with `--out`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"folder `{folder}` cannot be made: {error.strerror}") from None
    check_regular(folder / LOCK)
    if any(not path.name.startswith(PART) and path.name != LOCK for path in folder.iterdir()):
        raise UserError(f"`{folder}` exists and is not an empty folder; give another with `--out`")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder; a process that dies holds nothing.

    Raises:
        UserError: another process holds it, or it cannot be written.
    """
    _check_own(folder)
    if not os.access(folder, os.W_OK):
        raise UserError(f"`{folder}` may only be read; `optsearch inspect {folder}` reads it")
    try:
        with FileLock(folder / LOCK, timeout=0):
            _sign(folder / LOCK)
            remove_parts(folder)
            yield
    except Timeout:
        raise UserError(
            f"`{folder}` is in use by another `optsearch`{holder(folder)}, which has to end first"
        ) from None


def _sign(lock: Path) -> None:
    """Write into the lock which process holds it."""
    descriptor = os.open(lock, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {platform.node() or 'localhost'}\n")


def _check_own(folder: Path) -> None:
    """Raise `UserError` where a file of a run folder is a link or a special file."""
    for name in _OWN:
        check_regular(folder / name)


def open_journal(folder: Path) -> Journal:
    """The journal of a run folder, to go on with it; raises `UserError` if the folder holds no run."""
    path = _journal_path(folder)
    journal = Journal.open(path)
    try:
        _check_meta(journal, path)
    except BaseException:
        journal.close()
        raise
    return journal


def look(folder: Path, *, damaged: bool = False) -> Journal:
    """The journal of a run folder, to read it; nothing is written to the folder.

    Args:
        folder: the run folder.
        damaged: read what can be read of a damaged journal; otherwise every row is checked, unless this account has
            checked the same file before.

    Raises:
        UserError: the folder holds no run, or a row of its journal was lost or altered.
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
    """Raise `UserError` where something that every run notes at its beginning is missing or has the wrong type."""
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


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The same value with `null` for every number that is not finite, which JSON cannot say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
