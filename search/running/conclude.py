"""Conclusion of a search: choice of the champion on fresh seeds, funnel, simplification, comparison with baselines.

Every training is a recorded trial. Repeating a conclusion therefore trains nothing again, and an interrupted conclusion
continues.
"""

from collections.abc import Callable, Iterator

import numpy as np

from primitives import Program, UserError, parse, signature
from proxy_tasks import shares
from search.algorithms import structure_of
from search.engine import Twins
from search.record import CandidateRow, Journal
from search.running.open_run import OpenRun
from search.running.overfitting import Checks
from search.running.recorded_trials import RecordedTrials
from search.running.setup import tasks_of
from search.running.studies import COST, LARGEST_SHARE, Studies, study
from search.running.summary import Summary, write_summary
from search.settings import Config, stage_of
from selection import (
    FINAL_SEEDS,
    FOUND,
    FRESH_SEEDS,
    REDUCTION_SEEDS,
    SIMPLIFIED,
    TUNING_SEEDS,
    Comparison,
    Derivation,
    FitnessOnSeeds,
    FunnelResult,
    TrialRunner,
    compare_losses,
    derive,
    rank_finalists,
    run_funnel,
    starting,
    tune_all,
    tuned_baselines,
)


def conclude(opened: OpenRun, trials: RecordedTrials, complete: bool, *, studies: bool = False) -> Summary:
    """Choose the champion of a search, simplify it, compare it with the baselines, and write the results.

    Args:
        opened: the run.
        trials: runs and records trials.
        complete: whether the search is complete; otherwise tuning and funnel are skipped.
        studies: run the trainings that only the report uses, regardless of their cost.

    Returns:
        The summary, which is also written to the run folder.

    Raises:
        UserError: no program was scored, or none could be trained.
    """
    config, journal, report = opened.config, opened.journal, opened.reporter.phase_started
    settings = config.selection
    finalists = journal.best(settings.finalists, key=_Behaviour())
    if not finalists and not complete:
        raise UserError("stopped before any program was scored; `optsearch resume` continues the run")
    if not finalists:
        raise UserError("no program could be trained; does the starting program diverge on every seed?")
    tuning_trials = settings.tuning_trials if complete else 0
    tuner = judge_of(config, range(TUNING_SEEDS, TUNING_SEEDS + config.evaluation.seeds), config.evaluation.first_seeds)
    ranked = rank_finalists(
        [parse(row.program) for row in finalists],
        judge_of(config, range(FINAL_SEEDS, FINAL_SEEDS + settings.seeds)),
        tuner,
        runner=trials,
        leaders=settings.leaders,
        trials=tuning_trials,
        rounds=settings.tuning_rounds,
        margin=config.evaluation.hurdle_margin,
        report=report,
    )
    chosen, outcome = ranked[0], None
    if settings.stages and complete:
        programs = [champion.program for champion in ranked[: settings.stages[0].programs]]
        outcome = _funnel(config, programs, tuner, trials, report)
        chosen = ranked[(outcome.winner or outcome.last).index or 0]
    reducer = judge_of(config, range(REDUCTION_SEEDS, REDUCTION_SEEDS + settings.seeds)) if complete else None
    derivation = derive(chosen.program, reducer, tuner, trials=tuning_trials, runner=trials, report=report)
    report("comparing with the baselines")
    fresh = range(FRESH_SEEDS, FRESH_SEEDS + settings.seeds)
    summary = Summary(
        champion=chosen,
        row=finalists[chosen.index],
        table=tuple(comparison_table(config, derivation, fresh, trials)),
        complete=complete,
        digest=journal.digest(),
        statistics=journal.statistics(),
        derivation=derivation,
        shares=shares(tasks_of(config)),
        funnel=outcome,
        checks=tuple(Checks(config, journal, trials).all() if complete else ()),
        studies=_studies(
            opened, chosen.program, fresh, trials, wanted=studies or (complete and _cheap(journal, trials))
        ),
        trained=trials.trained,
        hosts=trials.executor.usage,
    )
    write_summary(opened.folder, summary)
    return summary


def _cheap(journal: Journal, trials: RecordedTrials) -> bool:
    """Whether the studies cost at most `LARGEST_SHARE` of the trainings of the run."""
    return bool(LARGEST_SHARE * (journal.statistics()["evaluated"] + trials.on_record) >= COST)


def _studies(opened: OpenRun, champion: Program, seeds: range, trials: RecordedTrials, *, wanted: bool) -> Studies:
    if not wanted:
        return Studies()
    opened.reporter.phase_started("learning curves and sensitivity for the report")
    return study(champion, tasks_of(opened.config), seeds, trials)


def judge_of(config: Config, seeds: range, first_seeds: int = 0) -> FitnessOnSeeds:
    """The fitness that a config defines, on the given seeds."""
    prices = (config.evaluation.statement_price, config.evaluation.slot_price)
    return FitnessOnSeeds(tuple(tasks_of(config)), seeds, first_seeds, *prices)


def comparison_table(config: Config, derivation: Derivation, seeds: range, runner: TrialRunner) -> Iterator[Comparison]:
    """Compare the champion with the tuned baselines of each task, on the validation and the test split.

    If the simplified champion may train otherwise than the champion, it is compared as well.
    """
    programs = {FOUND: derivation.original}
    if any(step.scored for step in derivation.steps):
        programs[SIMPLIFIED] = derivation.program
    for task in tasks_of(config):
        for split in ("validation", "test"):
            yield from compare_losses(programs | tuned_baselines(task), [task], seeds, split, runner)


def _funnel(
    config: Config, programs: list[Program], tuner: FitnessOnSeeds, runner: TrialRunner, report: Callable[[str], None]
) -> FunnelResult:
    """Run the funnel, after tuning the baselines on the tasks of the search with the budget of the programs."""
    settings = config.selection
    report(f"tuning the constants of {len(settings.baselines)} baselines")
    found = tune_all(
        [starting(name, tasks_of(config)[0]) for name in settings.baselines],
        tuner,
        runner=runner,
        trials=settings.tuning_trials,
        margin=config.evaluation.hurdle_margin,
    )
    stages = [stage_of(stage, config.tasks) for stage in settings.stages]
    baselines = dict(zip(settings.baselines, found, strict=True))
    return run_funnel(programs, stages, baselines, runner=runner, report=report)


class _Behaviour:
    """Key function for finalists: candidates with equal behaviour have the same key.

    Two candidates have the same key if their updates on fixed inputs agree. If these updates are not finite, such as an
    arc cosine beyond 1, they have the same key if their training losses are equal.
    """

    def __init__(self) -> None:
        self._twins = Twins()
        self._structures: list[str] = []
        self._trained: dict[str, str] = {}

    def __call__(self, row: CandidateRow) -> str:
        program = parse(row.program)
        behaviour = signature(program)
        twin = self._twins.find(behaviour)
        if twin is not None:
            return self._structures[twin]
        key = structure_of(program)
        if not np.all(np.isfinite(behaviour)):
            losses = " ".join(f"{loss:.6g}" for task in sorted(row.losses) for loss in row.losses[task])
            key = self._trained.setdefault(losses, key)
        self._twins.add(len(self._structures), behaviour)
        self._structures.append(key)
        return key
