"""Facts about a program or a run, as plain values for `--json` and tables."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from primitives import Program, functional_hash, live, live_part, parse, statement_text, to_text
from proxy_tasks import Price, Status, sound
from search.record import Ancestor, CandidateRow, Journal, front, live_lines, unreadable
from search.report import answers, gather
from selection import derive
from simplify import recognise

_ROW_FACTS = ("program", "live", "live_program", "slots", "hash", "log_ratio", "recognised")


def program_facts(program: Program) -> dict[str, Any]:
    """Analyse a program.

    Args:
        program: a valid program.

    Returns:
        Live and redundant statements, state slots in use, functional hash, exact derivation, and recognised optimizer.
    """
    found = derive(program).as_json()
    return _dataflow_facts(program) | {
        "simplified": found.pop("program"),
        **{key: found[key] for key in ("steps", "recognised", "constants", "evidence", "resembles", "verdict")},
    }


def _dataflow_facts(program: Program) -> dict[str, Any]:
    lines, slots = live(program)
    return {
        "program": to_text(program),
        "live": [statement_text(program.statements[line]) for line in lines],
        "redundant": [
            statement_text(statement) for line, statement in enumerate(program.statements) if line not in lines
        ],
        "live_program": to_text(live_part(program)),
        "slots": list(slots),
        "hash": functional_hash(program),
    }


def run_facts(folder: Path, journal: Journal, count: int) -> dict[str, Any]:
    """Collect the results of a run.

    Args:
        folder: the run folder.
        journal: its journal, open.
        count: number of best distinct programs to include.

    Returns:
        Main results (`answers`), front, ancestry of the champion (`lineage`), counts (`statistics`), digest, config,
        versions, notes, tasks, best programs (`programs`), and the simplified champion (`derivation`), which is empty
        if the run has not ended or its summary cannot be used.
    """
    best, found = journal.best(count), gather(folder, journal, course=False)
    main_results = answers(found)
    first = next(journal.rows("repeat = 0 and number = 0"), None)
    yardstick, config = found.meta["yardstick"], found.config
    return {
        "answers": main_results._asdict() if main_results else None,
        "front": [_row_facts(row, journal.price) for row in front(journal)],
        "lineage": [_step(ancestor) for ancestor in found.ancestors],
        "statistics": found.statistics,
        "digest": found.digest,
        "config": config,
        "versions": found.meta["versions"],
        "notes": _notes(best, [name.rpartition("/")[2] for name in config["search"]["plugins"]]),
        "tasks": [
            {"task": name, "share": row.get("share"), "noise": row["noise"], "data": row.get("data")}
            for name, row in yardstick.items()
        ],
        "programs": [_row_facts(row, journal.price) | {"parts": _parts(row, first, yardstick)} for row in best],
        "derivation": found.summary.simplified.model_dump() if found.summary else {},
    }


def _notes(rows: Sequence[CandidateRow], plugins: Sequence[str]) -> list[str]:
    """One note for each reason why programs cannot be analysed, such as a plugin that is not loaded."""
    reasons = dict.fromkeys(filter(None, map(unreadable, rows)))
    source = f"; `--trust` loads the plugins of the run ({', '.join(plugins)})" if plugins else ""
    return [f"a program is shown as text only: {reason}{source}" for reason in reasons]


def _row_facts(row: CandidateRow, price: Price) -> dict[str, Any]:
    facts: dict[str, Any]
    if unreadable(row):
        facts = {
            "program": row.program,
            "live": live_lines(row),
            "live_program": row.program,
            "slots": [],
            "hash": row.hash,
            "log_ratio": None,
            "recognised": None,
        }
    else:
        program = parse(row.program)
        found = recognise(program)
        ratio = row.fitness - price.of(program)
        facts = _dataflow_facts(program) | {"log_ratio": ratio, "recognised": found.name if found else None}
    return {
        "repeat": row.repeat,
        "number": row.number,
        "fitness": row.fitness,
        "live_statements": row.live,
        "losses": row.losses,
        **{key: facts[key] for key in _ROW_FACTS},
    }


def _parts(row: CandidateRow, first: CandidateRow | None, yardstick: dict[str, Any]) -> dict[str, float]:
    """Contribution of each task to the fitness gain over the starting program, without prices.

    The contribution is the weight of the task times the mean over seeds of log(loss / loss of the starting program).
    The result is empty if a loss is not positive and finite.
    """
    if first is None or first.status != Status.OK or not yardstick.keys() <= row.losses.keys() & first.losses.keys():
        return {}
    pairs = {name: list(zip(row.losses[name], first.losses[name], strict=False)) for name in yardstick}
    if not all(found and sound(found).all() for found in pairs.values()):
        return {}
    return {
        name: yardstick[name].get("share", 1.0) * sum(math.log(a / b) for a, b in pairs[name]) / len(pairs[name])
        for name in yardstick
    }


def _step(ancestor: Ancestor) -> dict[str, Any]:
    return ancestor._asdict() | {"changes": [list(change) for change in ancestor.changes]}
