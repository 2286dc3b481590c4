"""The recorded candidates of a run: an iterable with filters, which becomes a table."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from optsearch._temporary import TemporaryFolder
from primitives import UserError
from search.record import TABLE_COLUMNS, CandidateRow, look, query, table_row

if TYPE_CHECKING:
    import pandas as pd


class Candidates:
    """Recorded candidates of a run, as an iterable that reads the journal.

    Args:
        folder: the run folder.
        conditions: conditions that the candidates meet.
        keeper: the temporary folder of the run, which is not deleted before this object.
    """

    def __init__(
        self,
        folder: Path,
        conditions: tuple[Callable[[CandidateRow], bool], ...] = (),
        keeper: TemporaryFolder | None = None,
    ) -> None:
        self._folder, self._conditions, self._keeper = folder, conditions, keeper

    def where(self, text: str) -> "Candidates":
        """Filter the candidates by a query.

        Args:
            text: a condition on columns, such as `uses:sign and length < 8`. The columns are `number`, `repeat`,
                `parent`, `fitness`, `first_fitness`, `length`, `statements`, `status`, `mutation`, `hash` and
                `evaluated`; `uses:NAME` is true if the live part calls the function `NAME`.

        Returns:
            The candidates that also meet this condition.

        Raises:
            UserError: the text is not a valid query.
        """
        return Candidates(self._folder, (*self._conditions, query(text)), self._keeper)

    def __iter__(self) -> Iterator[CandidateRow]:
        with look(self._folder) as journal:
            for row in journal.rows():
                if all(condition(row) for condition in self._conditions):
                    yield row

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<{len(self):,} candidates of {self._folder}>"

    def to_pandas(self) -> "pd.DataFrame":
        """Convert to a table with the columns of the journal; requires pandas (`pip install pandas`).

        Returns:
            A data frame with one row for each candidate.

        Raises:
            UserError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise UserError("a table needs pandas: `pip install pandas`") from None

        return pd.DataFrame(map(table_row, self), columns=list(TABLE_COLUMNS))
