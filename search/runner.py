"""A run from beginning to end: search every repeat, choose the champion on fresh seeds, compare, write it down.

The journal is the only state. A run begins by creating it and goes on, now or after a crash, from what it holds.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from primitives.builtins import load_program
from primitives.dataflow import structure_hash
from primitives.errors import UserError
from primitives.program import Program
from primitives.text import parse, to_text
from proxy_tasks.baselines import REFERENCE, baseline
from search.algorithms import engine
from search.config import Config, build_config, to_yaml
from search.derivation import REDUCTION_SEEDS, derive
from search.evaluation import evaluator, executor, search_evaluator, tasks_of, versions, yardstick
from search.journal import Journal, repair
from search.loop import search, stoppable
from search.progress import Progress
from search.results import CONFIG, JOURNAL, Summary, claim, locked, open_run, write_summary, write_text
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
    with begun(config, folder) as journal:
        return _conclude(config, folder, journal, progress, search_all(config, journal, progress))


def resume(folder: Path, progress: Progress, mend: bool = False) -> Summary:
    """Go on with a run where its journal ends.

    Args:
        folder: of the run.
        progress: is told what happens.
        mend: replace a damaged journal by what can be read of it first.

    Raises:
        UserError: the folder holds no run, or one that is in use or damaged, or whose scores would not mix.
    """
    with resumed(folder, progress, mend) as (config, journal):
        return _conclude(config, folder, journal, progress, search_all(config, journal, progress))


@contextmanager
def begun(config: Config, folder: Path) -> Iterator[Journal]:
    """The journal of a new run, and the run folder held against others."""
    start = load_program(config.program)
    engine(config, start, 0)  # what is wrong with the algorithm is said before a folder is made
    claim(folder)
    meta = {
        "config": config.model_dump(mode="json"),
        "start": to_text(start),
        "yardstick": yardstick(config),
        "versions": versions(),
        "searches": config.search.repeats * config.search.rounds,
    }
    with locked(folder), Journal.create(folder / JOURNAL, meta) as journal:
        write_text(folder / CONFIG, to_yaml(config))
        yield journal


@contextmanager
def resumed(folder: Path, progress: Progress, mend: bool = False) -> Iterator[tuple[Config, Journal]]:
    """Config and journal of a run that was begun before, and its folder held against others."""
    open_run(folder, damaged=mend).close()  # says what is wrong before a lock is left in a folder that is no run
    with locked(folder):
        if mend:
            kept = repair(folder / JOURNAL)
            progress.note(f"the journal is mended: {kept:,} candidates were taken over, the old file is kept beside it")
        yield from _opened(folder, progress)


def _opened(folder: Path, progress: Progress) -> Iterator[tuple[Config, Journal]]:
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
        yield config, journal


def search_all(config: Config, journal: Journal, progress: Progress) -> bool:
    """Search every repeat of every round, from what the journal holds; whether all of it is done."""
    settings = config.search
    start = parse(journal.meta()["start"])
    tasks = tasks_of(config)
    progress.begin(config, journal)
    with executor(config, progress.note) as workers, stoppable(progress) as stop:
        progress.watch(workers.workers)
        lion = search_evaluator(config).evaluate(baseline(tasks[0], "lion")).fitness if len(tasks) == 1 else math.nan
        progress.reference(lion)
        for number in range(settings.rounds):
            repeats = range(number * settings.repeats, (number + 1) * settings.repeats)
            engines = {repeat: engine(config, start, repeat) for repeat in repeats}
            for repeat, machine in engines.items():
                machine.restore(journal.past(repeat))
            progress.round(number)
            search(engines, workers, journal, progress, stop)
            if not all(machine.done for machine in engines.values()):
                return False
            for row in journal.best(1, repeats=repeats):
                start = parse(row.program)
    return True


def _conclude(config: Config, folder: Path, journal: Journal, progress: Progress, complete: bool) -> Summary:
    """Choose the champion among the best by their fitness on fresh seeds, compare it on others, and write it down."""
    finalists = journal.best(config.selection.finalists, key=lambda row: structure_hash(parse(row.program)))
    if not finalists and not complete:
        raise UserError("stopped before a program was scored; `optsearch resume` with the run folder goes on")
    if not finalists:
        raise UserError("no program could be trained; does the starting program diverge on every seed?")
    settings = config.selection
    tuner = evaluator(
        config, range(TUNING_SEEDS, TUNING_SEEDS + config.evaluation.seeds), config.evaluation.first_seeds
    )
    trials = settings.tuning_trials if complete else 0  # who stopped a run does not want to wait
    chosen = choose(
        [parse(row.program) for row in finalists],
        judge=evaluator(config, range(FINAL_SEEDS, FINAL_SEEDS + settings.seeds)),
        tuner=tuner,
        leaders=settings.leaders,
        margin=config.evaluation.hurdle_margin,
        trials=trials,
        report=progress.phase,
    )
    judge = evaluator(config, range(REDUCTION_SEEDS, REDUCTION_SEEDS + settings.seeds)) if complete else None
    derivation = derive(chosen.program, judge, tuner, trials, progress.phase)
    progress.phase("comparing with the baselines")
    summary = Summary(
        champion=chosen,
        row=finalists[chosen.index],
        table=tuple(comparison_table(config, chosen.program, range(FRESH_SEEDS, FRESH_SEEDS + settings.seeds))),
        complete=complete,
        digest=journal.digest(),
        statistics=journal.statistics(),
        derivation=derivation,
    )
    write_summary(folder, summary)
    return summary


def comparison_table(config: Config, champion: Program, seeds: range) -> Iterator[Comparison]:
    """The champion beside the tuned baselines of each task, on the validation and the test split."""
    for task in tasks_of(config):
        for split in ("validation", "test"):
            yield from compare({FOUND: champion} | tuned_baselines(task), [task], seeds, split)
