"""The journal: one SQLite file a run, one row a candidate, and the only truth about a run.

Rows are appended in order of number and never changed. They are written in transactions with a write-ahead log, so
that a process that is killed at any moment leaves every row that was committed. Whatever a resumed run needs is read
back from here. Each row carries a hash over itself and the row before (`search.record.candidate_table`): the last ones
together are the digest of the history (equal digest, equal search), and a row that was lost or altered is found when
the rows are read.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

from primitives.errors import UserError
from search.engine.candidate import HistoryEntry, Record
from search.record import trial_table
from search.record.candidate_table import CHAIN, SCHEMA, CandidateRow, chained, columns, history_entry, row

MIXED = "mixed hosts"  # note: hosts that compute other bits than the driver and have scored candidates
_APPLICATION, _VERSION = 0x6F707473, 2  # "opts", SQLite's application_id of our files; version of their format
_ALL = ", ".join(CandidateRow._fields)
_INSERT = f"insert into candidates ({_ALL}) values ({', '.join('?' * len(CandidateRow._fields))})"


class Journal:
    """An open journal; a context manager that closes it.

    Args:
        connection: an open database with the schema of `search.record.candidate_table`.
        path: its file.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection, self._path = connection, path
        self._chains: dict[int, tuple[int, bytes]] = {}  # repeat -> its last number and chain, once it is known

    @classmethod
    def create(cls, path: Path, meta: dict[str, Any]) -> Self:
        """Begin a journal in a file that does not exist yet; the file appears when it is whole."""
        part = path.with_name(path.name + ".part")
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            connection.execute(f"pragma application_id = {_APPLICATION}")
            connection.execute(f"pragma user_version = {_VERSION}")
            connection.executescript(";".join((SCHEMA, trial_table.SCHEMA, trial_table.FAILED_SCHEMA)))
            rows = [(key, json.dumps(value)) for key, value in meta.items()]
            connection.executemany("insert into meta values (?, ?)", rows)
        part.replace(path)
        journal = cls.open(path)
        journal._connection.execute("pragma journal_mode = wal")
        return journal

    @classmethod
    def open(cls, path: Path, damaged: bool = False) -> Self:
        """Open a journal.

        Args:
            path: its file.
            damaged: read what can be read, even if the file is shorter than it says it is.

        Raises:
            UserError: the file is missing, is not a journal, or is one of another format.
        """
        if not path.is_file():
            raise UserError(f"there is no journal `{path}`")
        with path.open("rb") as file:
            header = file.read(100)
        version, application = (int.from_bytes(header[place : place + 4], "big") for place in (60, 68))
        if not header.startswith(b"SQLite format 3") or application != _APPLICATION:
            raise UserError(f"`{path}` is not a journal of optsearch")
        if version != _VERSION:
            raise UserError(f"`{path}` has format {version}; this version of optsearch reads format {_VERSION}")
        journal = cls(sqlite3.connect(path, isolation_level=None), path)
        try:
            if damaged:
                list(journal._query("pragma writable_schema = on"))  # or SQLite looks at nothing in a file cut short
            list(journal._query("pragma synchronous = normal"))
            list(journal._query("select count(*) from meta"))
        except UserError:
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

    def in_one_file(self) -> None:
        """Put everything into the one file, from which nothing is missing then if it is moved."""
        self._connection.execute("pragma journal_mode = delete")

    def meta(self) -> dict[str, Any]:
        """What was noted when the journal was begun."""
        return {key: json.loads(value) for key, value in self._query("select key, value from meta")}

    def note(self, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Note something besides; an earlier note of that key is replaced."""
        self._write("insert or replace into meta values (?, ?)", [(key, json.dumps(value))])

    def append(self, repeat: int, records: Iterable[Record]) -> None:
        """Write records of one repeat, in order of number, as one transaction.

        Raises:
            UserError: the file cannot be written; what was recorded before is kept.
        """
        number, chain = self._end(repeat)
        rows = []
        for record in records:
            rows.append(columns(repeat, record, chain))
            number, chain = record.candidate.number, rows[-1][CHAIN]
        if rows:
            self.insert(rows)
            self._chains[repeat] = (number, chain)

    def insert(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows as they stand in another journal, as one transaction; raises `UserError` if that fails."""
        self._write(_INSERT, rows)

    def trials(self) -> dict[trial_table.Key, tuple[float, ...]]:
        """Losses of the trials on record; a row that was altered is not among them, and will be trained again."""
        self._write(trial_table.SCHEMA)  # a journal begun by an earlier version has no such table yet
        return dict(filter(None, map(trial_table.entry, self._query(trial_table.SELECT))))

    def failed_trials(self) -> dict[trial_table.Key, tuple[str, int]]:
        """Status and attempts of the trials that crashed their worker or exceeded their time limit."""
        self._write(trial_table.FAILED_SCHEMA)
        return dict(filter(None, map(trial_table.failed_entry, self._query(trial_table.SELECT_FAILED))))

    def record_trials(self, found: trial_table.Losses, failed: trial_table.Failures) -> None:
        """Write losses, and status and attempts of failures, a transaction each; raises `UserError` if that fails."""
        self._write(trial_table.INSERT_FAILED, [trial_table.failed_columns(key, *row) for key, row in failed.items()])
        self._write(trial_table.INSERT, [trial_table.columns(key, losses) for key, losses in found.items()])

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
        except sqlite3.OperationalError as error:
            raise UserError(
                f"`{self._path}` cannot be written ({error}); what was recorded is kept: "
                f"make room, then `optsearch resume {self._path.parent}` goes on"
            ) from None

    def intact(self, repeat: int) -> Iterator[tuple[Any, ...]]:
        """The columns of every row of a repeat, each checked against the one before.

        Raises:
            UserError: at the first row that was lost or altered.
        """
        chain, number = b"", 0
        for values in self._query(f"select {_ALL} from candidates where repeat = ? order by number", (repeat,)):
            chain = chained(chain, values)
            if values[1] != number or values[CHAIN] != chain:
                raise UserError(self._damage(f"at candidate {number} of repeat {repeat}"))
            number += 1
            yield values
        self._chains[repeat] = (number - 1, chain)

    def history(self, repeat: int) -> Iterator[HistoryEntry]:
        """The history of one repeat, as the engine takes it in; raises `UserError` if it is damaged."""
        return map(history_entry, self.intact(repeat))

    def rows(
        self, where: str = "1", order: str = "repeat, number", limit: int = -1, given: Sequence[Any] = ()
    ) -> Iterator[CandidateRow]:
        """Rows that meet a condition in SQL, with values for its question marks."""
        query = f"select {_ALL} from candidates where {where} order by {order} limit {limit}"
        return map(row, self._query(query, given))

    def best(
        self,
        most: int,
        key: Callable[[CandidateRow], Any] = lambda row: row.hash,
        repeats: range | None = None,
        before: int | None = None,
    ) -> list[CandidateRow]:
        """The programs of lowest fitness, trained on all their seeds; one for each value of `key`.

        Args:
            most: how many.
            key: of rows with the same key, the best one counts.
            repeats: where to look; everywhere by default.
            before: only candidates of lower number.
        """
        taken: dict[Any, CandidateRow] = {}
        query = f"select {_ALL} from candidates indexed by best where status = 'ok' and matched = ''"
        if repeats is not None:
            query += f" and repeat between {repeats.start} and {repeats.stop - 1}"
        if before is not None:
            query += f" and number < {before}"
        for candidate in map(row, self._query(f"{query} order by fitness, repeat, number")):
            taken.setdefault(key(candidate), candidate)
            if len(taken) == most:
                break
        return list(taken.values())

    def lineage(self, repeat: int, number: int) -> list[CandidateRow]:
        """A candidate and its ancestors, the starting program first."""
        query = """
            with recursive line(number, parent) as (
                select number, parent from candidates where repeat = ?1 and number = ?2
                union all
                select c.number, c.parent from candidates c join line l on c.number = l.parent where c.repeat = ?1
            ) select number from line
        """
        wanted = ", ".join(str(number) for (number,) in self._query(query, (repeat, number)))
        return list(self.rows(f"repeat = ? and number in ({wanted})", given=(repeat,)))

    def statistics(self) -> dict[str, Any]:
        """Counts over all repeats: children, evaluations, cache hits, statuses, redundant share, restarts."""
        counts: Counter[str] = Counter()
        by_status: dict[str, int] = {}
        restarts = 0
        query = """
            select matched, status, count(*), total(statements), total(live), total(dropped), max(restarts)
            from candidates group by matched, status order by matched, status
        """
        for matched, status, rows, statements, live, dropped, most in self._query(query):
            counts.update(children=rows, statements=int(statements), live=int(live), dropped=int(dropped))
            counts[matched or "evaluated"] += rows
            restarts = max(restarts, most)
            if not matched:
                by_status[status] = rows
        return {
            "children": counts["children"],
            "evaluated": counts["evaluated"],
            "cache_hits": counts["hash"] + counts["probe"] + counts["structure"] + counts["replay"],
            "hash_hits": counts["hash"],
            "probe_hits": counts["probe"],
            "structure_hits": counts["structure"],
            "replay_hits": counts["replay"],
            "evaluated_by_status": by_status,
            "statements": counts["statements"],
            "live_statements": counts["live"],
            "redundant_share": 1 - counts["live"] / counts["statements"] if counts["statements"] else 0.0,
            "invalid_drafts": counts["dropped"],
            "restarts": restarts,
        }

    def digest(self) -> str:
        """Hash over the recorded history without times; ends in `-mixed` where hosts differed (see `MIXED`)."""
        total = blake2b(digest_size=16)
        for repeat in self._repeats():
            total.update(b"%d:%d:%b" % (repeat, *self._end(repeat)))
        return total.hexdigest() + ("-mixed" if MIXED in self.meta() else "")

    def counts(self) -> list[tuple[int, int]]:
        """Each repeat that has candidates, and how many."""
        return [(repeat, self._end(repeat)[0] + 1) for repeat in self._repeats()]

    def _repeats(self) -> Iterator[int]:
        """Repeats that have rows, in order; each is a look into an index, not a walk over all rows."""
        repeat = -1
        while True:
            ((repeat,),) = self._query("select min(repeat) from candidates where repeat > ?", (repeat,))
            if repeat is None:
                return
            yield repeat

    def _end(self, repeat: int) -> tuple[int, bytes]:
        """Number and chain of the last row of a repeat; (−1, empty) where there is none."""
        if repeat not in self._chains:
            query = "select number, chain from candidates where repeat = ? order by number desc limit 1"
            self._chains[repeat] = next(self._query(query, (repeat,)), (-1, b""))
        return self._chains[repeat]

    def _query(self, query: str, given: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.execute(query, given)
        except sqlite3.DatabaseError as error:
            raise UserError(self._damage(f"({error})")) from None

    def _damage(self, where: str) -> str:
        return (
            f"`{self._path}` is damaged {where}; `optsearch resume {self._path.parent} --repair` keeps a copy, "
            f"takes over what lies before the damage and scores the rest again"
        )


def read_digest(path: Path) -> str:
    """Digest of the journal in a file."""
    with closing(Journal.open(path)) as journal:
        return journal.digest()
