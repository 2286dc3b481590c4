"""Watching a run from another process: what its journal says at a moment. Nothing is written to the folder."""

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

LATEST = 5  # candidates that were recorded last
IDLE = 60.0  # seconds without a change, after which a folder that no process of this machine holds is left alone


@dataclass(frozen=True)
class Snapshot:
    """A run at a moment.

    Attributes:
        counts: sums over its recorded candidates.
        total: candidates that the search will have at most.
        latest: the candidates that were recorded last, the last one first.
        front: best candidate of each length.
        best_price: part of the best fitness that is the price of length and memory.
        lion: fitness of the tuned Lion on the seeds of the search; `None` where it is not known.
        lion_price: the part of it that is a price.
        workers: what scores for it, in words.
        searched: whether the search is complete; trainings of the choice of the champion may follow.
        trained: trainings of the selection that are on record.
        running: whether a process works on it, as far as can be told.
        ended: whether it has come to its end.
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
    """What the journal of a run says now; its rows are not checked, which would take a pass over all of them.

    Args:
        folder: the run folder; another process may be writing to it.

    Raises:
        UserError: the folder holds no run.
    """
    busy, concluded = in_use(folder), (folder / SUMMARY).is_file()
    with look(folder, damaged=True) as journal:
        meta = journal.meta()
        counts = Counts.of(journal)
        search, price = meta["config"]["search"], journal.price
        lion = meta.get(LION)
        return Snapshot(
            counts=counts,
            total=(search["children"] + 1) * search["repeats"] * search["rounds"],
            latest=_latest(journal, search["children"]),
            front=front(journal),
            best_price=price.of(counts.best) if counts.best else 0.0,
            lion=lion if isinstance(lion, float) else None,
            lion_price=price.of(builtin("lion")),
            workers=_workers(meta["config"]["workers"], lock_owner(folder) if busy else ""),
            searched=bool(meta.get(SEARCH_ENDED)),
            trained=journal.trial_count(),
            running=busy or (not concluded and time.time() - _changed(folder) < IDLE),
            ended=not busy and concluded,
        )


def _latest(journal: Journal, children: int) -> list[CandidateRow]:
    """The last candidates of the repeats that go on, or of all where none does; the highest number first."""
    counts = journal.counts()
    repeats = [repeat for repeat, count in counts if count <= children] or [repeat for repeat, _ in counts]
    rows = [
        row
        for repeat in repeats[-LATEST:]
        for row in journal.rows("repeat = ?", order="number desc", limit=LATEST, given=(repeat,))
    ]
    return sorted(rows, key=lambda row: (-row.number, row.repeat))[:LATEST]


def _workers(settings: dict[str, Any], owner: str) -> str:
    """What scores for the run, and the process that drives it."""
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
