"""The journal: one SQLite file for a run with one row for each candidate; the only state of a run.

Rows are appended in order of number and never changed. They are written in transactions with a write-ahead log, so all
committed rows survive a kill of the process. A resumed run reads everything that it needs from the journal. Each row
has two hashes that cover itself and the row before (`search.record.candidate_table`). The first covers the history
only; its last values of all repeats give the digest, and equal digests mean equal histories. The second covers every
column and the initial metadata; `verify` checks it, and finds rows that were lost or altered.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from primitives import UserError, printable
from proxy_tasks import Price
from search.engine import HistoryEntry, Record
from search.record import trial_table
from search.record.candidate_table import CHAIN, SEAL, CandidateRow, columns, history_entry, row, sealed
from search.record.column_types import check_columns
from search.record.faults import damage
from search.record.journal_file import JournalFile

# Keys of notes, which are added to the initial metadata.
MIXED = "mixed hosts"  # hosts that compute different bits than the driver and have scored candidates
SEARCH_ENDED = "search ended"  # false, or for each repeat [number of rows, seal of the last row]; true in old journals
TRIALS_OF = "trials of"  # command whose trials a journal without a search has
SECONDS = "seconds"  # duration of the run
LION = "fitness of lion"  # fitness of the tuned Lion on the seeds of the search; null with several tasks
_MOST_ROWS = 2**62  # more than a repeat can have, and an integer of SQLite
_ALL = ", ".join(CandidateRow._fields)
_INSERT = f"insert into candidates ({_ALL}) values ({', '.join('?' * len(CandidateRow._fields))})"


class Outcome(NamedTuple):
    """Outcome of a candidate; its fitness is `None` if training diverged."""

    repeat: int
    number: int
    mutation: str
    fitness: float | None
    status: str
    matched: str


_End = tuple[int, bytes, bytes]  # number, chain and seal of the last row of a repeat


class Journal(JournalFile):
    """A journal with its candidates and trials; `JournalFile` has the methods that create and open it."""

    _ends: dict[int, _End]

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - those of the file
        super().__init__(*arguments)
        self._ends = {}

    def append(self, repeat: int, records: Iterable[Record]) -> None:
        """Write records of one repeat, in order of number, as one transaction.

        Raises:
            UserError: the file cannot be written; earlier records are kept.
        """
        number, chain, seal = self._end(repeat)
        rows = []
        for record in records:
            rows.append(columns(repeat, record, chain, seal))
            number, chain, seal = record.candidate.number, rows[-1][CHAIN], rows[-1][SEAL]
        if rows:
            self.insert(rows)
            self._ends[repeat] = (number, chain, seal)

    def insert(self, rows: Sequence[Sequence[Any]]) -> None:
        """Copy rows of another journal in one transaction; raises `UserError` if this fails."""
        self._write(_INSERT, rows)

    def trials(self) -> dict[trial_table.Key, tuple[float, ...]]:
        """Losses of the recorded trials, without altered rows, whose trials are run again."""
        return dict(filter(None, map(trial_table.entry, self._query(trial_table.SELECT))))

    def trial_count(self) -> int:
        """Number of recorded trials."""
        ((count,),) = self._query("select count(*) from trials")
        return int(count)

    def failed_trials(self) -> dict[trial_table.Key, tuple[str, int]]:
        """Status and attempts of the trials that crashed their worker or exceeded their time limit."""
        return dict(filter(None, map(trial_table.failed_entry, self._query(trial_table.SELECT_FAILED))))

    def record_trials(self, found: trial_table.Losses, failed: trial_table.Failures) -> None:
        """Write losses and failures in one transaction each; raises `UserError` if this fails."""
        self._write(trial_table.INSERT_FAILED, [trial_table.failed_columns(key, *row) for key, row in failed.items()])
        self._write(trial_table.INSERT, [trial_table.columns(key, losses) for key, losses in found.items()])

    def intact(self, repeat: int) -> Iterator[tuple[Any, ...]]:
        """The columns of every row of a repeat; each row is checked against the row before, and its types.

        Raises:
            UserError: at the first row that was lost or altered.
        """
        seal, chain, number = self.beginning(), b"", 0
        for values in self._query(f"select {_ALL} from candidates where repeat = ? order by number", (repeat,)):
            seal = sealed(seal, values)
            if values[1] != number or values[SEAL] != seal:
                raise self._altered(repeat, number)
            try:
                check_columns(values)
            except ValueError:
                raise self._altered(repeat, number) from None
            chain, number = values[CHAIN], number + 1
            yield values
        self._ends[repeat] = (number - 1, chain, seal)

    def note_end(self) -> None:
        """Note that the search is complete, with the last row of each repeat."""
        ends = {repeat: self._end(repeat) for repeat in self._repeats()}
        self.note(SEARCH_ENDED, {repeat: [number + 1, seal.hex()] for repeat, (number, _, seal) in ends.items()})

    def check_end(self) -> None:
        """Check that the last rows of a complete search are there; journals of earlier versions do not tell.

        Raises:
            UserError: the last rows of a repeat were lost or altered.
        """
        ends = self.notes().get(SEARCH_ENDED)
        repeats = {str(repeat): repeat for repeat in self._repeats()}
        for repeat, end in ends.items() if isinstance(ends, dict) else ():
            if repeat not in repeats or not self._has(repeats[repeat], end):
                raise damage(self._path, f"the last rows of repeat {printable(repeat)} were lost or altered")

    def _has(self, repeat: int, end: object) -> bool:
        """Whether a repeat has the row of a note `[number of rows, seal of the last row]`."""
        match end:
            case [int(count), str(seal)] if 0 < count < _MOST_ROWS:
                query = "select seal from candidates where repeat = ? and number = ?"
                found = next(self._query(query, (repeat, count - 1)), (None,))[0]
                return isinstance(found, bytes) and found.hex() == seal
        return False

    def verify(self) -> None:
        """Check every row, that none is missing at the end, and that the indices agree with the rows.

        Raises:
            UserError: at the first row that was lost or altered.
        """
        self.check_end()  # first, since another process may complete the search meanwhile
        for repeat in self._repeats():
            for _ in self.intact(repeat):
                pass
        for (answer,) in self._query("pragma integrity_check(1)"):
            if answer != "ok":
                raise damage(self._path, " ".join(str(answer).split()))

    def history(self, repeat: int) -> Iterator[HistoryEntry]:
        """The history of one repeat, for the engine; raises `UserError` if it is damaged."""
        return map(history_entry, self.intact(repeat))

    @property
    def price(self) -> Price:
        """Price of length and memory in the fitnesses of the run."""
        try:
            evaluation = self.meta()["config"]["evaluation"]
            return Price(float(evaluation["statement_price"]), float(evaluation["slot_price"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise damage(self._path, "its config has no prices of statements and slots") from None

    def rows(
        self, where: str = "1", order: str = "repeat, number", limit: int = -1, given: Sequence[Any] = ()
    ) -> Iterator[CandidateRow]:
        """Rows that meet an SQL condition; `given` are the values of its question marks."""
        query = f"select {_ALL} from candidates where {where} order by {order} limit {limit}"
        return self._rows(query, given)

    def outcomes(self) -> Iterator[Outcome]:
        """Outcome of every candidate, ordered by repeat and number; reads less than `rows`."""
        query = "select repeat, number, mutation, fitness, status, matched from candidates order by repeat, number"
        return map(Outcome._make, self._query(query))

    def children(self, repeat: int, parents: Iterable[int]) -> Iterator[tuple[int, Outcome]]:
        """Parent and outcome of every child of some candidates of a repeat, ordered by number."""
        wanted = ", ".join(map(str, parents))
        query = f"""
            select parent, repeat, number, mutation, fitness, status, matched from candidates
            where repeat = ? and parent in ({wanted}) order by number
        """
        for parent, *outcome in self._query(query, (repeat,)):
            yield parent, Outcome._make(outcome)

    def best(
        self,
        most: int,
        key: Callable[[CandidateRow], Any] = lambda row: row.hash,
        repeats: range | None = None,
        before: int | None = None,
    ) -> list[CandidateRow]:
        """The evaluated candidates of lowest fitness that were trained on all seeds, one for each value of `key`.

        Args:
            most: largest number of candidates.
            key: `row -> key`; of the rows with equal keys, only the best is returned.
            repeats: repeats of the candidates; by default all.
            before: upper bound of the candidate number, exclusive.

        Returns:
            Rows in order of fitness.
        """
        taken: dict[Any, CandidateRow] = {}
        query = f"select {_ALL} from candidates indexed by best where status = 'ok' and matched = ''"
        if repeats is not None:
            query += f" and repeat between {repeats.start} and {repeats.stop - 1}"
        if before is not None:
            query += f" and number < {before}"
        for candidate in self._rows(f"{query} order by fitness, repeat, number"):
            taken.setdefault(key(candidate), candidate)
            if len(taken) == most:
                break
        return list(taken.values())

    def best_of_each_length(self) -> Iterator[CandidateRow]:
        """Of the candidates that `best` considers, the best for each number of live statements, shortest first."""
        ranked = """
            select repeat, number, row_number() over (partition by live order by fitness, repeat, number) as place
            from candidates indexed by best where status = 'ok' and matched = ''
        """
        return self.rows(f"(repeat, number) in (select repeat, number from ({ranked}) where place = 1)", order="live")

    def lineage(self, repeat: int, number: int) -> list[CandidateRow]:
        """A candidate and its ancestors, the starting program first."""
        query = """
            with recursive line(number, parent) as (
                select number, parent from candidates where repeat = ?1 and number = ?2
                union
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
            if not (isinstance(matched, str) and isinstance(status, str) and isinstance(most, int)):
                raise damage(self._path, "a column has values of another type")
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
        """Hash of the recorded history, without times; ends in `-mixed` if hosts computed different bits (`MIXED`)."""
        total = blake2b(digest_size=16)
        for repeat in self._repeats():
            number, chain, _ = self._end(repeat)
            total.update(b"%d:%d:%b" % (repeat, number, chain))
        return total.hexdigest() + ("-mixed" if MIXED in self.meta() else "")

    def counts(self) -> list[tuple[int, int]]:
        """Repeats with candidates, and their numbers of candidates."""
        return [(repeat, self._end(repeat)[0] + 1) for repeat in self._repeats()]

    def _rows(self, query: str, given: Sequence[Any] = ()) -> Iterator[CandidateRow]:
        """The rows that a query finds; raises `UserError` at a row of other types."""
        for values in self._query(query, given):
            try:
                found = row(values)
            except ValueError:
                raise self._altered(*values[:2]) from None
            yield found

    def _altered(self, repeat: Any, number: Any) -> UserError:  # noqa: ANN401 - integers, unless altered
        return damage(self._path, f"altered at candidate {str(number)[:20]} of repeat {str(repeat)[:20]}")

    def _repeats(self) -> Iterator[int]:
        """Repeats with rows, in order; uses an index and does not read all rows."""
        repeat = -1
        while True:
            ((repeat,),) = self._query("select min(repeat) from candidates where repeat > ?", (repeat,))
            if repeat is None:
                return
            yield repeat

    def _end(self, repeat: int) -> _End:
        """Number, chain and seal of the last row of a repeat; the initial values if there is no row."""
        if repeat not in self._ends:
            query = "select number, chain, seal from candidates where repeat = ? order by number desc limit 1"
            end = next(self._query(query, (repeat,)), (-1, b"", self.beginning()))
            if tuple(map(type, end)) != (int, bytes, bytes) or not isinstance(repeat, int):
                raise damage(self._path, "a column has values of another type")
            self._ends[repeat] = end
        return self._ends[repeat]


def read_digest(path: Path) -> str:
    """Read the digest of a journal file."""
    with Journal.look(path) as journal:
        return journal.digest()
