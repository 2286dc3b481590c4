"""Locations of the files and modules that a config names, and their form in a run folder.

A config names files by path, relative to its own folder or to the working directory. It names modules by name, such as
`my_tasks`. Resolving makes paths absolute, and writes a module that is a file as `folder/my_tasks`; a name without a
folder is that of an installed module. A run folder records both relative to itself, so that it does not disclose paths
of the machine. Nothing here opens a file or imports a module.
"""

import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from primitives import UserError
from proxy_tasks import local

_LONGEST, _LONGEST_PART = 2000, 250  # bytes of a path and of a name in it; Linux has 4096 with the folder, and 255
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class Origin:
    """Origin of a config.

    Attributes:
        folder: the folder in which files and modules are looked for first.
        recorded: whether the config comes from a run folder or from the driver of a worker. Names are then relative to
            `folder` alone, and names of modules may have a folder.
    """

    folder: Path = Path()
    recorded: bool = False

    @property
    def _folders(self) -> tuple[Path, ...]:
        return (self.folder,) if self.recorded else (self.folder, Path())

    def file(self, name: str) -> Path | None:
        """Absolute path of a file; `None` if there is no such file."""
        if not is_path(name):
            return None
        for place in (folder / name for folder in self._folders):
            if local(str(place)) != str(place):
                return place  # a file of another machine, of which this process has a copy
            if place.is_file():
                return place.resolve()
        return None

    def data(self, task: str, name: str) -> str:
        """Absolute path of the data file of a task; raises `UserError` if it is not a regular file."""
        found = self.file(name)
        if found is not None:
            return str(found)
        if not is_path(name):
            raise UserError(f"task `{task}`: `data` (={shorten(repr(name))}) must be the path of a file")
        places = dict.fromkeys(str((folder / name).resolve()) for folder in self._folders)
        if any(Path(place).exists() for place in places):
            raise UserError(f"task `{task}`: `data` (={name!r}) must be a file")
        raise UserError(f"task `{task}`: there is no data file {' or '.join(f'`{place}`' for place in places)}")

    def module(self, name: str, *, key: str) -> str:
        """Resolve a module to `folder/name` with an absolute folder; an installed module keeps its name.

        Args:
            name: name of the module in the config.
            key: key of the config, for the error.

        Raises:
            UserError: the name is not that of a module.
        """
        folder, slash, module = name.rpartition("/")
        if not is_path(name) or not _NAME.fullmatch(module) or (slash and not self.recorded):
            shown = shorten(repr(name))
            raise UserError(f"`{key}` (={shown}) must be the name of a module, such as `my_module`, and not a path")
        if slash:
            place = f"{self.folder / folder}/{module}"
            copied = local(f"{place}.py") != f"{place}.py"
            return place if copied else f"{(self.folder / folder).resolve()}/{module}"
        folders = [place for place in self._folders if (place / f"{name}.py").is_file()]
        return f"{folders[0].resolve()}/{name}" if folders else name


def shorten(text: str, most: int = 80) -> str:
    """A text, cut to the length that an error can show."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def is_path(name: str) -> bool:
    """Whether a file of this name can exist."""
    try:
        parts = [os.fsencode(part) for part in name.split("/")]
    except UnicodeEncodeError:
        return False
    return "\0" not in name and max(map(len, parts)) <= _LONGEST_PART and sum(map(len, parts)) <= _LONGEST


def relative_to(folder: Path, path: str) -> str:
    """Make an absolute path or a resolved module relative to a folder; any other text is returned unchanged.

    >>> relative_to(Path("/home/ann/results/run"), "/home/ann/cells.npz")
    '../../cells.npz'
    >>> relative_to(Path("/home/ann"), "/home/ann/my_tasks:least_squares")
    './my_tasks:least_squares'
    """
    if not path.startswith("/"):
        return path
    relative = os.path.relpath(path, folder.resolve())
    return relative if "/" in relative else f"./{relative}"


def describe_module(name: str) -> str:
    """A text with the name of a resolved module and its file, which is found without importing the module."""
    folder, slash, module = name.rpartition("/")
    if slash:
        return f"`{module}` ({folder}/{module.replace('.', '/')}.py)"
    try:
        spec = find_spec(name.partition(".")[0])  # the outermost package; looking further in would import it
    except (ImportError, ValueError):
        spec = None
    return f"`{name}` ({spec.origin})" if spec and spec.origin else f"`{name}`"
