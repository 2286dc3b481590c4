"""The tasks of a config: names of built-in tasks, or descriptions of custom ones.

    tasks:
      - digits
      - {name: flowers, family: classification, data: flowers.npz, batch: 16, steps: 300, settings: {hidden: [16]}}

The baselines of a custom task are tuned once, before a run begins, and become part of the resolved config, so that a
resumed run and other machines measure fitness against the same baselines.
"""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from primitives import PEAK, UserError, nearest
from proxy_tasks import FAMILIES, TASKS, Circumstance, Task, builtin_task, noise, problem
from search.settings.places import Origin, shorten
from selection import tune_baselines

TAGS = NAMED, OWN = "task name", "own task"  # tags of the union, which occur in the locations of pydantic's errors
_MAY_BE_ZERO = ("shift", "label_noise", "noise")
_MOST = {"layers": 100, "shift": 16, "label_noise": 1}  # largest values; arrays are counted when a task is built
_MOST_OF_ANY = 10**9  # largest value of any other setting: all products of settings stay small integers
_LONGEST = 100  # largest number of hidden layers


class Section(BaseModel):
    """Base class of the sections of a config: frozen, strictly typed, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _whole_numbers(cls, values: Any) -> Any:  # noqa: ANN401 - plain values of any shape
        """Accept `1e3` as 1000 in fields for whole numbers."""
        if not isinstance(values, dict):
            return values
        wanted = {name for name, field in cls.model_fields.items() if field.annotation in (int, int | None)}
        return {name: whole(value) if name in wanted else value for name, value in values.items()}


class Tuned(Section):
    """Tuned baselines of a custom task, as printed by `optsearch tune`."""

    adamw: list[float] = Field(min_length=4, max_length=4, description="constants: beta1, beta2, decay, rate")
    lion: list[float] = Field(min_length=4, max_length=4, description="constants in the same order")
    noise: float = Field(gt=0, description="standard deviation over seeds of log(loss of Lion / loss of AdamW)")


class OwnCircumstance(Section):
    """Training conditions of some of the seeds of an evaluation; see `proxy_tasks.Circumstance`."""

    loss_scale: float = Field(1.0, gt=0, description="factor on the training loss")
    initial_scale: float = Field(1.0, gt=0, description="factor on the initial weights")
    schedule_power: float | None = Field(None, gt=0, description="power of the cosine schedule")
    peak: float | None = Field(None, gt=0, description="learning rate at the first step")
    steps: int | None = Field(None, ge=1, description="training steps; at most those of the task")
    batch: int | None = Field(None, ge=1, description="distinct examples in a step; divides `batch` of the task")
    examples: int | None = Field(None, ge=1, description="number of training examples")
    label_noise: float | None = Field(None, ge=0, le=1, description="share of training labels drawn at random")


class OwnTask(Section):
    """A custom task."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", description="name in tables and in the journal")
    family: str = Field(description="name of a built-in family, or `module:function` of a registered one")
    data: str | None = Field(None, description="an .npz file with `x` and `y`, or a text file; beside the config")
    data_limit: int | None = Field(None, ge=1, description="most memory for reading the data, in MiB; 1024 by default")
    batch: int = Field(64, ge=1, description="examples in a step")
    steps: int = Field(200, ge=1, description="training steps")
    schedule_power: float = Field(1.0, gt=0, description="power of the cosine")
    peak: float = Field(PEAK, gt=0, description="learning rate at the first step")
    circumstances: list[OwnCircumstance] = Field(
        [],
        max_length=64,
        description="training conditions that differ between seeds: of n, seed s has number s mod n",
    )
    settings: dict[str, Any] = Field({}, description="settings of the family")
    trials: int = Field(300, ge=1, description="trials to tune each baseline, 8 networks each, unless `tuned` is given")
    tuned: Tuned | None = Field(None, description="baselines that were tuned before")


def whole(value: Any) -> Any:  # noqa: ANN401 - plain values of any shape
    """Convert a float that is a whole number to an integer; return any other value unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _kind(value: Any) -> str | None:  # noqa: ANN401 - plain values of any shape
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
    """Name of the task of an entry of `tasks`."""
    return entry if isinstance(entry, str) else entry.name


def resolve(entry: str | OwnTask, origin: Origin) -> str | OwnTask:
    """Check an entry of `tasks`, and add defaults and absolute paths to a custom task; no file is read.

    Args:
        entry: the entry in the config.
        origin: origin of the config.

    Raises:
        UserError: there is no such task or data file, or a setting is wrong.
    """
    if isinstance(entry, str):
        noise(builtin_task(entry))
        return entry
    where = f"task `{entry.name}`"
    if entry.name in TASKS:
        raise UserError(f"{where} is the name of a built-in task; choose another name")
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
    """The settings of a family, updated by the given ones; raises `UserError` for an unknown or invalid setting."""
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
        least, most = 0 if name in _MAY_BE_ZERO else 1e-6, _MOST.get(name, _MOST_OF_ANY)
        if len(numbers) > _LONGEST:
            raise UserError(f"{where}: `{name}` has {len(numbers):,} entries; the limit is {_LONGEST}")
        if not shaped or not all(type(number) in kinds and least <= number <= most for number in numbers):
            wanted = "a number" if isinstance(default, float) else "a whole number"
            many = "a list, each entry " if isinstance(default, tuple) else ""
            raise UserError(
                f"{where}: `{name}` (={shorten(repr(value))}) must be {many}{wanted}, "
                f"{'0 or more' if least == 0 else 'above 0'} and at most {most:,}"
            )
    return {**{name: list(v) if isinstance(v, tuple) else v for name, v in known.items()}, **given}


def task_of(entry: str | OwnTask) -> Task:
    """The task of a resolved entry."""
    if isinstance(entry, str):
        return builtin_task(entry)
    own = {"data": entry.data, "data_limit": entry.data_limit}
    settings = entry.settings | {name: value for name, value in own.items() if value is not None}
    found = entry.tuned
    rows = found and {name: {"constants": getattr(found, name)} for name in ("adamw", "lion")} | {"noise": found.noise}
    return Task(
        entry.name,
        entry.family,
        "a custom task",
        entry.batch,
        entry.steps,
        entry.schedule_power,
        settings,
        peak=entry.peak,
        tuned=rows or {},
        circumstances=tuple(Circumstance(**circumstance.model_dump()) for circumstance in entry.circumstances),
    )


def with_tuned_constants(entry: str | OwnTask, seeds: int, report: Callable[[str, int, float], None]) -> str | OwnTask:
    """The entry with tuned baselines; they are tuned now if it has none.

    Args:
        entry: a resolved entry of `tasks`; a built-in task is returned unchanged.
        seeds: number of networks in each of its `trials`.
        report: called with the name of the baseline, the number of each trial, and the best mean log loss so far.

    Raises:
        UserError: the tuned AdamW learns nothing on the task.
    """
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
    """Raise `UserError` if the tuned AdamW learns nothing on the task."""
    trivial = problem(task_of(entry)).trivial
    if trivial is not None and loss >= trivial:
        raise UserError(
            f"task `{entry.name}`: the tuned AdamW has a validation loss of {loss:.4g}, and {trivial:.4g} is that of a "
            f"predictor that ignores its input: nothing can be learnt from `{entry.data}` in {entry.steps} steps"
        )


def tuned_constants(found: Mapping[str, Any]) -> dict[str, Any]:
    """The result of `tune_baselines` as values of the section `tuned`."""
    return {name: row["constants"] for name, row in found["programs"].items()} | {"noise": found["noise"]}
