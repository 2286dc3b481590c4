"""Comparison of the config file of a run folder with the config in its journal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from primitives import UserError
from search.record import CONFIG
from search.settings import Config, WorkerSettings, read_config, restore_config, to_yaml


def same_config(folder: Path, meta: Mapping[str, Any]) -> bool:
    """Whether the config file of a run folder is that of its journal, but for the settings of the workers.

    Args:
        folder: the run folder, which may come from others; no hash of the journal covers its config file.
        meta: notes of the journal.
    """
    recorded = meta["config"] | {key: meta[key] for key in ("selection",) if key in meta}
    try:
        return _text(read_config(folder / CONFIG), folder) == _text(restore_config(recorded, folder), folder)
    except UserError:
        return False


def _text(config: Config, folder: Path) -> str:
    """The config without the settings of the workers, which a resumed run may change."""
    return to_yaml(config.model_copy(update={"workers": WorkerSettings()}), folder)
