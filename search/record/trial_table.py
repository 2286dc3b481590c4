"""Tables of trials in the journal: one row for each trial, with its losses and a hash over the row.

Rows are written in the order in which trials complete. The order does not matter, since a trial that is not recorded is
run again with the same result. A second table counts failed attempts: trials that crashed their worker or exceeded
their time limit.
"""

import json
import math
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from search.record.column_types import are_losses, parsed

Key = tuple[str, str, str, int, int]  # `selection.Trial.key`: subject, task, split, first seed, number of seeds
Losses = Mapping[Key, Sequence[float]]
Failures = Mapping[Key, tuple[str, int]]  # status of the last attempt, and number of attempts

SCHEMA = """
create table trials (
    subject text not null,  -- live part of a program, or an optimizer
    task text not null,     -- name and digest of its description
    split text not null,
    first integer not null, -- seed
    seeds integer not null,
    losses text not null,   -- JSON, one for each seed; null where training diverged
    digest blob not null,   -- hash over the columns above
    primary key (subject, task, split, first, seeds)
) without rowid
"""
FAILED_SCHEMA = """
create table failed_trials (
    subject text not null,
    task text not null,
    split text not null,
    first integer not null,
    seeds integer not null,
    status text not null,      -- of the last attempt: crashed or timeout
    attempts integer not null, -- over all commands
    digest blob not null,      -- hash over the columns above
    primary key (subject, task, split, first, seeds)
) without rowid
"""
SELECT_FAILED = "select subject, task, split, first, seeds, status, attempts, digest from failed_trials"
INSERT_FAILED = "insert or replace into failed_trials values (?, ?, ?, ?, ?, ?, ?, ?)"
SELECT = "select subject, task, split, first, seeds, losses, digest from trials"
INSERT = "insert or replace into trials values (?, ?, ?, ?, ?, ?, ?)"


def columns(key: Key, losses: Sequence[float]) -> tuple[Any, ...]:
    """The columns of a trial."""
    text = json.dumps([value if math.isfinite(value) else None for value in losses])
    return (*key, text, _digest(key, text))


def entry(values: Sequence[Any]) -> tuple[Key, tuple[float, ...]] | None:
    """Key and losses of a row; `None` if it was altered or holds other values."""
    *key, text, digest = values
    if _digest(key, text) != digest:
        return None
    try:
        losses = parsed(text)
    except ValueError:
        return None
    if not are_losses(losses):
        return None
    return tuple(key), tuple(math.nan if value is None else value for value in losses)


def failed_columns(key: Key, status: str, attempts: int) -> tuple[Any, ...]:
    """The columns of a trial that failed."""
    return (*key, status, attempts, _digest(key, f"{status} {attempts}"))


def failed_entry(values: Sequence[Any]) -> tuple[Key, tuple[str, int]] | None:
    """Key, status and attempts of a row; `None` if it was altered."""
    *key, status, attempts, digest = values
    whole = _digest(key, f"{status} {attempts}") == digest and type(attempts) is int
    return (tuple(key), (status, attempts)) if whole else None


def _digest(key: Sequence[Any], text: str) -> bytes:
    return blake2b(repr((*key, text)).encode(), digest_size=8).digest()
