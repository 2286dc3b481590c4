"""Snapshots of a run that another process may be executing; nothing is written to its folder."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from primitives import builtin
from search.record import (
    JOURNAL,
    LION,
    SEARCH_ENDED,
    SUMMARY,
    CandidateRow,
    Journal,
    front,
    in_use,
    lock_owner,
    look,
)
from search.running.reporter import Counts
from search.settings import SearchSettings, plain_config

LATEST = 5  # number of latest candidates in a snapshot
IDLE = 60.0  # seconds without a change after which a folder that no process of this machine has locked is not running
_AHEAD = 60.0  # seconds by which the clock of another machine may be ahead; a later change is of unknown age


@dataclass(frozen=True)
class Snapshot:
    """State of a run at one time.

    Attributes:
        counts: counts of the recorded candidates.
        total: largest number of candidates of the search.
        latest: the latest recorded candidates, newest first.
        front: the best candidate of each length.
        best_price: price of length and memory in the best fitness.
        lion: fitness of the tuned Lion on the seeds of the search; `None` if unknown.
        lion_price: price of length and memory in the fitness of Lion.
        workers: description of the executor and the driver.
        searched: whether the search is complete; selection may follow.
        trained: number of recorded trials.
        running: whether a process is working on the run; on another machine, a guess from the age of the last change.
        ended: whether the run has ended.
    """

    counts: Counts
    total: int
    latest: Sequence[CandidateRow]
    front: Sequence[CandidateRow]
    best_price: float
    lion: float | None
    lion_price: float
    workers: str
    searched: bool
    trained: int
    running: bool
    ended: bool

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        counts = self.counts
        rows = {name: [_plain(row) for row in getattr(self, name)] for name in ("latest", "front")}
        known = ("children", "evaluated", "best_fitness", "restarts")
        keys = ("total", "lion", "workers", "searched", "trained", "running", "ended")
        return {name: getattr(counts, name) for name in known} | {key: getattr(self, key) for key in keys} | rows


def _plain(row: CandidateRow) -> dict[str, Any]:
    return {
        key: getattr(row, key)
        for key in ("repeat", "number", "mutation", "status", "matched", "fitness", "live", "program")
    }


def snapshot(folder: Path) -> Snapshot:
    """Read the state of a run from its journal; the hashes of its rows are not checked, to save time.

    Args:
        folder: the run folder; another process may be writing to it.

    Returns:
        The snapshot.

    Raises:
        UserError: the folder has no run.
    """
    busy, concluded = in_use(folder), (folder / SUMMARY).is_file()
    with look(folder, damaged=True) as journal:
        meta = journal.meta()
        config = plain_config(meta["config"], folder)
        counts = Counts.of(journal)
        search, price = config["search"], journal.price
        lion = meta.get(LION)
        return Snapshot(
            counts=counts,
            total=SearchSettings.model_construct(**search).most_candidates,
            latest=_latest(journal, search["children"]),
            front=front(journal),
            best_price=price.of(counts.best) if counts.best else 0.0,
            lion=lion if isinstance(lion, float) else None,
            lion_price=price.of(builtin("lion")),
            workers=_workers(config["workers"], lock_owner(folder) if busy else ""),
            searched=bool(meta.get(SEARCH_ENDED)),
            trained=journal.trial_count(),
            running=busy or (not concluded and -_AHEAD < time.time() - _changed(folder) < IDLE),
            ended=not busy and concluded,
        )


def _latest(journal: Journal, children: int) -> list[CandidateRow]:
    """Latest candidates of the unfinished repeats, or of all repeats if all are finished; highest number first."""
    counts = journal.counts()
    repeats = [repeat for repeat, count in counts if count <= children] or [repeat for repeat, _ in counts]
    rows = [
        row
        for repeat in repeats[-LATEST:]
        for row in journal.rows("repeat = ?", order="number desc", limit=LATEST, given=(repeat,))
    ]
    return sorted(rows, key=lambda row: (-row.number, row.repeat))[:LATEST]


def _workers(settings: dict[str, Any], owner: str) -> str:
    """Description of the executor of a run and of the process that drives it."""
    count = settings["count"]
    return ", ".join(filter(None, (settings["executor"], f"{count} workers" if count else "", owner)))


def _changed(folder: Path) -> float:
    """Time of the last change of the journal, in seconds since 1970."""
    times = [0.0]
    for name in (JOURNAL, f"{JOURNAL}-wal"):
        try:
            times.append((folder / name).stat().st_mtime)
        except OSError:
            continue
    return max(times)
