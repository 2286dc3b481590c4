"""The tasks that a config names: by name where they come with the project, or described by the user.

    tasks:
      - digits
      - {name: flowers, family: classification, data: flowers.npz, batch: 16, steps: 300, settings: {hidden: [16]}}

A task of the user's own needs tuned baselines as any other does. They are tuned once, before a run begins, and become
part of the resolved config: so whoever resumes the run, or scores for it elsewhere, measures with the same ones.
"""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from primitives import PEAK, UserError, nearest
from proxy_tasks import FAMILIES, TASKS, Circumstance, Task, builtin_task, noise, problem
from search.settings.places import Origin
from selection import tune_baselines

TAGS = NAMED, OWN = "task name", "own task"  # pydantic's; they stand in the paths of its errors
_MAY_BE_ZERO = ("shift", "label_noise", "noise")


class Section(BaseModel):
    """One part of a config: what it does not know, and what has the wrong type, is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _whole_numbers(cls, values: Any) -> Any:  # noqa: ANN401 - plain values of any shape
        """Take `1e3` for 1000 where a whole number is wanted."""
        if not isinstance(values, dict):
            return values
        wanted = {name for name, field in cls.model_fields.items() if field.annotation in (int, int | None)}
        return {name: whole(value) if name in wanted else value for name, value in values.items()}


class Tuned(Section):
    """Baselines of a task, as `optsearch tune` finds them."""

    adamw: list[float] = Field(min_length=4, max_length=4, description="constants: both betas, decay, rate")
    lion: list[float] = Field(min_length=4, max_length=4)
    noise: float = Field(gt=0, description="standard deviation over seeds of the log loss ratio of the two")


class OwnCircumstance(Section):
    """Training conditions of some of the seeds of an evaluation; see `proxy_tasks.task.Circumstance`."""

    loss_scale: float = Field(1.0, gt=0, description="factor on the training loss")
    initial_scale: float = Field(1.0, gt=0, description="factor on the initial weights")
    schedule_power: float | None = Field(None, gt=0, description="power of the cosine schedule")
    peak: float | None = Field(None, gt=0, description="learning rate at the first step")
    steps: int | None = Field(None, ge=1, description="training steps; at most those of the task")
    batch: int | None = Field(None, ge=1, description="different examples a step; divides that of the task")
    examples: int | None = Field(None, ge=1, description="number of training examples")
    label_noise: float | None = Field(None, ge=0, le=1, description="share of training labels drawn at random")


class OwnTask(Section):
    """A task of the user's own."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")
    family: str = Field(description="name of a family, or `module:function` of a registered one of your own")
    data: str | None = Field(None, description="an .npz file with `x` and `y`, or a text file; beside the config")
    data_limit: int | None = Field(None, ge=1, description="largest size of that file, in MiB; 1024 if left out")
    batch: int = Field(64, ge=1, description="examples a step")
    steps: int = Field(200, ge=1)
    schedule_power: float = Field(1.0, gt=0, description="power of the cosine")
    peak: float = Field(PEAK, gt=0, description="learning rate at the first step")
    circumstances: list[OwnCircumstance] = Field(
        [], description="training conditions by seed: seed s has number s mod n; without any, all are as the task says"
    )
    settings: dict[str, Any] = Field({}, description="what the family wants to know besides")
    trials: int = Field(300, ge=1, description="trainings of each baseline, 8 networks each, where `tuned` is left out")
    tuned: Tuned | None = Field(None, description="baselines that were tuned before")


def whole(value: Any) -> Any:  # noqa: ANN401 - plain values of any shape
    """A float that is a whole number as an integer; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _kind(value: Any) -> str | None:  # noqa: ANN401 - whatever the YAML says
    if isinstance(value, str):
        return NAMED
    return OWN if isinstance(value, Mapping | OwnTask) else None


TaskEntry = Annotated[
    Annotated[str, Tag(NAMED)] | Annotated[OwnTask, Tag(OWN)],
    Discriminator(
        _kind,
        custom_error_type="task",
        custom_error_message="must be the name of a task, or describe one by `key: value`",
    ),
]


def task_name(entry: str | OwnTask) -> str:
    """What an entry of `tasks` is called."""
    return entry if isinstance(entry, str) else entry.name


def resolve(entry: str | OwnTask, origin: Origin) -> str | OwnTask:
    """Check an entry; a custom task gets every default and absolute paths. No file is read.

    Args:
        entry: as the config has it.
        origin: of the config.

    Raises:
        UserError: there is no such task or data file, or a setting is wrong.
    """
    if isinstance(entry, str):
        noise(builtin_task(entry))
        return entry
    where = f"task `{entry.name}`"
    if entry.name in TASKS:
        raise UserError(f"{where} is one that comes with the project; call yours otherwise")
    module, colon, function = entry.family.rpartition(":")
    if colon:
        if not function.isidentifier():
            raise UserError(f"{where}: `family` (={entry.family!r}) must be `module:function`")
        module = origin.module(module, key=f"family of task {entry.name}")
        entry = entry.model_copy(update={"family": f"{module}:{function}"})
    elif entry.family in FAMILIES:
        family = FAMILIES[entry.family]
        if entry.data is None:
            kind = "a text file" if family.data == "text" else f"an {family.data} file"
            raise UserError(f"{where} needs `data`: the path of {kind}")
        entry = entry.model_copy(update={"settings": _settings(where, entry.settings, family.settings)})
    if entry.data is not None:
        entry = entry.model_copy(update={"data": origin.data(entry.name, entry.data)})
    return entry


def _settings(where: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a family with those that are given; raises `UserError` for what it does not know or cannot be."""
    given = {name: value if isinstance(known.get(name), float) else whole(value) for name, value in given.items()}
    for name, value in given.items():
        if name not in known:
            raise UserError(f"{where}: unknown setting `{name}`{nearest(name, known)} (known: {', '.join(known)})")
        default = known[name]
        if value is None and default is None:
            continue
        numbers = value if isinstance(default, tuple) and isinstance(value, list) else [value]
        shaped = isinstance(value, list) == isinstance(default, tuple)
        kinds = (int, float) if isinstance(default, float) else (int,)
        least = 0 if name in _MAY_BE_ZERO else 1e-6
        if not shaped or not all(type(number) in kinds and number >= least for number in numbers):
            wanted = "a number" if isinstance(default, float) else "a whole number"
            many = "a list, each entry " if isinstance(default, tuple) else ""
            raise UserError(
                f"{where}: `{name}` (={value!r}) must be {many}{wanted}, {'0 or more' if least == 0 else 'above 0'}"
            )
    return {**{name: list(v) if isinstance(v, tuple) else v for name, v in known.items()}, **given}


def task_of(entry: str | OwnTask) -> Task:
    """The task that a resolved entry stands for."""
    if isinstance(entry, str):
        return builtin_task(entry)
    own = {"data": entry.data, "data_limit": entry.data_limit}
    settings = entry.settings | {name: value for name, value in own.items() if value is not None}
    found = entry.tuned
    rows = found and {name: {"constants": getattr(found, name)} for name in ("adamw", "lion")} | {"noise": found.noise}
    return Task(
        entry.name,
        entry.family,
        "a task of your own",
        entry.batch,
        entry.steps,
        entry.schedule_power,
        settings,
        peak=entry.peak,
        tuned=rows or {},
        circumstances=tuple(Circumstance(**circumstance.model_dump()) for circumstance in entry.circumstances),
    )


def with_tuned_constants(entry: str | OwnTask, seeds: int, report: Callable[[str, int, float], None]) -> str | OwnTask:
    """The entry with tuned baselines: those that it has, or else new ones from its `trials` on so many seeds."""
    if isinstance(entry, str) or entry.tuned is not None:
        return entry
    with np.errstate(invalid="ignore", divide="ignore"):
        found = tune_baselines(task_of(entry), entry.trials, seeds, report)
    if not 0 < found["noise"] < math.inf:
        raise UserError(
            f"task `{entry.name}`: {entry.trials} trials found no constants with which AdamW and Lion train on every "
            f"seed; are its losses positive, finite, and different from seed to seed?"
        )
    _check_learnt(entry, found["programs"]["adamw"]["validation_loss"])
    return entry.model_copy(update={"tuned": Tuned(**tuned_constants(found))})


def _check_learnt(entry: OwnTask, loss: float) -> None:
    """Refuse a task on which the tuned AdamW learns nothing; raises `UserError`."""
    trivial = problem(task_of(entry)).trivial
    if trivial is not None and loss >= trivial:
        raise UserError(
            f"task `{entry.name}`: the tuned AdamW has a validation loss of {loss:.4g}, and {trivial:.4g} is that of a "
            f"predictor that ignores its input: nothing can be learnt from `{entry.data}` in {entry.steps} steps"
        )


def tuned_constants(found: Mapping[str, Any]) -> dict[str, Any]:
    """What `tune_baselines` found, as `tuned` has it."""
    return {name: row["constants"] for name, row in found["programs"].items()} | {"noise": found["noise"]}
