"""Reading a config: YAML to typed settings, with one clear line for a mistake.

Reading imports no code and opens no file but the config itself: it parses the YAML, checks names, types and ranges,
and makes the paths absolute. `search.settings.loading` does the rest.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from primitives.builtins import BUILTINS
from primitives.errors import UserError, nearest
from search.settings.config import Config
from search.settings.selection import larger_tasks, resolve_stages
from search.settings.tasks import OWN, TAGS, OwnTask, resolve, resolve_module, task_name


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
    """Check plain values and resolve the paths in them.

    Args:
        values: as they stand in the YAML file.
        start: folder in which files are looked for first; the working directory is second.

    Raises:
        UserError: the path of the first key that is wrong, and what would be right.
    """
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise UserError(_explain(error)) from None
    if config.program not in BUILTINS and (start / config.program).is_file():
        config = config.model_copy(update={"program": str(start / config.program)})
    names = [task_name(entry) for entry in config.tasks]
    if len(set(names)) < len(names):
        raise UserError("`tasks` names the same task twice")
    tasks = [resolve(entry, start) for entry in config.tasks]
    selection = config.selection
    if selection.check_every:
        larger_tasks(tasks, selection.check_size)
    stages = resolve_stages(selection.stages, tasks, selection.leaders, start)
    plugins = [resolve_module(name, start) for name in config.search.plugins]
    return config.model_copy(
        update={
            "tasks": tasks,
            "search": config.search.model_copy(update={"plugins": plugins}),
            "selection": selection.model_copy(update={"stages": stages}),
        }
    )


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
