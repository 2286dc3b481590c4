"""The journal: one SQLite file for a run with one row for each candidate; the only state of a run.

Rows are appended in order of number and never changed. They are written in transactions with a write-ahead log, so all
committed rows survive a kill of the process. A resumed run reads everything that it needs from the journal. Rows are
hashed (`search.record.chain`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from proxy_tasks import Price
from search.engine import HistoryEntry, Record
from search.record import trial_table
from search.record.candidate_table import CHAIN, SEAL, CandidateRow, columns, history_entry, row
from search.record.chain import ALL_COLUMNS, Chain
from search.record.faults import damage

# Keys of notes, which are added to the initial metadata.
TRIALS_OF = "trials of"  # command whose trials a journal without a search has
SECONDS = "seconds"  # duration of the run
LION = "fitness of lion"  # fitness of the tuned Lion on the seeds of the search; null with several tasks
_INSERT = f"insert into candidates ({ALL_COLUMNS}) values ({', '.join('?' * len(CandidateRow._fields))})"


class Outcome(NamedTuple):
    """Outcome of a candidate; its fitness is `None` if training diverged."""

    repeat: int
    number: int
    mutation: str
    fitness: float | None
    status: str
    matched: str


class Journal(Chain):
    """A journal with its candidates and trials; `JournalFile` has the methods that create and open it."""

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
        query = f"select {ALL_COLUMNS} from candidates where {where} order by {order} limit {limit}"
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
        query = f"select {ALL_COLUMNS} from candidates indexed by best where status = 'ok' and matched = ''"
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

    def _rows(self, query: str, given: Sequence[Any] = ()) -> Iterator[CandidateRow]:
        """The rows that a query finds; raises `UserError` at a row of other types."""
        for values in self._query(query, given):
            try:
                found = row(values)
            except ValueError:
                raise self._altered(*values[:2]) from None
            yield found


def read_digest(path: Path) -> str:
    """Read the digest of a journal file."""
    with Journal.look(path) as journal:
        return journal.digest()
