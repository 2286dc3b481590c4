"""A row of the journal: its columns, and two hashes that link each row to the row before.

`chain` covers the history, without anything that depends on the machine or on paths; it gives the digest of a search.
`seal` covers every column, and starts from a hash of the initial metadata, so it detects any altered value. Neither
hash has a key: they detect accidents, not forgery.
"""

import json
import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from primitives import to_text
from proxy_tasks import Status
from search.engine import HistoryEntry, Record
from search.record.column_types import check_columns

SCHEMA = """
create table candidates (
    repeat integer not null,
    number integer not null,
    parent integer,          -- number of the parent; null for the starting program
    mutation text not null,
    program text not null,   -- the genome, redundant statements included
    hash text not null,      -- functional hash of the live part
    fitness real,            -- null where training diverged
    first_fitness real,      -- the same on the first seeds alone
    status text not null,    -- ok, rejected, diverged, crashed, timeout
    reason text not null,
    same_as integer,         -- number of the candidate whose score this one took over
    matched text not null,   -- why it did: hash, probe; empty for an evaluated candidate
    chain blob not null,     -- hash over the columns above and the chain of the row before
    restarts integer not null, -- how often the algorithm had begun again
    statements integer not null,
    live integer not null,   -- live statements
    dropped integer not null, -- drafts that were not valid
    losses text not null,    -- JSON: for each task the validation loss of each seed; what a race needs to go on
    probe blob,              -- updates on the probes, float32
    seal blob not null,      -- hash over all columns above and the seal of the row before
    primary key (repeat, number)
) without rowid;
create index best on candidates (fitness, repeat, number) where status = 'ok' and matched = '';
create index counts on candidates (matched, status, statements, live, dropped, restarts);
"""

CHAIN, SEAL = 12, 19  # indices of these columns
_LATER = "race: fitness"  # key of the fitness at later stages of a race, among the losses; task names have no colon


class CandidateRow(NamedTuple):
    """One row of the journal; a fitness that the file lacks is infinite."""

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
    matched: str
    chain: bytes
    restarts: int
    statements: int
    live: int
    dropped: int
    losses: dict[str, list[float]]
    probe: bytes | None
    seal: bytes = b""


_LOSSES = CandidateRow._fields.index("losses")


def row(values: Sequence[Any]) -> CandidateRow:
    """Make a row from the columns of the file; raises `ValueError` if they have other types."""
    losses = check_columns(values)
    raw = CandidateRow(*values)
    losses.pop(_LATER, None)
    return raw._replace(fitness=_read(raw.fitness), first_fitness=_read(raw.first_fitness), losses=losses)


def history_entry(values: Sequence[Any]) -> HistoryEntry:
    """Make the part of a row that the engine and the algorithm need, from checked columns of the file."""
    raw = CandidateRow(*values)
    losses = values[_LOSSES]
    return HistoryEntry(
        raw.number,
        raw.mutation,
        raw.program,
        raw.hash,
        _read(raw.fitness),
        _read(raw.first_fitness),
        Status(raw.status),
        raw.reason,
        raw.same_as,
        raw.probe,
        tuple(json.loads(losses).get(_LATER, ())) if _LATER in losses else (),
    )


def columns(repeat: int, record: Record, chain: bytes, seal: bytes) -> tuple[Any, ...]:
    """The columns of a record.

    Args:
        repeat: number of the repeat.
        record: the candidate and its score.
        chain: chain of the row before; empty for the first row.
        seal: seal of the row before; for the first row, the hash of the initial metadata.
    """
    candidate, score = record
    losses = {task: [_rounded(loss) for loss in losses] for task, losses in score.losses.items()}
    history = (
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
        candidate.matched,
    )
    values = (
        *history,
        _chained(chain, history),
        candidate.restarts,
        len(candidate.program.statements),
        candidate.live,
        candidate.dropped,
        json.dumps({**losses, _LATER: score.later} if score.later else losses),
        candidate.probe,
    )
    return (*values, sealed(seal, values))


_encoded = json.JSONEncoder(default=repr).encode


def sealed(before: bytes, values: Sequence[Any]) -> bytes:
    """Hash over all columns of a row before the seal, and the seal of the row before."""
    probe = values[SEAL - 1]
    text = _encoded(values[: SEAL - 1]).encode()
    return blake2b(
        b"%b%b%b" % (before, text, probe if isinstance(probe, bytes) else repr(probe).encode()), digest_size=16
    ).digest()


def _chained(before: bytes, values: Sequence[Any]) -> bytes:
    """Hash over the columns of the history, and the chain of the row before."""
    return blake2b(before + json.dumps(values).encode(), digest_size=16).digest()


def _written(fitness: float) -> float | None:
    return fitness if math.isfinite(fitness) else None


def _read(fitness: float | None) -> float:
    return math.inf if fitness is None else fitness


def _rounded(loss: float) -> float | None:
    """A float32 with seven digits; `None` if it is not finite, since JSON has no NaN."""
    return float(f"{loss:.7g}") if math.isfinite(loss) else None
