"""The hashes of the candidates of a journal: the digest, and rows that were lost or altered.

Each row has two hashes that cover itself and the row before (`search.record.candidate_table`). The first covers the
history only; its last values of all repeats give the digest, and equal digests mean equal histories. The second covers
every column and the initial metadata; `verify` checks it.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from primitives import UserError, printable
from search.record.candidate_table import CHAIN, SEAL, CandidateRow, sealed
from search.record.column_types import check_columns
from search.record.faults import damage
from search.record.journal_file import JournalFile

# Keys of notes, which are added to the initial metadata.
MIXED = "mixed hosts"  # hosts that compute different bits than the driver and have scored candidates
SEARCH_ENDED = "search ended"  # false, or for each repeat [number of rows, seal of the last row]; true in old journals
_MOST_ROWS = 2**62  # more than a repeat can have, and an integer of SQLite
ALL_COLUMNS = ", ".join(CandidateRow._fields)
_End = tuple[int, bytes, bytes]  # number, chain and seal of the last row of a repeat


class Chain(JournalFile):
    """A journal whose rows are checked against the rows before them."""

    _ends: dict[int, _End]

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - those of the file
        super().__init__(*arguments)
        self._ends = {}

    def intact(self, repeat: int) -> Iterator[tuple[Any, ...]]:
        """The columns of every row of a repeat; each row is checked against the row before, and its types.

        Raises:
            UserError: at the first row that was lost or altered.
        """
        seal, chain, number = self.beginning(), b"", 0
        for values in self._query(f"select {ALL_COLUMNS} from candidates where repeat = ? order by number", (repeat,)):
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
