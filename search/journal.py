"""The journal: one SQLite file a run, one row a candidate, and the only truth about a run.

Rows are appended in order of number and never changed. They are written in transactions with a write-ahead log, so
that a process that is killed at any moment leaves every row that was committed. Whatever a resumed run needs is read
back from here. The digest of a history is a hash over its rows without times: equal digest, equal search.
"""

import json
import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, Self

from primitives.errors import UserError
from primitives.text import to_text
from proxy_tasks.fitness import Status
from search.engine import Past, Record

_APPLICATION = 0x6F707473  # "opts", SQLite's application_id of our files
_VERSION = 1

_SCHEMA = """
create table meta (key text primary key, value text not null) without rowid;
create table candidates (
    repeat integer not null,
    number integer not null,
    parent integer,          -- number of the parent; null for the starting program
    mutation text not null,
    program text not null,   -- the genome, redundant statements included
    hash text not null,      -- functional hash of the live part
    fitness real,            -- null where training diverged
    first_fitness real,      -- the same on the first seeds alone
    status text not null,    -- ok, rejected, diverged
    reason text not null,
    same_as integer,         -- number of the candidate whose score this one took over
    statements integer not null,
    live integer not null,   -- live statements
    dropped integer not null, -- drafts that were not valid
    losses text not null,    -- JSON: for each task the validation loss of each seed
    primary key (repeat, number)
) without rowid;
"""


class Row(NamedTuple):
    """One row of the journal."""

    repeat: int
    number: int
    parent: int | None
    mutation: str
    program: str
    hash: str
    fitness: float
    first_fitness: float
    status: str
    reason: str
    same_as: int | None
    statements: int
    live: int
    dropped: int
    losses: dict[str, list[float]]


class Journal:
    """An open journal; a context manager that closes it.

    Args:
        connection: an open database with the schema above.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def create(cls, path: Path, meta: dict[str, Any]) -> Self:
        """Begin a journal in a file that does not exist yet; the file appears when it is whole."""
        part = path.with_name(path.name + ".part")
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            connection.execute(f"pragma application_id = {_APPLICATION}")
            connection.execute(f"pragma user_version = {_VERSION}")
            connection.executescript(_SCHEMA)
            rows = [(key, json.dumps(value)) for key, value in meta.items()]
            connection.executemany("insert into meta values (?, ?)", rows)
        part.replace(path)
        journal = cls.open(path)
        journal._connection.execute("pragma journal_mode = wal")
        return journal

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a journal; raises `UserError` if the file is missing or is not one."""
        if not path.is_file():
            raise UserError(f"there is no journal `{path}`")
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            application = connection.execute("pragma application_id").fetchone()[0]
            version = connection.execute("pragma user_version").fetchone()[0]
            connection.execute("pragma synchronous = normal")
            if application == _APPLICATION:
                connection.execute("select count(*) from meta").fetchone()
        except sqlite3.DatabaseError as error:
            connection.close()
            raise UserError(f"`{path}` is not a journal of optsearch: {error}") from None
        if application != _APPLICATION:
            connection.close()
            raise UserError(f"`{path}` is not a journal of optsearch")
        if version != _VERSION:
            connection.close()
            raise UserError(f"`{path}` has format {version}; this version of optsearch reads format {_VERSION}")
        return cls(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def meta(self) -> dict[str, Any]:
        """What was noted when the journal was begun."""
        return {key: json.loads(value) for key, value in self._connection.execute("select key, value from meta")}

    def append(self, repeat: int, records: Iterable[Record]) -> None:
        """Write records of one repeat, in order of number, as one transaction."""
        rows = [_columns(repeat, record) for record in records]
        if rows:
            with _transaction(self._connection):
                marks = ", ".join("?" * len(rows[0]))
                self._connection.executemany(f"insert into candidates values ({marks})", rows)

    def past(self, repeat: int) -> Iterator[Past]:
        """The history of one repeat, as the engine takes it in."""
        query = "select number, program, hash, fitness, first_fitness, status, reason from candidates"
        for values in self._connection.execute(f"{query} where repeat = ? order by number", (repeat,)):
            row = Past(*values)
            yield row._replace(fitness=_read(row.fitness), first_fitness=_read(row.first_fitness))

    def rows(self, where: str = "1", order: str = "repeat, number", limit: int = -1) -> Iterator[Row]:
        """Rows that meet a condition in SQL."""
        query = f"select * from candidates where {where} order by {order} limit {limit}"
        for values in self._connection.execute(query):
            row = Row(*values)
            yield row._replace(
                fitness=_read(row.fitness), first_fitness=_read(row.first_fitness), losses=json.loads(values[-1])
            )

    def best(self, count: int, key: Callable[[Row], Any] = lambda row: row.hash) -> list[Row]:
        """The programs of lowest fitness, trained on all their seeds, over all repeats; one for each value of `key`."""
        taken: dict[Any, Row] = {}
        for row in self.rows(f"status = '{Status.OK}' and same_as is null", "fitness, repeat, number"):
            taken.setdefault(key(row), row)
            if len(taken) == count:
                break
        return list(taken.values())

    def lineage(self, repeat: int, number: int) -> list[Row]:
        """A candidate and its ancestors, the starting program first."""
        query = """
            with recursive line(number, parent) as (
                select number, parent from candidates where repeat = ?1 and number = ?2
                union all
                select c.number, c.parent from candidates c join line l on c.number = l.parent where c.repeat = ?1
            ) select number from line
        """
        numbers = [row[0] for row in self._connection.execute(query, (repeat, number))]
        wanted = ", ".join(map(str, numbers))
        return list(self.rows(f"repeat = {int(repeat)} and number in ({wanted})"))

    def statistics(self) -> dict[str, Any]:
        """Counts over all repeats: children, evaluations, cache hits, statuses, redundant share, dropped drafts."""
        children, evaluated, statements, live, dropped = self._connection.execute(
            "select count(*), total(same_as is null), total(statements), total(live), total(dropped) from candidates"
        ).fetchone()
        by_status = dict(
            self._connection.execute(
                "select status, count(*) from candidates where same_as is null group by status order by status"
            )
        )
        return {
            "children": children,
            "evaluated": int(evaluated),
            "cache_hits": children - int(evaluated),
            "evaluated_by_status": by_status,
            "statements": int(statements),
            "live_statements": int(live),
            "redundant_share": 1 - live / statements if statements else 0.0,
            "invalid_drafts": int(dropped),
        }

    def digest(self) -> str:
        """Hash over the recorded history without times."""
        total = blake2b(digest_size=16)
        columns = "repeat, number, parent, mutation, program, hash, fitness, first_fitness, status, reason, same_as"
        for row in self._connection.execute(f"select {columns} from candidates order by repeat, number"):
            total.update(json.dumps(row).encode())
        return total.hexdigest()


def _columns(repeat: int, record: Record) -> tuple[Any, ...]:
    candidate, score = record
    return (
        repeat,
        candidate.number,
        candidate.parent,
        candidate.mutation,
        to_text(candidate.program),
        candidate.hash,
        _written(score.fitness),
        _written(score.first_fitness),
        score.status,
        score.reason,
        candidate.same_as,
        len(candidate.program.statements),
        candidate.live,
        candidate.dropped,
        json.dumps({task: [_rounded(loss) for loss in losses] for task, losses in score.losses.items()}),
    )


def _written(fitness: float) -> float | None:
    return fitness if math.isfinite(fitness) else None


def _read(fitness: float | None) -> float:
    return math.inf if fitness is None else fitness


def _rounded(loss: float) -> float | None:
    """A float32 in seven digits, for people; JSON has no NaN."""
    return float(f"{loss:.7g}") if math.isfinite(loss) else None


class _transaction:  # noqa: N801 - used as a statement
    """All or nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("begin immediate")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._connection.execute("commit" if kind is None else "rollback")


def read_digest(path: Path) -> str:
    """Digest of the journal in a file."""
    with closing(Journal.open(path)) as journal:
        return journal.digest()
