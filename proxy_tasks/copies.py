"""Copies of files in a process on another machine than the one on which a config names them.

Tasks and plugins keep the paths of the machine where the run was started, and are therefore the same everywhere. Where
a file is opened, `local` gives the path of its copy.
"""

from collections.abc import Mapping

_COPIES: dict[str, str] = {}


def use_copies(copies: Mapping[str, str]) -> None:
    """Open copies in place of files.

    Args:
        copies: path of the copy by absolute path of the file.
    """
    _COPIES.update(copies)


def local(path: str) -> str:
    """The path at which this process opens a file: that of its copy if it has one.

    >>> use_copies({"/home/ann/cells.npz": "/tmp/copies/cells.npz"})
    >>> local("/home/ann/cells.npz"), local("/home/ann/other.npz")
    ('/tmp/copies/cells.npz', '/home/ann/other.npz')
    """
    return _COPIES.get(path, path)
