"""The page of all keys of a config. `python -m tests.config_page` writes docs/config.md from the settings' models."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from search.settings import ClaimSettings, ComparisonSettings, Config

PAGE = Path(__file__).resolve().parent.parent / "docs" / "config.md"
Schema = dict[str, Any]
_TYPES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false", "object": "keys"}
_BOUNDS = {"minimum": "≥ {:g}", "exclusiveMinimum": "> {:g}", "maximum": "≤ {:g}", "exclusiveMaximum": "< {:g}"}
_HEAD = """\
# Config keys

Written by `python -m tests.config_page` from the models in `search/settings/`. [The guide](guide.md#the-config) has an
example. `optsearch validate FILE` prints a config with every default, `--set KEY=VALUE` overrides a key. An unknown key
is an error. The config of `optsearch reproduce claims` [has other keys](#config-of-optsearch-reproduce-claims).
"""
_CLAIMS = """\
## Config of `optsearch reproduce claims`

The keys of `configs/claims.yaml`, which [the claims about Lion](claims.md) describes. `workers` has the keys of
[`workers`](#workers) above.
"""


def page() -> str:
    """The text of docs/config.md."""
    schema = Config.model_json_schema()
    return "\n".join([_HEAD, *_section("", schema, schema["$defs"]), *_claims()])


def descriptions() -> dict[str, str]:
    """The description of every key, by the name of its model and the key."""
    claims = ClaimSettings.model_json_schema()
    models = (Config.model_json_schema()["$defs"] | claims["$defs"] | {"ClaimSettings": claims}).items()
    return {
        f"{model}.{key}": value.get("description", "")
        for model, schema in models
        for key, value in schema["properties"].items()
        if "$ref" not in value  # a section has a docstring
    }


def _claims() -> Iterator[str]:
    """The keys of the config of the claims, and of its budgets."""
    schema = ClaimSettings.model_json_schema()
    budgets = [
        f"`{key}`" for key, value in schema["properties"].items() if _model(value) == ComparisonSettings.__name__
    ]
    yield _CLAIMS
    yield from _table({key: value for key, value in schema["properties"].items() if key != "workers"})
    yield f"\n### {', '.join(budgets)}\n"
    budget = ComparisonSettings.model_json_schema()
    yield f"{budget['description']}\n"
    yield from _table(budget["properties"])
    yield ""


def _section(path: str, schema: Schema, definitions: Schema) -> Iterator[str]:
    """Heading, description and table of a model, then the models that its keys hold."""
    if path:
        yield f"## `{path}`\n"
    yield f"{schema['description'].split(chr(10) * 2)[0]}\n"
    yield from _table(
        {key: value for key, value in schema["properties"].items() if "$ref" not in value}, schema.get("required", ())
    )
    yield ""
    inner = []
    for key, value in schema["properties"].items():
        full = f"{path}.{key}" if path else key
        model = _model(value)
        if model:
            inner.append((full + ("[]" if value.get("type") == "array" or "items" in json.dumps(value) else ""), model))
    for full, model in inner:
        if full != "selection.stages[].tasks[]":  # the keys of `tasks[]`
            yield from _section(full, definitions[model], definitions)


def _table(properties: Schema, required: Collection[str] = ()) -> Iterator[str]:
    """A row for each key."""
    yield "| key | value | default | meaning |\n|---|---|---|---|"
    for key, value in properties.items():
        default = "required" if key in required else f"`{_yaml(value['default'])}`"
        yield f"| `{key}` | {_value(value)} | {default} | {value['description']} |"


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
