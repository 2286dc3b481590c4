"""Run folders that were never searched: a journal and a summary with made-up scores, written in a moment."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from primitives import Program, Statement, builtin, functional_hash, live, to_text
from proxy_tasks import Score, Status
from search.engine.candidate import Candidate, Record
from search.record import JOURNAL, LION, SEARCH_ENDED, SUMMARY, Journal, plain
from search.record.candidate_table import columns, sealed
from search.settings import Config
from selection import derive

CONFIG = {"program": "adamw", "tasks": ["digits"], "seed": 1, "search": {"children": 40}}
_STATUSES = (Status.OK, Status.REJECTED, Status.OK, Status.DIVERGED, Status.UNSOUND)


def record(number: int, program: Program, fitness: float, *, mutation: str = "insert", matched: str = "") -> Record:
    """A candidate with a score."""
    status = Status.OK if number == 0 or matched else _STATUSES[number % len(_STATUSES)]
    score = Score(status, fitness, fitness, "" if status is Status.OK else "reason", {"digits": (0.5, 0.6)})
    parent = None if number == 0 else number - 1
    candidate = Candidate(
        number=number,
        parent=parent,
        mutation="start" if number == 0 else mutation,
        program=program,
        hash=functional_hash(program),
        live=len(live(program).lines),
        hurdle=np.inf,
        same_as=0 if matched else None,
        matched=matched,
        dropped=0,
        restarts=0,
        probe=None,
    )
    return Record(candidate, score)


def programs(count: int) -> list[Program]:
    """Programs whose lengths and functions differ: AdamW with some statements more or less."""
    found = [builtin(name) for name in ("adamw", "signum", "momentum", "lion")]
    grown = [
        Program((*base.statements, Statement("update", "multiply", ("update", 1 + 0.01 * number))), base.slots)
        for number, base in enumerate(found * (count // len(found) + 1))
    ]
    return [*found, *grown][:count]


def records(count: int) -> Iterable[Record]:
    """A history whose best fitness falls, with duplicates in it."""
    for number, program in enumerate(programs(count)):
        matched = ("hash", "probe", "structure", "replay")[number % 4] if number % 6 == 5 else ""
        yield record(number, program, 0.4 - 0.5 * number / count, matched=matched)


def append_update(folder: Path, added: Record, update: str) -> None:
    """Append a row whose program assigns any text to the update, such as a call of what does not exist."""
    with Journal.open(folder / JOURNAL) as journal:
        _, chain, seal = journal._end(0)
        values = list(columns(0, added, chain, seal))
        values[4] = f"def train(w, g, m, v, lr):\n    update = {update}\n    return update, m, v\n"
        journal.insert([(*values[:-1], sealed(seal, values[:-1]))])


def write_journal(folder: Path, history: Iterable[Record], *, ended: bool = True, config: Any = None) -> None:
    """The journal of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    meta = {
        "run": "0" * 32,
        "config": Config.model_validate(config or CONFIG).model_dump(mode="json"),
        "start": to_text(builtin("adamw")),
        "yardstick": {"digits": {"noise": 0.1, "share": 1.0}},
        "versions": {"python": "3.11"},
        "searches": 1,
    }
    with Journal.create(folder / JOURNAL, meta) as journal:
        journal.append(0, history)
        journal.note(LION, -0.05)
        journal.note(SEARCH_ENDED, ended)


def summary(number: int = 3, task: str = "digits") -> dict[str, Any]:
    """The summary of a run that found Lion."""
    lion = builtin("lion")
    rng = np.random.default_rng(0)
    losses = {"adamw (tuned)": rng.uniform(0.5, 0.7, 6).tolist()}
    losses["found"] = [0.9 * loss for loss in losses["adamw (tuned)"]]
    losses["lion (tuned)"] = [0.95 * loss for loss in losses["adamw (tuned)"]]
    ratios = {"adamw (tuned)": 0.0, "found": float(np.log(0.9)), "lion (tuned)": float(np.log(0.95))}
    comparison = [
        {
            "program": name,
            "task": task,
            "split": split,
            "loss": float(np.mean(values)),
            "log_ratio": ratios[name],
            "interval": [ratios[name] - 0.02, ratios[name] + 0.02],
            "per_seed": values,
        }
        for name, values in losses.items()
        for split in ("validation", "test")
    ]
    standings = [
        {"name": name, "index": index, "log_ratio": ratio, "interval": [ratio - 0.03, ratio + 0.03], "verdict": verdict}
        for name, index, ratio, verdict in (("program 1", 0, -0.1, "better"), ("sgd", None, 0.2, "worse"))
    ]
    stage = {"tasks": [f"{task}_x10"], "trials": 8, "tuning_seeds": 2, "tunings": 2, "seeds": 8, "standings": standings}
    curves = [
        {"program": name, "task": task, "share": share, "per_seed": [(2 - share) * loss for loss in values]}
        for name, values in losses.items()
        for share in (0.5, 1.0)
    ]
    maps = [
        {"program": name, "rate": rate, "decay": decay, "log_ratio": None if rate > 3 else rate - 1}
        for name in ("found", "adamw (tuned)")
        for rate in (0.25, 1.0, 4.0)
        for decay in (0.5, 1.0)
    ]
    checks = [{"repeat": 0, "number": 10 * n, "fitness": -0.1 * n, "fresh": -0.1, "larger": 0.1 * n} for n in (1, 2, 3)]
    best = {
        "program": to_text(lion),
        "live": to_text(lion),
        "fitness": -0.1,
        "search_fitness": -0.12,
        "recognised": "lion",
        "repeat": 0,
        "number": number,
        "tuned": True,
    }
    return {
        "run": "results/found",
        "complete": True,
        "best": best,
        "simplified": derive(lion).as_json(),
        "comparison": comparison,
        "stages": [stage],
        "table": [],
        "winner": "program 1",
        "checks": checks,
        "curves": curves,
        "sensitivity": maps,
    }


def recorded_run(folder: Path, count: int = 40, **changes: Any) -> Path:
    """A run folder of a search that has ended."""
    write_journal(folder, records(count))
    (folder / SUMMARY).write_text(json.dumps(plain(summary() | changes)))
    return folder
