"""Opening of a journal file, which may come from others.

Reading a journal must not write to its folder. By default SQLite would write: when it opens a database it completes the
transactions in the rollback journal or write-ahead log (WAL), and a rollback journal can name other files, which are
then deleted. Therefore

- a journal with a rollback journal is refused;
- a journal without a WAL is opened as immutable;
- a journal that a living process writes is opened read-only;
- a journal whose process died and left a WAL is copied to a private folder and opened there, unless its file is larger
  than its pages;
- links, special files, and foreign tables, views and triggers are refused.
"""

import fcntl
import os
import re
import sqlite3
import stat
import tempfile
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from urllib.parse import quote

from primitives import UserError
from search.record.journal_copy import copy_journal

APPLICATION = 0x6F707473  # "opts", SQLite's application_id of our files
VERSION = 3
LOCK = "run.lock"
_SIDES = ("", "-wal", "-shm", "-journal")  # suffixes of the files that SQLite writes beside a database
_MASTER = "select type, name, tbl_name, sql from sqlite_master"


def check_regular(path: Path) -> None:
    """Raise `UserError` if a path is a link or a special file; a missing file is accepted."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"`{path}` cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        what = "a link" if stat.S_ISLNK(mode) else "no regular file"
        raise UserError(f"`{path}` is {what}; the files of a run folder must be regular files")


def check_single(path: Path) -> None:
    """Raise `UserError` if a path is a link or a special file, or if the file has another name (a hard link).

    A file that is written in place must have no other name, since a run folder of others may give it the name of a file
    of this account. A missing file is accepted.
    """
    check_regular(path)
    with suppress(FileNotFoundError):
        if path.lstat().st_nlink > 1:
            raise UserError(f"`{path}` is a hard link; a copy of the run folder without hard links is accepted")


def check_beside(path: Path) -> None:
    """Apply `check_single` to the files beside a journal that SQLite writes in place.

    The journal itself is exempt: a repair that was killed leaves it with two names.
    """
    for side in ("-wal", "-shm"):
        check_single(path.with_name(path.name + side))


def check_file(path: Path) -> None:
    """Check the file of a journal and the files beside it.

    Raises:
        UserError: the file is missing, is not a journal of this format, or a rollback journal is beside it.
    """
    for side in _SIDES:
        check_regular(path.with_name(path.name + side))
    if path.with_name(f"{path.name}-journal").exists():
        raise UserError(
            f"`{path}-journal` is a rollback journal, which optsearch never writes and SQLite would apply; "
            f"remove it if you know its origin"
        )
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        raise UserError(f"there is no journal `{path}`") from None
    except OSError as error:
        raise UserError(f"`{path}` cannot be read: {error.strerror}") from None
    version, application = (int.from_bytes(header[place : place + 4], "big") for place in (60, 68))
    if not header.startswith(b"SQLite format 3") or application != APPLICATION:
        raise UserError(f"`{path}` is not a journal of optsearch")
    if version != VERSION:
        raise UserError(f"`{path}` has format {version}; this version of optsearch reads format {VERSION}")


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Connect to a database.

    Args:
        path: of the file.
        mode: `rw`, `ro`, or `immutable`, which reads the file alone and nothing beside it.
    """
    option = "immutable=1" if mode == "immutable" else f"mode={mode}"
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?{option}", uri=True, isolation_level=None)
    connection.execute("pragma trusted_schema = off")
    connection.execute("pragma cell_size_check = on")
    return connection


def connect_to_look(path: Path, resources: ExitStack, *, alone: bool = False) -> sqlite3.Connection:
    """Connect to a journal without writing to its folder.

    Args:
        path: of the journal.
        resources: receives the resources to be released after the connection is closed.
        alone: no other process writes to the journal.
    """
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or not log.stat().st_size:
        return connect(path, "immutable")
    if not alone and in_use(path.parent):
        check_beside(path)
        try:
            connection = connect(path, "ro")
            connection.execute(_MASTER).fetchall()
        except sqlite3.OperationalError:  # the folder is read-only, so SQLite cannot create its shared index there
            pass
        else:
            return connection
    folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="optsearch-")))
    return connect(copy_journal(path, log, folder), "rw")


def in_use(folder: Path) -> bool:
    """Whether a running process has locked a run folder."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def check_schema(connection: sqlite3.Connection, path: Path, schema: str) -> None:
    """Raise `UserError` unless a database has exactly the tables and indices of a schema."""
    with closing(sqlite3.connect(":memory:")) as reference:
        reference.executescript(schema)
        expected = _objects(reference)
    if _objects(connection) != expected:
        raise UserError(f"`{path}` holds tables, views or triggers that are not those of a journal")


def _objects(connection: sqlite3.Connection) -> set[tuple[str, ...]]:
    """SQL of the objects in a database, without comments and spacing."""
    rows = [(*names, str(sql or "")) for *names, sql in connection.execute(_MASTER)]  # an altered SQL may be a blob
    return {(*names, " ".join(re.sub(r"--.*", "", sql).split())) for *names, sql in rows}
