"""The config of a run: types, reading from YAML, checks, and loading of the code and data that it names.

The public names of this subpackage:

- The config: `Config` and some of its sections (`Mutations`, `SearchSettings`, `SelectionSettings`,
  `StructureSettings`, `WorkerSettings`).
- `names`: a module with the names of algorithms and mutations that a config may use; registering an extension adds one.
- The config of the paper's claims: `ClaimSettings`, `ComparisonSettings`, `read_claim_settings`, `is_claims_config`.
- Reading: `read_config` (a YAML file), `build_config` (plain values), `read_values`, `set_key`, `assign`.
- Writing: `to_yaml`, and `recorded_values` with its inverse `restore_config`, as the journal keeps a config;
  `plain_config` checks recorded values without files.
- Loading, which imports the code that a config names: `load_config`, `load_plugins`; without importing: `check_config`,
  `named_modules`, `describe_module`. `sent_files`: contents of the modules and data for workers on other machines.
- Objects that a config names: `task_of`, `task_name`, `insertable`, `stage_of`, `larger_tasks`, `DEFAULT_STAGES`,
  `CORPUS`, and baselines of custom tasks (`with_tuned_constants`, `tuned_constants`).
"""

from search.settings import names
from search.settings.claims import ClaimSettings, ComparisonSettings, is_claims_config, read_claim_settings
from search.settings.config import Config, Mutations, SearchSettings, WorkerSettings
from search.settings.loading import check_config, insertable, load_config, load_plugins, named_modules
from search.settings.places import describe_module
from search.settings.reading import (
    assign,
    build_config,
    plain_config,
    read_config,
    read_values,
    recorded_values,
    restore_config,
    set_key,
    to_yaml,
)
from search.settings.selection import DEFAULT_STAGES, SelectionSettings, larger_tasks, stage_of
from search.settings.sent_files import sent_files
from search.settings.structures import CORPUS, StructureSettings
from search.settings.tasks import task_name, task_of, tuned_constants, with_tuned_constants

__all__ = [
    "CORPUS",
    "DEFAULT_STAGES",
    "ClaimSettings",
    "ComparisonSettings",
    "Config",
    "Mutations",
    "SearchSettings",
    "SelectionSettings",
    "StructureSettings",
    "WorkerSettings",
    "assign",
    "build_config",
    "check_config",
    "describe_module",
    "insertable",
    "is_claims_config",
    "larger_tasks",
    "load_config",
    "load_plugins",
    "named_modules",
    "names",
    "plain_config",
    "read_claim_settings",
    "read_config",
    "read_values",
    "recorded_values",
    "restore_config",
    "sent_files",
    "set_key",
    "stage_of",
    "task_name",
    "task_of",
    "to_yaml",
    "tuned_constants",
    "with_tuned_constants",
]
