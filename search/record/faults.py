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
        f"`{path}` is damaged: {what}; `optsearch resume {path.parent} --repair` keeps a copy, takes over what lies "
        f"before the damage and scores the rest again"
    )


def explain(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> UserError:
    """The error for a journal that SQLite cannot read or write; only a damaged one is worth a repair."""
    code = getattr(error, "sqlite_errorname", None) or ""
    folder = path.parent
    if code.startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC")):
        cause = "the disk is full" if code == "SQLITE_FULL" else f"{error} ({code}), as on a full disk"
        return UserError(
            f"`{path}` cannot be written: {cause}; what was recorded is kept: "
            f"make room, then `optsearch resume {folder}` goes on"
        )
    if code.startswith("SQLITE_READONLY"):
        return UserError(f"`{path}` cannot be written: it may only be read; `optsearch inspect {folder}` reads it")
    if code.startswith(_FORBIDDEN):
        return UserError(f"`{path}` cannot be opened: {error}; may you read and write this folder?")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CONSTRAINT")):
        return UserError(f"another process writes to `{path}`, too{holder(folder)}; one of them has to end")
    if code.startswith("SQLITE_IOERR") and "SHORT_READ" not in code:
        return UserError(f"`{path}` cannot be read or written: {error} ({code}); is the disk full, or gone?")
    return damage(path, f"{error}")


def holder(folder: Path) -> str:
    """Which process has locked a run folder last, in brackets for the end of a sentence; empty if it is not known."""
    owner = lock_owner(folder)
    return f" (the last to lock the folder was {owner})" if owner else ""


def lock_owner(folder: Path) -> str:
    """The process that has locked a run folder last, as `process 12 on host`; empty if it is not known."""
    try:
        process, host = (folder / "run.lock").read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return ""
    return f"process {process} on {host}"


def cannot_write(path: Path, error: OSError) -> UserError:
    """The error for a file that cannot be written."""
    return UserError(f"`{path}` cannot be written: {error.strerror or error}")
