"""Trials in the journal: what was trained and its losses, each row with a hash over itself.

They come in whatever order they are done, which does not matter: a trial that is not on record is done again, with
the same result.
"""

import json
import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

Key = tuple[str, str, str, int, int]  # as `selection.trials.Trial.key` has it

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
) without rowid;
"""
SELECT = "select subject, task, split, first, seeds, losses, digest from trials"
INSERT = "insert or replace into trials values (?, ?, ?, ?, ?, ?, ?)"


def columns(key: Key, losses: Sequence[float]) -> tuple[Any, ...]:
    """The columns of a trial."""
    text = json.dumps([value if math.isfinite(value) else None for value in losses])
    return (*key, text, _digest(key, text))


def entry(values: Sequence[Any]) -> tuple[Key, tuple[float, ...]] | None:
    """Key and losses of a row; `None` if it was altered."""
    *key, text, digest = values
    if _digest(key, text) != digest:
        return None
    return tuple(key), tuple(math.nan if value is None else value for value in json.loads(text))


def _digest(key: Sequence[Any], text: str) -> bytes:
    return blake2b(repr((*key, text)).encode(), digest_size=8).digest()
