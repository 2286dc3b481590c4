"""A run from beginning to end: search every repeat, choose the champion on fresh seeds, compare, write it down.

The journal is the only state. A run begins by creating it and goes on, now or after a crash, from what it holds.
"""

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from primitives.builtins import load_program
from primitives.dataflow import structure_hash
from primitives.errors import UserError
from primitives.program import Program
from primitives.text import parse, to_text
from proxy_tasks import catalog
from proxy_tasks.baselines import REFERENCE, baseline
from search.config import Config, build_config, insertable, to_yaml
from search.engine import ALGORITHMS, Evolution
from search.evaluation import evaluator, search_evaluator, yardstick
from search.executors import EXECUTORS, Executor
from search.journal import Journal
from search.progress import Progress
from search.results import (
    CONFIG,
    JOURNAL,
    Summary,
    claim,
    open_run,
    versions,
    write_summary,
    write_text,
)
from selection.champion import choose
from selection.comparison import FINAL_SEEDS, FRESH_SEEDS, TUNING_SEEDS, Comparison, compare, tuned_baselines

FOUND = "found"  # how the champion is called in the table


def run(config: Config, folder: Path, progress: Progress) -> Summary:
    """Start a run in a new folder.

    Args:
        config: what to run.
        folder: is made; raises `UserError` if it holds anything.
        progress: is told what happens.
    """
    start = load_program(config.program)
    claim(folder)
    meta = {
        "config": config.model_dump(mode="json"),
        "start": to_text(start),
        "yardstick": yardstick(config),
        "versions": versions(),
    }
    with Journal.create(folder / JOURNAL, meta) as journal:
        write_text(folder / CONFIG, to_yaml(config))
        return _go_on(config, start, journal, folder, progress)


def resume(folder: Path, progress: Progress) -> Summary:
    """Go on with a run where its journal ends; raises `UserError` if the folder holds none."""
    with open_run(folder) as journal:
        meta = journal.meta()
        config = build_config(meta["config"] | {"program": REFERENCE})  # a program file may be gone by now
        config = config.model_copy(update={"program": meta["config"]["program"]})
        if meta["yardstick"] != yardstick(config):
            raise UserError(
                f"the tasks or their baselines have changed since `{folder}` began; its scores would not mix"
            )
        changed = [name for name, value in versions().items() if meta["versions"].get(name) != value]
        if changed:
            progress.note(f"other versions than at the start ({', '.join(changed)}): the rest may differ in rounding")
        return _go_on(config, parse(meta["start"]), journal, folder, progress)


def _go_on(config: Config, start: Program, journal: Journal, folder: Path, progress: Progress) -> Summary:
    tasks = [catalog.task(name) for name in config.tasks]
    progress.begin(config, journal)
    scorer = search_evaluator(config)
    progress.reference(scorer.evaluate(baseline(tasks[0].name, "lion")).fitness if len(tasks) == 1 else math.nan)
    executor = EXECUTORS[config.workers.executor](scorer)
    with _stoppable(progress) as stop:
        for repeat in range(config.search.repeats):
            engine = _engine(config, start, repeat)
            engine.restore(journal.past(repeat))
            progress.repeat(repeat)
            _search(engine, executor, journal, repeat, progress, stop)
            if not engine.done:
                break
    summary = _conclude(config, journal, progress, complete=engine.done and repeat + 1 == config.search.repeats)
    write_summary(folder, summary)
    return summary


def _engine(config: Config, start: Program, repeat: int) -> Evolution:
    return ALGORITHMS[config.search.algorithm](
        config.search,
        config.evaluation,
        start,
        insertable(config),
        config.seed,
        repeat,
        config.workers.in_flight,
    )


def _search(
    engine: Evolution, executor: Executor, journal: Journal, repeat: int, progress: Progress, stop: list[int]
) -> None:
    """Score candidates until all are recorded, or until asked to stop; then let what is in flight finish."""
    in_flight = 0
    while not engine.done and not (stop and not in_flight):
        while not stop and executor.free() and (candidate := engine.ask()) is not None:
            executor.submit(candidate)
            in_flight += 1
        for number, score in executor.collect():
            engine.tell(number, score)
            in_flight -= 1
        records = engine.recorded()
        journal.append(repeat, records)
        progress.recorded(records)


@contextmanager
def _stoppable(progress: Progress) -> Iterator[list[int]]:
    """A list that fills when the user asks to stop; a second Ctrl-C interrupts at once."""
    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        asked.append(number)
        progress.stopping()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    old = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, old)


def _conclude(config: Config, journal: Journal, progress: Progress, complete: bool) -> Summary:
    """Choose the champion among the best by their fitness on fresh seeds, and compare it on others."""
    finalists = journal.best(config.selection.finalists, key=lambda row: structure_hash(parse(row.program)))
    if not finalists and not complete:
        raise UserError("stopped before a program was scored; `optsearch resume` with the run folder goes on")
    if not finalists:
        raise UserError("no program could be trained; does the starting program diverge on every seed?")
    settings = config.selection
    chosen = choose(
        [parse(row.program) for row in finalists],
        judge=evaluator(config, range(FINAL_SEEDS, FINAL_SEEDS + settings.seeds)),
        tuner=evaluator(
            config, range(TUNING_SEEDS, TUNING_SEEDS + config.evaluation.seeds), config.evaluation.first_seeds
        ),
        leaders=settings.leaders,
        margin=config.evaluation.hurdle_margin,
        trials=settings.tuning_trials if complete else 0,  # who stopped a run does not want to wait
        report=progress.phase,
    )
    progress.phase("comparing with the baselines")
    return Summary(
        champion=chosen,
        row=finalists[chosen.index],
        table=tuple(comparison_table(config, chosen.program, range(FRESH_SEEDS, FRESH_SEEDS + settings.seeds))),
        complete=complete,
        digest=journal.digest(),
        statistics=journal.statistics(),
    )


def comparison_table(config: Config, champion: Program, seeds: range) -> Iterator[Comparison]:
    """The champion beside the tuned baselines of each task, on the validation and the test split."""
    for task in map(catalog.task, config.tasks):
        for split in ("validation", "test"):
            yield from compare({FOUND: champion} | tuned_baselines(task), [task], seeds, split)
