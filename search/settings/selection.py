"""The section `selection` of a config: the champion, the checks during a search, and the stages of the funnel."""

from collections.abc import Sequence

from pydantic import Field, model_validator

from primitives import UserError
from proxy_tasks import REFERENCE, TASKS, Task, builtin_task, problem
from search.settings.places import Origin
from search.settings.tasks import OwnTask, Section, TaskEntry, resolve, task_name, task_of
from selection import OPTIMIZERS, Stage, optimizer

LEAST_SEEDS = 5  # smallest number of seeds of the last stage


class StageSettings(Section):
    """One stage of the funnel: the tasks of the search in a larger `size`, or `tasks` of its own."""

    size: int | None = Field(None, gt=1, description="10 or 100: the tasks of the search in this size")
    tasks: list[TaskEntry] | None = Field(None, min_length=1, description="in place of `size`: names or custom tasks")
    programs: int = Field(6, ge=1, description="largest number of programs that enter")
    budget: int = Field(40, ge=1, description="networks trained by each tuning of a program or a baseline")
    tuning_seeds: int = Field(2, ge=1, description="networks trained in each trial of a tuning")
    tunings: int = Field(3, ge=1, le=9, description="independent tunings; with 1, verdicts cover seeds alone")
    seeds: int = Field(8, ge=2, description="fresh seeds of the comparison")

    @model_validator(mode="after")
    def _fits(self) -> "StageSettings":
        if (self.size is None) == (self.tasks is None):
            raise ValueError("a stage has either `size` or `tasks`")
        if self.budget < self.tuning_seeds:
            raise ValueError(
                f"`budget` (={self.budget}) is too small for one trial on `tuning_seeds` (={self.tuning_seeds}) seeds"
            )
        return self


class SelectionSettings(Section):
    """Choice of the champion, the funnel, and checks during the search."""

    finalists: int = Field(32, ge=1, description="programs of different structure that are scored again on fresh seeds")
    leaders: int = Field(6, ge=1, description="best finalists whose constants are tuned")
    tuning_trials: int = Field(200, ge=0, description="trials to tune the constants of each leader; 0: no tuning")
    tuning_rounds: int = Field(
        1, ge=1, description="rounds of tuning; after each, the better half of the leaders goes on"
    )
    seeds: int = Field(24, ge=2, description="fresh seeds of the finalists; the last table uses as many others")
    stages: list[StageSettings] = Field([], description="stages of the funnel; without any, there is no funnel")
    baselines: list[str] = Field(list(OPTIMIZERS), description="baselines of the funnel; must contain adamw")
    check_every: int = Field(0, ge=0, description="candidates of a repeat between checks of its best program; 0: none")
    check_size: int = Field(10, gt=1, description="size of the tasks of a check")
    check_seeds: int = Field(4, ge=2, description="fresh seeds of a check")
    stop_on_meta_overfitting: bool = Field(
        False, description="end a repeat when its best programs become worse on larger tasks"
    )

    @model_validator(mode="after")
    def _fits(self) -> "SelectionSettings":
        for name in self.baselines:
            optimizer(name)
        if self.stages and REFERENCE not in self.baselines:
            raise ValueError(f"`baselines` must have `{REFERENCE}` among them, which programs have to beat")
        if self.stop_on_meta_overfitting and not self.check_every:
            raise ValueError("`stop_on_meta_overfitting` needs `check_every`")
        least = 2 ** (self.tuning_rounds - 1)
        if 0 < self.tuning_trials < least:
            raise ValueError(f"{self.tuning_rounds} `tuning_rounds` need `tuning_trials` of at least {least}")
        return self

    def checks(self) -> dict[str, int | bool]:
        """The settings of the checks during the search, which can end it and are thus part of its history."""
        return self.model_dump(include={"check_every", "check_size", "check_seeds", "stop_on_meta_overfitting"})


DEFAULT_STAGES = [StageSettings(size=10), StageSettings(size=100, programs=3, budget=16)]


def resolve_stages(
    stages: Sequence[StageSettings], tasks: Sequence[str | OwnTask], leaders: int, origin: Origin
) -> list[StageSettings]:
    """Check the stages of a config as far as that needs no data, and resolve their paths.

    Args:
        stages: the stages of the config.
        tasks: the resolved tasks of the search.
        leaders: number of programs with tuned constants.
        origin: origin of the config.

    Raises:
        UserError: a stage has no task to train, takes more programs than there are, or has too few seeds.
    """
    resolved, programs = [], leaders
    for number, settings in enumerate(stages):
        own = None if settings.tasks is None else [_known(entry, origin) for entry in settings.tasks]
        stage = settings.model_copy(update={"tasks": own})
        stage_of(stage, tasks)
        if stage.programs > programs:
            known = "`selection.leaders`" if number == 0 else "the stage before"
            raise UserError(
                f"`selection.stages.{number}` takes {stage.programs} programs, but only {programs} come from {known}"
            )
        programs = stage.programs
        resolved.append(stage)
    if stages and stages[-1].seeds < LEAST_SEEDS:
        raise UserError(f"the last of `selection.stages` has {stages[-1].seeds} seeds; it needs at least {LEAST_SEEDS}")
    return resolved


def check_stages(stages: Sequence[StageSettings], tasks: Sequence[str | OwnTask]) -> None:
    """Build the tasks of the stages.

    Raises:
        UserError: training at a stage is not more expensive than at the stage before.
    """
    before, least = "the search", max(_cost(task_of(entry)) for entry in tasks)
    for number, stage in enumerate(stages):
        cost = max(_cost(task) for task in stage_of(stage, tasks).tasks)
        if cost <= least:
            raise UserError(f"`selection.stages.{number}` trains no longer than {before}; stages have to grow in size")
        before, least = f"stage {number}", cost


def stage_of(stage: StageSettings, tasks: Sequence[str | OwnTask]) -> Stage:
    """The funnel stage of some settings; raises `UserError` if a family has no task of this size."""
    chosen = [task_of(entry) for entry in stage.tasks or ()] or [_larger(task_name(e), stage.size or 0) for e in tasks]
    return Stage(tuple(chosen), stage.programs, stage.budget, stage.tuning_seeds, stage.seeds, stage.tunings)


def larger_tasks(tasks: Sequence[str | OwnTask], size: int) -> tuple[Task, ...]:
    """The tasks of a config in another size; raises `UserError` if a family has no task of this size."""
    return tuple(_larger(task_name(entry), size) for entry in tasks)


def _larger(name: str, size: int) -> Task:
    larger = f"{name}_x{size}"
    if larger in TASKS:
        return builtin_task(larger)
    sizes = [str(row.size) for row in TASKS.values() if row.name.startswith(f"{name}_x")]
    there = f"it comes in {' and '.join(sizes)} times the size" if sizes else "give the stage `tasks` of its own"
    raise UserError(f"there is no task `{larger}` for `selection.stages`; {there}")


def _known(entry: str | OwnTask, origin: Origin) -> str | OwnTask:
    """Resolve a task of a stage, which needs no stored baselines."""
    return builtin_task(entry).name if isinstance(entry, str) else resolve(entry, origin)


def _cost(task: Task) -> int:
    """Cost of a training: number of weights times number of examples in all steps."""
    return sum(problem(task).sizes) * task.batch * task.steps
