"""The files that a config names, as they are sent to workers on other machines.

Workers of a cluster need the modules and the data of a config. They receive copies, so that these files have to exist
on the driver's machine only.
"""

import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from search.settings.config import Config
from search.settings.loading import named_modules
from search.settings.tasks import OwnTask


def sent_files(config: Config) -> dict[str, bytes]:
    """Contents of the data and of the modules that a config names, by absolute path.

    Modules in the folder of a named module that have been imported are included; installed modules are not.

    Args:
        config: a config that has been loaded, so that its modules are imported.
    """
    paths = [Path(task.data) for task in _tasks(config) if task.data]
    for name in named_modules(config):
        folder, slash, module = name.rpartition("/")
        if slash:
            paths += [Path(folder, f"{module}.py"), *_imported(Path(folder))]
    return {str(path): path.read_bytes() for path in dict.fromkeys(paths)}


def _tasks(config: Config) -> list[OwnTask]:
    entries = [*config.tasks, *(entry for stage in config.selection.stages for entry in stage.tasks or ())]
    return [entry for entry in entries if isinstance(entry, OwnTask)]


def _imported(folder: Path) -> list[Path]:
    """Files in a folder from which this process has imported modules, except installed ones and the main program."""
    installed = packages_distributions()
    found = []
    for name, module in list(sys.modules.items()):
        path = Path(getattr(module, "__file__", None) or "")
        own = name != "__main__" and name.partition(".")[0] not in installed and "site-packages" not in path.parts
        if own and path.suffix == ".py" and path.is_relative_to(folder) and path.is_file():
            found.append(path)
    return sorted(found)
