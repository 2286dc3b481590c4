"""The config of a run: one frozen, typed section a concern.

A config is YAML. An unknown key, a value of the wrong type or out of range is refused with the path of the key and
what would be right; nothing is taken as a default because it could not be read. Fields that a config leaves out
have the values below.
"""

import importlib
import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import Field, ValidationError, model_validator

from primitives.builtins import BUILTINS, load_program
from primitives.errors import UserError, nearest
from primitives.paper import PAPER
from primitives.registry import Primitive, by_names
from search.settings.selection import SelectionSettings, larger_tasks, resolve_stages
from search.settings.structures import StructureSettings
from search.settings.tasks import OWN, TAGS, OwnTask, TaskEntry, resolve, task_name
from search.settings.tasks import Section as _Section


class Mutations(_Section):
    """Relative frequencies of the mutations; 0 switches one off. The paper has the first three, a third each."""

    insert: float = Field(1.0, ge=0)
    delete: float = Field(1.0, ge=0)
    modify: float = Field(1.0, ge=0)
    replace: float = Field(1.0, ge=0)
    wrap: float = Field(1.0, ge=0)
    scale: float = Field(1.0, ge=0)
    tune: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _some(self) -> "Mutations":
        if not any(self.model_dump().values()):
            raise ValueError("at least one mutation must have a rate above 0")
        return self


class SearchSettings(_Section):
    """How programs are proposed."""

    algorithm: Literal["regularized_evolution", "random", "tune_constants", "tree", "structures"] = (
        "regularized_evolution"
    )
    children: int = Field(2000, ge=1, description="candidates of each repeat, the starting program not counted")
    evaluations: int | None = Field(None, ge=1, description="end a repeat sooner, once so many have been evaluated")
    population: int = Field(100, ge=1, description="members P (the paper: 1000)")
    tournament: int = Field(6, ge=1, description="members drawn for a tournament T (the paper: 2)")
    repeats: int = Field(1, ge=1, description="independent searches")
    rounds: int = Field(1, ge=1, description="each later round starts from the best program of the round before")
    plateau: int = Field(0, ge=0, description="candidates without progress, then again from the best; 0: never")
    random_mutations: int = Field(16, ge=1, description="random: most mutations between the start and a program")
    tree_depth: int = Field(3, ge=1, le=8, description="tree: most functions between the update and an operand")
    mutations: Mutations = Mutations()
    structures: StructureSettings = StructureSettings()
    primitives: Literal["paper"] | list[str] = Field("paper", description="functions that may be inserted")
    plugins: list[str] = Field([], description="modules to import first, which register primitives of their own")

    @model_validator(mode="after")
    def _fits(self) -> "SearchSettings":
        if self.tournament > self.population:
            raise ValueError(
                f"`tournament` (={self.tournament}) must lie between 1 and `population` (={self.population})"
            )
        return self


class EvaluationSettings(_Section):
    """How a program is scored."""

    seeds: int = Field(8, ge=1, description="seeds of an evaluation")
    first_seeds: int = Field(2, ge=0, description="seeds that are trained before the hurdle; 0: no hurdle")
    hurdle_quantile: float = Field(0.33, ge=0, le=1, description="share of the population whose fitness sets it")
    hurdle_margin: float = Field(0.15, ge=0, description="how far behind that a program may lie and still go on")
    short_share: float = Field(
        0.0, ge=0, lt=1, description="share of the steps after which there is a first look; 0: none"
    )
    short_margin: float = Field(0.3, ge=0, description="how far beyond the hurdle a program may be at that look")
    race: list[int] = Field([], description="numbers of seeds at which there is a hurdle again, such as [4, 6]")
    race_margin: float = Field(0.05, ge=0, description="how far behind a program may lie there and still go on")
    sanity_steps: int = Field(
        0, ge=0, description="steps of a probe before any training that drops what cannot train at all; 0: none"
    )
    probe: bool = Field(True, description="do not evaluate what computes the same as an earlier one on fixed probes")
    statement_price: float = Field(0.0, ge=0, description="added to the fitness for each live statement")
    slot_price: float = Field(0.0, ge=0, description="added to the fitness for each live state slot")

    @model_validator(mode="after")
    def _fits(self) -> "EvaluationSettings":
        if self.first_seeds >= self.seeds:
            raise ValueError(f"`first_seeds` (={self.first_seeds}) must be less than `seeds` (={self.seeds})")
        stages = [self.first_seeds, *self.race, self.seeds]
        if self.race and not (self.first_seeds and all(a < b for a, b in pairwise(stages))):
            ends = f"`first_seeds` (={self.first_seeds}, at least 1) to below `seeds` (={self.seeds})"
            raise ValueError(f"`race` (={self.race}) must rise from above {ends}")
        return self


class WorkerSettings(_Section):
    """Who scores."""

    executor: Literal["inline", "ray"] = Field("inline", description="in this process, or in processes of Ray")
    count: int | None = Field(None, ge=1, description="processes; one for each core of the machine or cluster")
    address: str | None = Field(None, description="of a cluster begun with `ray start --head`, such as 10.0.0.1:6379")
    in_flight: int = Field(8, ge=1, description="window W: child i is bred once children 0 … i − W are recorded")
    wall_limit: float = Field(300.0, gt=0, description="seconds that a candidate may take (ray)")
    memory_limit: float = Field(8.0, ge=0, description="GiB that a worker may use; 0: no limit (ray)")

    @model_validator(mode="after")
    def _fits(self) -> "WorkerSettings":
        if self.executor == "inline" and ((self.count or 1) > 1 or self.address):
            raise ValueError("`count` above 1 and `address` need `executor: ray`")
        return self


class Config(_Section):
    """A whole run."""

    seed: int = Field(0, ge=0)
    program: str = Field("adamw", description="starting program: a built-in or a file")
    tasks: list[TaskEntry] = Field(["digits"], min_length=1, description="names, or tasks of your own")
    search: SearchSettings = SearchSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    workers: WorkerSettings = WorkerSettings()
    selection: SelectionSettings = SelectionSettings()

    @model_validator(mode="before")
    @classmethod
    def _empty_sections(cls, values: Any) -> Any:  # noqa: ANN401 - whatever the YAML says
        """A section with every line commented out is one with every default."""
        sections = ("search", "evaluation", "workers", "selection")
        if not isinstance(values, dict):
            return values
        return {key: {} if value is None and key in sections else value for key, value in values.items()}


class _Loader(yaml.SafeLoader):
    """Safe YAML, in which `1e-3` is a number (as in YAML 1.2) and a key that occurs twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for index, key in enumerate(keys) if key in keys[:index]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"key `{twice}` occurs twice", node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a YAML file.

    Args:
        path: the file.
        overrides: assignments such as `search.children=500`, applied in order; the value is YAML.

    Raises:
        UserError: the file cannot be read, or says something that is not a config.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"there is no config `{path}`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"config `{path}` cannot be read as text: {error}") from None
    values = _yaml(text, f"config `{path}`")
    if values is None:
        raise UserError(f"config `{path}` is empty; `tasks: [digits]` would be enough")
    if not isinstance(values, dict):
        raise UserError(f"config `{path}` must hold `key: value` lines, not a {type(values).__name__}")
    for override in overrides:
        set_key(values, override)
    return build_config(values, start=path.parent)


def build_config(values: dict[str, Any], start: Path = Path()) -> Config:
    """Check plain values; raises `UserError` with the path of the first key that is wrong.

    A starting program that is a file is looked for from `start`, then from the working directory.
    """
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise UserError(_explain(error)) from None
    if config.program not in BUILTINS and (start / config.program).is_file():
        config = config.model_copy(update={"program": str(start / config.program)})
    load_plugins(config.search.plugins, start)  # first, since they may bring functions that the program uses
    insertable(config)
    load_program(config.program)
    names = [task_name(entry) for entry in config.tasks]
    if len(set(names)) < len(names):
        raise UserError("`tasks` names the same task twice")
    tasks = [resolve(entry, start) for entry in config.tasks]
    selection = config.selection
    if selection.check_every:
        larger_tasks(tasks, selection.check_size)
    stages = resolve_stages(selection.stages, tasks, selection.leaders, start)
    selection = selection.model_copy(update={"stages": stages})
    return config.model_copy(update={"tasks": tasks, "selection": selection})


def load_plugins(modules: Sequence[str], *folders: Path) -> None:
    """Import modules that register primitives; they are looked for in the working directory and in `folders` too."""
    for folder in (Path.cwd(), *(folder.resolve() for folder in folders)):
        if modules and str(folder) not in sys.path:
            sys.path.append(str(folder))
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise UserError(f"`search.plugins`: module `{module}` cannot be imported: {reason}") from None


def insertable(config: Config) -> tuple[Primitive, ...]:
    """Functions that mutation may insert."""
    names = list(PAPER) if config.search.primitives == "paper" else config.search.primitives
    if not names:
        raise UserError("`search.primitives` must name at least one function")
    return by_names(names)


def to_yaml(config: Config) -> str:
    """The resolved config, every default written out."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def _yaml(text: str, what: str) -> Any:  # noqa: ANN401 - whatever the YAML says
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{what} is not valid YAML, line {line}: {error.problem or error.context}") from None
    except RecursionError:
        raise UserError(f"{what} is not valid YAML: it is nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:  # characters that YAML does not allow; impossible dates
        raise UserError(f"{what} is not valid YAML: {' '.join(str(error).split())}") from None


def set_key(values: dict[str, Any], override: str) -> None:
    """Carry out an assignment such as `search.children=500`; raises `UserError` if it is none."""
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise UserError(f"`--set {override}`: expected `key=value`, such as `search.children=500`")
    *sections, key = path.strip().split(".")
    for section in sections:
        values[section] = values.get(section) or {}
        values = values[section]
        if not isinstance(values, dict):
            raise UserError(f"`--set {override}`: `{section}` is a value, not a section")
    values[key] = _yaml(text, f"`--set {override}`")


def _explain(error: ValidationError) -> str:
    """The first thing that is wrong, as one line."""
    problem = error.errors()[0]
    tags = ("list[", "literal[", *TAGS)
    path = ".".join(str(part) for part in problem["loc"] if not str(part).startswith(tags)) or "config"
    if problem["type"] == "extra_forbidden":
        known = _fields(problem["loc"][:-1])
        name = str(problem["loc"][-1])
        return f"unknown key `{path}`{nearest(name, known)} (known here: {', '.join(known)})"
    if problem["type"] == "value_error":
        return f"`{path}`: {problem['ctx']['error']}"
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return f"`{path}` (={problem['input']!r}): {message}"


def _fields(location: tuple[int | str, ...]) -> list[str]:
    """Keys of the section at a path."""
    model: Any = Config
    for part in location:
        if part == OWN:
            model = OwnTask
        elif isinstance(part, str) and part != "tasks":
            annotation = model.model_fields[part].annotation
            model = next(iter(get_args(annotation)), annotation)  # the first of `Section | None`
    return list(model.model_fields)
