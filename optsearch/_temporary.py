"""Temporary folders of runs, which are deleted together with the last value that uses them."""

import shutil
import tempfile
import weakref
from pathlib import Path


class TemporaryFolder:
    """A new folder that is deleted together with this object.

    Attributes:
        path: the folder.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="optsearch-"))
        _LIVING[self.path.resolve()] = self
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


_LIVING: weakref.WeakValueDictionary[Path, TemporaryFolder] = weakref.WeakValueDictionary()


def keeper_of(folder: Path) -> TemporaryFolder | None:
    """The temporary folder that contains a run folder; `None` if no living one does."""
    return _LIVING.get(folder.resolve().parent)
