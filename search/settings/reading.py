"""Reading a config: from YAML to typed settings, with one line of text for a mistake.

Reading imports no code and opens no file but the config itself: it parses the YAML, checks names, types and ranges,
and makes the paths absolute. `search.settings.loading` does the rest.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import ValidationError

from primitives import BUILTINS, UserError, nearest
from search.settings.config import Config
from search.settings.places import Origin, is_path, relative_to, shorten
from search.settings.selection import larger_tasks, resolve_stages
from search.settings.tasks import OWN, TAGS, OwnTask, Section, resolve, task_name
from search.settings.unused_keys import check_unused
from search.settings.yaml_text import parse_yaml, read_yaml

SectionT = TypeVar("SectionT", bound=Section)


def read_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a YAML file.

    Args:
        path: the file.
        overrides: assignments such as `search.children=500`, applied in order; the value is YAML.

    Raises:
        UserError: the file cannot be read, or is not a valid config.
    """
    values = read_values(path)
    for override in overrides:
        set_key(values, override)
    return build_config(values, start=path.parent)


def read_values(path: Path) -> dict[str, Any]:
    """The plain values of a YAML file; raises `UserError` if it cannot be read or is not a mapping."""
    values = read_yaml(path, f"config `{path}`")
    if values is None:
        raise UserError(f"config `{path}` is empty; the shortest config is `tasks: [digits]`")
    if not isinstance(values, dict):
        raise UserError(f"config `{path}` must contain `key: value` lines, not a {type(values).__name__}")
    return values


def build_config(values: dict[str, Any], start: Path = Path()) -> Config:
    """Check the values of a config and resolve the paths in them.

    Args:
        values: plain values, as in a YAML file.
        start: folder in which files are looked for first; the working directory is second.

    Raises:
        UserError: a key is wrong, or the algorithm does not use it; the message has its path, and what is required.
    """
    config = _resolved(values, Origin(start))
    check_unused(config)
    return config


def restore_config(values: dict[str, Any], folder: Path = Path()) -> Config:
    """Build a config from the values that `recorded_values` returned, or from those of a resolved config.

    Args:
        values: plain values; names of modules may have folders.
        folder: the folder to which paths are relative: the run folder for recorded values.

    Raises:
        UserError: as for `build_config`, except that keys which the algorithm does not use are accepted.
    """
    return _resolved(values, Origin(folder, recorded=True))


def recorded_values(config: Config, folder: Path) -> dict[str, Any]:
    """Plain values of a resolved config for the journal: all paths are relative to the run folder."""
    relative = partial(relative_to, folder)
    return _with_places(config, relative, relative)


def to_yaml(config: Config, folder: Path | None = None) -> str:
    """A resolved config as YAML, with every default.

    Args:
        config: the config.
        folder: folder of the file, to which paths become relative; without it they are absolute.
    """
    values = _with_places(config, partial(relative_to, folder) if folder else str, lambda name: name.rpartition("/")[2])
    return yaml.safe_dump(values, sort_keys=False)


def _with_places(config: Config, file: Callable[[str], str], module: Callable[[str], str]) -> dict[str, Any]:
    """Plain values of a config, with `file` applied to each path and `module` to each name of a module."""
    values = config.model_dump(mode="json")
    values["program"] = file(config.program)
    values["search"]["plugins"] = list(map(module, config.search.plugins))
    stages = [stage["tasks"] or () for stage in values["selection"]["stages"]]
    for task in (task for tasks in (values["tasks"], *stages) for task in tasks if isinstance(task, dict)):
        task["family"] = module(task["family"]) if ":" in task["family"] else task["family"]
        task["data"] = task["data"] and file(task["data"])
    return values


def validated(model: type[SectionT], values: dict[str, Any]) -> SectionT:
    """Check plain values against the types of a section.

    Raises:
        UserError: a key is wrong; the message has its path, and what is required.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UserError(_explain(error, model)) from None


def _resolved(values: dict[str, Any], origin: Origin) -> Config:
    config = validated(Config, values)
    names = [task_name(entry) for entry in config.tasks]
    if len(set(names)) < len(names):
        raise UserError("`tasks` names the same task twice")
    tasks = [resolve(entry, origin) for entry in config.tasks]
    selection = config.selection
    if selection.check_every:
        larger_tasks(tasks, selection.check_size)
    stages = resolve_stages(selection.stages, tasks, selection.leaders, origin)
    plugins = [origin.module(name, key="search.plugins") for name in config.search.plugins]
    program = None if config.program in BUILTINS else origin.file(config.program)
    if program is None and not is_path(config.program):
        raise UserError(f"`program` (={shorten(repr(config.program))}) must be a built-in or the path of a file")
    return config.model_copy(
        update={
            "program": str(program or config.program),
            "tasks": tasks,
            "search": config.search.model_copy(update={"plugins": plugins}),
            "selection": selection.model_copy(update={"stages": stages}),
        }
    )


def plain_config(values: Any, where: Path) -> dict[str, Any]:  # noqa: ANN401 - plain values of any shape
    """The plain values of a recorded config, with every default; no path is resolved and no file is needed.

    Args:
        values: plain values from a journal, which may come from others.
        where: the run folder, for the error.

    Raises:
        UserError: a key is wrong.
    """
    try:
        return validated(Config, values).model_dump(mode="json")
    except UserError as error:
        raise UserError(f"the config in the journal of `{where}` is not valid: {error}") from None


def set_key(values: dict[str, Any], override: str) -> None:
    """Apply an assignment such as `search.children=500`; the value is YAML. Raises `UserError` if it is malformed."""
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise UserError(f"`--set {override}`: expected `key=value`, such as `search.children=500`")
    assign(values, path.strip(), parse_yaml(text, f"`--set {shorten(override)}`"))


def assign(values: dict[str, Any], path: str, value: Any) -> None:  # noqa: ANN401 - a plain value
    """Set a key such as `search.children`; raises `UserError` if a part of the path is not a section."""
    *sections, key = path.split(".")
    for section in sections:
        values[section] = values.get(section) or {}
        values = values[section]
        if not isinstance(values, dict):
            raise UserError(f"`{path}`: `{section}` is a value, not a section")
    values[key] = value


def _explain(error: ValidationError, model: type[Section]) -> str:
    """The first error of a validation as one line."""
    problem = error.errors()[0]
    tags = ("list[", "literal[", *TAGS)
    path = ".".join(str(part) for part in problem["loc"] if not str(part).startswith(tags)) or "config"
    if problem["type"] == "extra_forbidden":
        known = _fields(model, problem["loc"][:-1])
        name = str(problem["loc"][-1])
        return f"unknown key `{path}`{nearest(name, known)} (known here: {', '.join(known)})"
    if problem["type"] == "value_error":
        return f"`{path}`: {problem['ctx']['error']}"
    arrived = f"`{path}` (={shorten(repr(problem['input']))})"
    if problem["type"] in ("model_type", "dict_type"):
        return f"{arrived} must be a section of `key: value` lines"
    if problem["type"] == "list_type":
        return f"{arrived} must be a list, such as `[{shorten(str(problem['input']))}]`"
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{arrived}: {message}"


def _fields(model: Any, location: tuple[int | str, ...]) -> list[str]:  # noqa: ANN401 - a section, then any annotation
    """Keys of the section at a location of a config."""
    for part in location:
        if part == OWN:
            model = OwnTask
        elif isinstance(part, str) and part != "tasks":
            annotation = model.model_fields[part].annotation
            model = next(iter(get_args(annotation)), annotation)  # the first of `Section | None`
    return list(model.model_fields)
