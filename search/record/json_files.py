"""JSON files that may come from others, read as typed values.

No hash of a journal covers them. A link, a pipe or a device is refused, a file is read up to a limit, and the types of
all values are checked.
"""

import os
import stat
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from primitives import UserError, printable
from search.record.opening import check_regular

LARGEST = 64_000_000  # largest size of a file in bytes, more than any of them has
Model = TypeVar("Model", bound=BaseModel)


def read_json(path: Path, model: type[Model], what: str) -> Model | None:
    """Read a JSON file.

    Args:
        path: the file.
        model: type of its contents.
        what: description of the contents for errors, such as `a summary`.

    Returns:
        The contents; `None` if there is no file.

    Raises:
        UserError: the file cannot be read, is too large, or has other contents.
    """
    content = _content(path, what)
    if content is None:
        return None
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        reason = f"{place}: {first['msg']}" if place else first["msg"]
    except RecursionError:
        reason = "its values are nested too deeply"
    raise UserError(f"`{path}` is not {what}: {printable(reason)}")


def _content(path: Path, what: str) -> bytes | None:
    """The bytes of a regular file; `None` if there is no file."""
    check_regular(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UserError(f"`{path}` is no regular file")
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"`{path}` cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise UserError(f"`{path}` is not {what}: it has more than {LARGEST:,} bytes")
    return content
