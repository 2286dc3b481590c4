"""Repetition of a search with several seeds, and a summary of the successes: `optsearch reproduce lion`.

The runs do not depend on the target optimizer, which is used in the summary only.
"""

import json
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from filelock import FileLock

from primitives import UserError, parse, to_text
from search.record import CONFIG, JOURNAL, SECONDS, SUMMARY, Journal, check_single, look, plain, write_text
from search.running.open_run import config_of
from search.running.reporter import Reporter, SilentReporter
from search.running.reproduction_file import recorded_runs
from search.running.run import resume_search, run_search
from search.running.summary import Summary
from search.running.targets import TARGETS, Target
from search.settings import Config
from selection import derive

_SEARCH = ("seed", "tasks", "search", "evaluation")  # sections of a config on which the history of a search depends
_LOCK = "summary.lock"


def course(journal: Journal, repeat: int, target: Target) -> list[dict[str, Any]]:
    """Candidates that were the best of a repeat when they were recorded, with their levels.

    A level here is that of the exactly simplified program. It is at most the level of the scored derivation.
    """
    found: list[dict[str, Any]] = []
    for row in journal.rows("repeat = ? and status = 'ok' and matched = ''", order="number", given=(repeat,)):
        if not found or row.fitness < found[-1]["fitness"]:
            known = derive(parse(row.program))
            entry = {
                "candidate": row.number,
                "fitness": row.fitness,
                "level": target.level(known),
                "success": target.reached(known),
            }
            found.append(entry | {"what": known.verdict, "program": to_text(known.program)})
    return found


def account(seed: int, summary: Summary, journal: Journal, target: Target) -> dict[str, Any]:
    """Results of one seed, as plain values."""
    found = summary.derivation.as_json()
    level = target.level(summary.derivation)
    meta = journal.meta()
    selection = meta.get("selection", meta["config"]["selection"])
    return {
        "seed": seed,
        "success": target.reached(summary.derivation),
        "level": level,
        "level_in_words": target.levels[level],
        "seconds": round(meta.get(SECONDS, 0.0)),
        "children": summary.statistics["children"],
        "evaluated": summary.statistics["evaluated"],
        "digest": summary.digest,
        "fitness": summary.champion.fitness,
        "raw": summary.row.program,
        "simplified": found["program"],
        "recognised": found["recognised"],
        "constants": found["constants"],
        "resembles": found["resembles"],
        "verdict": found["verdict"],
        "through_the_funnel": summary.funnel.winner is not None if summary.funnel else None,
        "losses": [row.as_json() for row in summary.table],
        "stages": [stage.as_json() for stage in summary.funnel.stages] if summary.funnel else [],
        "course": course(journal, summary.row.repeat, target),
        "leaders": selection["leaders"],
        "tuning_trials": selection["tuning_trials"],
        "tuning_rounds": selection.get("tuning_rounds", 1),
    }


def reproduce_all(
    target: str,
    config_of_seed: Callable[[int], Config],
    seeds: Sequence[int],
    folder: Path,
    *,
    reporting: Callable[[], AbstractContextManager[Reporter]] = lambda: nullcontext(SilentReporter()),
    stop: threading.Event | None = None,
) -> dict[str, Any]:
    """Run each seed, or continue its run, with more candidates and another selection if the config has them.

    The summary is written after each seed. It has the runs of this call and the other complete runs in the folder that
    have the same config, so several processes can run different seeds in one folder.

    Args:
        target: name of the optimizer to be found, a key of `TARGETS`.
        config_of_seed: `seed -> config`.
        seeds: seeds of the runs.
        folder: folder of the summary; each run has a subfolder.
        reporting: makes the reporter of a run.
        stop: set when the user requests a stop.

    Returns:
        The summary: `target`, `seeds` (number of runs in it), `successes`, `levels`, `runs`.

    Raises:
        UserError: a subfolder contains a run of another config, or the folder has another `summary.json`.
        KeyboardInterrupt: a stop was requested; the same call continues.
    """
    recorded_runs(folder)  # a file that is no summary is refused before the runs
    check_single(folder / _LOCK)
    for seed in seeds:
        config, place = config_of_seed(seed), folder / f"seed-{seed}"
        with reporting() as reporter:
            reporter.note(f"seed {seed}: {place}")
            if (place / JOURNAL).exists():
                _check(place, config)
                summary = resume_search(
                    place,
                    reporter,
                    stop,
                    workers=config.workers,
                    children=config.search.children,
                    selection=config.selection,
                )
            else:
                summary = run_search(config, place, reporter, stop)
        if not summary.complete:
            raise KeyboardInterrupt
        with look(place) as journal:
            run = account(seed, summary, journal, TARGETS[target])
        with FileLock(folder / _LOCK):
            runs = sorted([run, *_others(folder, seed, config_of_seed)], key=lambda row: row["seed"])
            facts = summary_of(target, runs)
            write_text(folder / SUMMARY, json.dumps(plain(facts), indent=1) + "\n")
    return facts


def summary_of(target: str, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The summary of a reproduction, from the results of its runs."""
    return {
        "target": target,
        "seeds": len(runs),
        "successes": sum(row["success"] for row in runs),
        "levels": [row["level"] for row in runs],
        "runs": list(runs),
    }


def _others(folder: Path, seed: int, config_of_seed: Callable[[int], Config]) -> list[dict[str, Any]]:
    """Results of the other seeds in a summary whose runs are in the folder and have the same config."""
    return [row for row in recorded_runs(folder) if row["seed"] != seed and _same(folder, row["seed"], config_of_seed)]


def _recorded(place: Path) -> Config:
    """The config of a recorded run."""
    with look(place) as journal:
        return config_of(journal, place)


def _same(folder: Path, seed: int, config_of_seed: Callable[[int], Config]) -> bool:
    """Whether a folder has the run of a seed, with the search and the selection of the config."""
    place = folder / f"seed-{seed}"
    if not (place / JOURNAL).exists():
        return False
    known, config = _recorded(place), config_of_seed(seed)
    return all(getattr(known, section) == getattr(config, section) for section in (*_SEARCH, "selection"))


def _check(place: Path, config: Config) -> None:
    """Raise `UserError` if a recorded run is another search; a smaller `search.children` is extended."""
    known = _recorded(place)
    if config.search.children > known.search.children:
        known = known.model_copy(
            update={"search": known.search.model_copy(update={"children": config.search.children})}
        )
    if any(getattr(known, section) != getattr(config, section) for section in _SEARCH):
        raise UserError(f"`{place}` contains a run of another config (`{place / CONFIG}`); choose another `--out`")
