"""Errors of a run folder: translation of errors of SQLite and of the operating system for the user."""

import sqlite3
from pathlib import Path

from primitives import UserError

UNREADABLE = (sqlite3.Error, UnicodeDecodeError)  # what SQLite raises where it cannot read a file
_FORBIDDEN = ("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")


def damage(path: Path, what: str) -> UserError:
    """The error for a journal that is damaged.

    Args:
        path: path of the journal.
        what: description of the damage, such as `altered at candidate 120 of repeat 0`.
    """
    return UserError(
        f"`{path}` is damaged: {what}; `optsearch resume {path.parent} --repair` keeps a copy, recovers the "
        f"rows before the damage and scores the rest again"
    )


def explain(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> UserError:
    """The error for a journal that SQLite cannot read or write; a repair is proposed only for a damaged one."""
    code = getattr(error, "sqlite_errorname", None) or ""
    folder = path.parent
    if code.startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC")):
        cause = "the disk is full" if code == "SQLITE_FULL" else f"{error} ({code}), as on a full disk"
        return UserError(
            f"`{path}` cannot be written: {cause}; recorded results are kept: "
            f"make room, then `optsearch resume {folder}` continues the run"
        )
    if code.startswith("SQLITE_READONLY"):
        return UserError(f"`{path}` is read-only; `optsearch inspect {folder}` reads it")
    if code.startswith(_FORBIDDEN):
        return UserError(f"`{path}` cannot be opened: {error}; check the permissions of its folder")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CONSTRAINT")):
        return UserError(f"another process is writing to `{path}`{holder(folder)}; end one of the processes")
    if code.startswith("SQLITE_IOERR") and "SHORT_READ" not in code:
        return UserError(
            f"`{path}` cannot be read or written: {error} ({code}); check that the disk is mounted and has space"
        )
    return damage(path, f"{error}")


def holder(folder: Path) -> str:
    """The process that last locked a run folder, in brackets, for the end of a sentence; empty if unknown."""
    owner = lock_owner(folder)
    return f" (the last to lock the folder was {owner})" if owner else ""


def lock_owner(folder: Path) -> str:
    """The process that last locked a run folder, as `process 12 on host`; empty if unknown."""
    try:
        process, host = (folder / "run.lock").read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return ""
    return f"process {process} on {host}"


def cannot_write(path: Path, error: OSError) -> UserError:
    """The error for a file that cannot be written."""
    return UserError(f"`{path}` cannot be written: {error.strerror or error}")
