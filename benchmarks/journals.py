"""A journal of a million candidates: seconds to resume and to inspect it, and the memory of the driver."""

import json
import math
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any

from primitives import builtin, to_text
from proxy_tasks import Score, Status
from search.algorithms import build_engine
from search.engine import Record
from search.record import JOURNAL, Journal
from search.record.candidate_table import CHAIN, SEAL, columns
from search.running import versions
from search.settings import build_config

ROWS = 1_000_000
HITS = 0.8
_CHUNK = 20_000

_RESUME = """
import json, resource, sys, time
from pathlib import Path
from primitives import builtin
from search.algorithms import build_engine
from search.record import open_journal
from search.settings import build_config
before = time.monotonic()
with open_journal(Path(sys.argv[1])) as journal:
    machine = build_engine(build_config(journal.meta()["config"]), builtin("adamw"), 0)
    machine.restore(journal.history(0))
    assert machine.recorded_count == int(sys.argv[2]), machine.recorded_count
    assert machine.ask() is not None
seconds = time.monotonic() - before
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def large_journal(rows: int = ROWS) -> dict[str, Any]:
    """Time to resume and to inspect a journal of `rows` candidates, in seconds, and memory of the driver, in MiB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_journal(folder, rows)
        size = (folder / JOURNAL).stat().st_size / 2**20
        seconds, memory = json.loads(_timed([sys.executable, "-c", _RESUME, name, str(rows)])[1])
        command = [sys.executable, "-m", "optsearch", "inspect", name]
        first, shown = _timed(command)
        again, _ = _timed(command)
        assert f"{rows:,} candidates" in shown
    return {"rows": rows, "size": size, "resume": seconds, "memory": memory, "first": first, "next": again}


def _timed(command: list[str]) -> tuple[float, str]:
    before = time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.monotonic() - before, done.stdout


def write_journal(folder: Path, rows: int) -> None:
    """A history of `rows` candidates: programs of a search of 3,000, repeated with new numbers, hashes and scores."""
    config = build_config({"search": {"children": rows + 1000, "population": 1000, "tournament": 2}})
    meta = {
        "run": "made up",
        "config": config.model_dump(mode="json"),
        "start": to_text(builtin("adamw")),
        "versions": versions(),
        "yardstick": {},
        "searches": 1,
    }
    sample = _sample()
    fresh = max(2, round(1 / (1 - HITS)))
    with Journal.create(folder / JOURNAL, meta) as journal:
        chain, seal, chunk = b"", journal.beginning(), []
        for number in range(rows):
            record = sample[number % len(sample)]
            evaluated = number % fresh == 0
            candidate = record.candidate._replace(
                number=number,
                parent=None if number == 0 else max(0, number - 1 - number % 700),
                hash=f"{number if evaluated else number - number % fresh:032x}",
                same_as=None if evaluated else number - number % fresh,
                matched="" if evaluated else "hash",
                probe=record.candidate.probe if evaluated else None,
            )
            score = Score(
                Status.OK, math.sin(number), math.sin(number), "", {"digits": (0.5,) * 8} if evaluated else {}
            )
            chunk.append(columns(0, Record(candidate, score), chain, seal))
            chain, seal = chunk[-1][CHAIN], chunk[-1][SEAL]
            if len(chunk) == _CHUNK or number == rows - 1:
                journal.insert(chunk)
                chunk = []


def _sample() -> list[Record]:
    """Evaluated records of a search in which every program has the same score."""
    config = build_config({"search": {"children": 3000, "population": 300, "tournament": 2}})
    machine = build_engine(config, builtin("adamw"), 0)
    records: list[Record] = []
    for _ in count():
        candidate = machine.ask()
        if candidate is not None:
            machine.tell(candidate.number, Score(Status.OK, 0.5, 0.5))
        records += machine.recorded()
        if machine.done:
            return [record for record in records if record.evaluated]
    raise AssertionError
