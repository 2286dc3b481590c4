"""Candidates as tables: CSV by the standard library, Parquet by pyarrow."""

import csv
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from primitives import UserError, visible
from search.record.atomic_files import whole_file
from search.record.candidate_table import CandidateRow

# Columns of a table: those of the journal without hashes and probe updates.
TABLE_COLUMNS = tuple(name for name in CandidateRow._fields if name not in ("chain", "probe", "seal"))
_FORMULAS = ("=", "+", "-", "@")  # beginnings of formulas in spreadsheets
_CHUNK = 20_000  # largest number of rows in memory


def table_row(row: CandidateRow) -> list[Any]:
    """The values of `TABLE_COLUMNS`."""
    return [getattr(row, name) for name in TABLE_COLUMNS]


def write_csv(rows: Iterable[CandidateRow], path: Path) -> int:
    """Write candidates as CSV, with a line of column names and losses as JSON.

    Texts may come from others, and spreadsheets execute formulas: a text that begins as a formula is preceded by an
    apostrophe, and unprintable characters are shown as escapes.

    Args:
        rows: the candidates.
        path: path of the file, which is replaced if it exists.

    Returns:
        The number of candidates.

    Raises:
        UserError: the file cannot be written.
    """
    count = 0
    with whole_file(path) as part, part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(TABLE_COLUMNS)
        for row in rows:
            writer.writerow(map(_cell, _flat(row)))
            count += 1
    return count


def write_parquet(rows: Iterable[CandidateRow], path: Path) -> int:
    """Write candidates as Parquet, with losses as JSON; needs pyarrow. Arguments and result as for `write_csv`."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise UserError("Parquet needs pyarrow: `pip install pyarrow`, or write CSV") from None
    schema = pa.schema([(name, _type(pa, name)) for name in TABLE_COLUMNS])
    count = 0
    with whole_file(path) as part, parquet.ParquetWriter(part, schema) as writer:
        for chunk in _chunks(rows):
            columns = list(zip(*map(_flat, chunk), strict=True))
            writer.write_table(pa.table([pa.array(*pair) for pair in zip(columns, schema.types, strict=True)], schema))
            count += len(chunk)
    return count


def _chunks(rows: Iterable[CandidateRow]) -> Iterator[list[CandidateRow]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk


def _flat(row: CandidateRow) -> list[Any]:
    """The values of a row, losses as JSON."""
    return [json.dumps(value) if isinstance(value, dict) else value for value in table_row(row)]


def _cell(value: Any) -> Any:  # noqa: ANN401 - values of a row
    """A value for CSV: a text as text, and any other value as it is."""
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.lstrip()[:1] in _FORMULAS else text


def _type(pa: Any, name: str) -> Any:  # noqa: ANN401 - pyarrow is optional
    """The type of a column."""
    kind = str(CandidateRow.__annotations__[name])
    return pa.int64() if "int" in kind else pa.float64() if kind == "<class 'float'>" else pa.string()
