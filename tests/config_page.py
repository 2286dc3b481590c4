"""The page of all keys of a config. `python -m tests.config_page` writes docs/config.md from the settings' models."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from search.settings import Config

PAGE = Path(__file__).resolve().parent.parent / "docs" / "config.md"
Schema = dict[str, Any]
_TYPES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false", "object": "keys"}
_BOUNDS = {"minimum": "≥ {:g}", "exclusiveMinimum": "> {:g}", "maximum": "≤ {:g}", "exclusiveMaximum": "< {:g}"}
_HEAD = """\
# Config keys

Written by `python -m tests.config_page` from the models in `search/settings/`. [The guide](guide.md#the-config) has an
example. `optsearch validate FILE` prints a config with every default, `--set KEY=VALUE` overrides a key. An unknown key
is an error.
"""


def page() -> str:
    """The text of docs/config.md."""
    schema = Config.model_json_schema()
    return "\n".join([_HEAD, *_section("", schema, schema["$defs"])])


def descriptions() -> dict[str, str]:
    """The description of every key, by the name of its model and the key."""
    models = Config.model_json_schema()["$defs"].items()
    return {
        f"{model}.{key}": value.get("description", "")
        for model, schema in models
        for key, value in schema["properties"].items()
        if "$ref" not in value  # a section has a docstring
    }


def _section(path: str, schema: Schema, definitions: Schema) -> Iterator[str]:
    """Heading, description and table of a model, then the models that its keys hold."""
    if path:
        yield f"## `{path}`\n"
    yield f"{schema['description'].split(chr(10) * 2)[0]}\n"
    yield "| key | value | default | meaning |\n|---|---|---|---|"
    required, inner = schema.get("required", ()), []
    for key, value in schema["properties"].items():
        full = f"{path}.{key}" if path else key
        model = _model(value)
        if model:
            inner.append((full + ("[]" if value.get("type") == "array" or "items" in json.dumps(value) else ""), model))
        if "$ref" not in value:
            default = "required" if key in required else f"`{_yaml(value['default'])}`"
            yield f"| `{key}` | {_value(value)} | {default} | {value['description']} |"
    yield ""
    for full, model in inner:
        if full != "selection.stages[].tasks[]":  # the keys of `tasks[]`
            yield from _section(full, definitions[model], definitions)


def _model(value: Schema) -> str | None:
    """The name of the model that a key holds, alone or in a list."""
    found = json.dumps(value).split("#/$defs/")
    return found[1].split('"')[0] if len(found) > 1 else None


def _value(value: Schema) -> str:
    """The type and the range of a key."""
    options = [one for one in (*value.get("anyOf", ()), *value.get("oneOf", ())) if one.get("type") != "null"]
    if options:
        return " or ".join(dict.fromkeys(map(_value, options)))
    if "$ref" in value:
        return "keys"
    if "const" in value or "enum" in value:
        return ", ".join(f"`{option}`" for option in value.get("enum", [value.get("const")]))
    if "examples" in value:
        return ", ".join(f"`{option}`" for option in value["examples"])
    if value["type"] == "array":
        return f"list ({_value(value['items'])})"
    bounds = [text.format(value[name]) for name, text in _BOUNDS.items() if name in value]
    return " ".join([_TYPES[value["type"]], ", ".join(bounds)]).strip()


def _yaml(value: Any) -> str:
    return json.dumps(value).replace('"', "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
