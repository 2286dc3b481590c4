"""The SQLite file of a journal: opening, the metadata of the run, and notes."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

from search.record import candidate_table, opening, trial_table
from search.record.atomic_files import whole_file
from search.record.column_types import is_yardstick, parsed
from search.record.faults import UNREADABLE, cannot_write, damage, explain

_SCHEMA = """
create table meta (key text primary key, value text not null) without rowid;
create table notes (key text primary key, value text not null, seal blob not null) without rowid;
"""
SCHEMA = ";".join((_SCHEMA, candidate_table.SCHEMA, trial_table.SCHEMA, trial_table.FAILED_SCHEMA))
_SEAL = "seal"  # key of the hash over all other entries of `meta`


class JournalFile:
    """An open journal; a context manager that closes it.

    Args:
        connection: an open database with the schema of a journal.
        path: its file.
        resources: closed after the connection.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, resources: ExitStack | None = None) -> None:
        self._connection, self._path = connection, path
        self._resources = resources or ExitStack()
        self._seal: bytes | None = None  # hash of the initial metadata, when it is known

    @classmethod
    def create(cls, path: Path, meta: dict[str, Any]) -> Self:
        """Create a journal; the file appears when it is complete.

        Args:
            path: path of the file, which must not exist.
            meta: initial metadata, JSON values by name; they are never changed, and the seals of all rows cover them.

        Raises:
            UserError: the file cannot be written.
        """
        rows = sorted((key, json.dumps(value)) for key, value in meta.items())
        try:
            with whole_file(path) as part, closing(sqlite3.connect(part, isolation_level=None)) as connection:
                connection.execute(f"pragma application_id = {opening.APPLICATION}")
                connection.execute(f"pragma user_version = {opening.VERSION}")
                connection.executescript(SCHEMA)
                rows.append((_SEAL, json.dumps(_hash(rows).hex())))
                connection.executemany("insert into meta values (?, ?)", rows)
                connection.execute("pragma journal_mode = wal")
        except sqlite3.Error as error:
            raise explain(error, path) from None
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a journal for writing.

        Args:
            path: path of the file.

        Raises:
            UserError: the file is missing, damaged or unreadable, or is not a journal of this format.
        """
        opening.check_file(path)
        opening.check_beside(path)
        try:
            return cls._checked(opening.connect(path, "rw"), path, ExitStack(), "pragma synchronous = normal")
        except UNREADABLE as error:
            raise explain(error, path) from None

    @classmethod
    def look(cls, path: Path, *, damaged: bool = False) -> Self:
        """Open a journal for reading; nothing is written to its folder.

        Args:
            path: path of the file.
            damaged: read the readable part, even of a truncated file.

        Raises:
            UserError: as for `open`.
        """
        opening.check_file(path)
        resources = ExitStack()
        pragma = "pragma writable_schema = on" if damaged else ""  # otherwise SQLite reads nothing of a truncated file
        try:
            connection = opening.connect_to_look(path, resources, alone=damaged)
            return cls._checked(connection, path, resources, pragma)
        except (*UNREADABLE, OSError) as error:
            resources.close()
            raise (cannot_write(path, error) if isinstance(error, OSError) else explain(error, path)) from None
        except BaseException:
            resources.close()
            raise

    @classmethod
    def _checked(cls, connection: sqlite3.Connection, path: Path, resources: ExitStack, pragma: str) -> Self:
        journal = cls(connection, path, resources)
        try:
            connection.execute(pragma)
            opening.check_schema(connection, path, SCHEMA)
            journal.meta()
        except BaseException:
            journal.close()
            raise
        return journal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        self._resources.close()

    def meta(self) -> dict[str, Any]:
        """Initial metadata and notes; raises `UserError` if they were altered."""
        return self.first_meta() | self.notes()

    def first_meta(self) -> dict[str, Any]:
        """Initial metadata; raises `UserError` if they were altered."""
        # An altered key may be null.
        rows = sorted(self._query("select key, value from meta"), key=lambda row: str(row[0]))
        facts = [row for row in rows if row[0] != _SEAL]
        seal = _hash(facts)
        if dict(rows).get(_SEAL) != json.dumps(seal.hex()):
            raise damage(self._path, "its initial metadata were altered")
        self._seal = seal
        meta = self._parsed(facts)
        if not is_yardstick(meta.get("yardstick", {})):
            raise damage(self._path, "its `yardstick` is not that of a run")
        return meta

    def note(self, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Add a note to `meta`; an earlier note of the same key is replaced."""
        text = json.dumps(value)
        self._write("insert or replace into notes values (?, ?, ?)", [(key, text, _hash([key, text]))])

    def notes(self) -> dict[str, Any]:
        """Notes added to the initial metadata; raises `UserError` if they were altered."""
        rows = list(self._query("select key, value, seal from notes"))
        altered = [key for key, value, seal in rows if seal != _hash([key, value])]
        if altered:
            raise damage(self._path, f"its note `{altered[0]}` was altered")
        return self._parsed((key, value) for key, value, _ in rows)

    def _parsed(self, rows: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
        """Values of keys, from JSON."""
        try:
            return {key: parsed(value) for key, value in rows}
        except ValueError:
            raise damage(self._path, "its metadata are not JSON") from None

    def beginning(self) -> bytes:
        """Hash of the initial metadata, from which the seals of all rows start."""
        if self._seal is None:
            self.first_meta()
        assert self._seal is not None
        return self._seal

    def _write(self, statement: str, rows: Sequence[Sequence[Any]] = ((),)) -> None:
        try:
            self._connection.execute("begin immediate")
            try:
                self._connection.executemany(statement, rows)
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise
        except sqlite3.Error as error:
            raise explain(error, self._path) from None

    def _query(self, query: str, given: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            # `yield from` would close the cursor with the generator, which fails if the connection is closed before
            for values in self._connection.execute(query, given):  # noqa: UP028
                yield values
        except UNREADABLE as error:
            raise explain(error, self._path) from None


def _hash(value: Any) -> bytes:  # noqa: ANN401 - strings in lists
    return blake2b(json.dumps(value, default=repr).encode(), digest_size=16).digest()
