"""Reading of YAML by PyYAML's safe loader, with limits on size and without ambiguous values of YAML 1.1.

Errors are raised for texts that aliases expand to gigabytes, numbers such as `010` and `1:30` (8 and 90 in YAML 1.1),
and repeated keys. `1e-3` is a number, as in YAML 1.2.
"""

import re
import stat
from pathlib import Path
from typing import Any

import yaml

from primitives import UserError

_MOST_BYTES = 1_000_000  # largest size of a config; those of the project have up to 3,000
_LONGEST_NUMBER = 400  # characters; the largest float64 has 309 digits
_IMPOSSIBLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)  # such as `!!int ""`, or a date
_MOST_VALUES = 50_000  # largest number of values after expansion of aliases
_SURPRISES = re.compile(r"[-+]?(0[0-9_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)$")  # octal; base 60


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, in which `1e-3` is a number and a repeated key is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool | None):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a word", node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key `{key}` occurs twice", node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """A number; raises an error if it is long, or if YAML 1.1 reads a different number than is written."""
        if len(str(node.value)) > _LONGEST_NUMBER:
            known = f"a number has {len(str(node.value)):,} characters; the limit is {_LONGEST_NUMBER}"
            raise yaml.constructor.ConstructorError(None, None, known, node.start_mark)
        whole = node.tag.endswith(":int")
        value = self.construct_yaml_int(node) if whole else self.construct_yaml_float(node)
        if _SURPRISES.match(str(node.value)):
            known = f"`{node.value}` is {value} in YAML; write that number, or quote it if it is a text"
            raise yaml.constructor.ConstructorError(None, None, known, node.start_mark)
        return value


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)
for _tag in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _Loader.construct_number)


def read_yaml(path: Path, what: str) -> Any:  # noqa: ANN401 - plain values of any shape
    """Read a YAML file.

    Args:
        path: path of the file.
        what: description of the file, for errors.

    Raises:
        UserError: there is no such regular file, it is too large, or is not valid YAML.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise UserError(f"{what} must be a file")
        if state.st_size > _MOST_BYTES:
            raise UserError(f"{what} has {state.st_size:,} bytes; the limit is {_MOST_BYTES:,}")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"there is no {what}") from None
    except OSError as error:
        raise UserError(f"{what} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{what} cannot be read as text: {error}") from None
    return parse_yaml(text, what)


def parse_yaml(text: str, what: str) -> Any:  # noqa: ANN401 - plain values of any shape
    """The values of a YAML text; raises `UserError` with the line of an error."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        count = _count(node, {})
        if count > _MOST_VALUES:
            raise UserError(f"{what} has {count:,} values after expansion of aliases; the limit is {_MOST_VALUES:,}")
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{what} is not valid YAML, line {line}: {error.problem or error.context}") from None
    except RecursionError:
        raise UserError(f"{what} is not valid YAML: it is nested too deeply") from None
    except UserError:
        raise
    except (yaml.YAMLError, *_IMPOSSIBLE) as error:
        raise UserError(f"{what} is not valid YAML: {' '.join(str(error).split())}") from None


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """Number of values below a node after expansion of aliases."""
    if id(node) in known:
        if not known[id(node)]:
            raise yaml.constructor.ConstructorError(None, None, "an alias that contains itself", node.start_mark)
        return known[id(node)]
    known[id(node)] = 0  # the count is in progress
    children = node.value if isinstance(node, yaml.CollectionNode) else []
    parts = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
    known[id(node)] = 1 + sum(_count(part, known) for part in parts)
    return known[id(node)]
