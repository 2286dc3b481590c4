"""Execution of runs, from the first candidate to the summary, independent of the terminal.

The public names of this subpackage:

- Runs: `run_search`, `resume_search`, `select_champion` (the funnel alone), which return a `Summary`; `new_run` and
  `existing_run` (`OpenRun`), with `search_all` for the search alone; its `Checks` for meta-overfitting (`Check`,
  `overfits`, `PATIENCE`); `config_of`, the config of a journal; `add_studies`, the trainings for the report.
- Several runs: `compare_methods` (`Method`), `reproduce_all` (`TARGETS`, `Target`); `course`, the candidates that led a
  search.
- Progress: `Reporter` (the protocol), `SilentReporter`, `Counts`.
- Inspection: `snapshot` (`Snapshot`) of a run in progress, `run_facts`, `program_facts`.
- Resources of a config: `read_checked_config` (a file, which may lie in a run folder of others), `load_tasks`,
  `with_baselines`, `evaluator`, `judge_of`, `executor`, `versions`.
- Names for configs and commands: `extension_points`.
"""

from search.running.catalog import extension_points
from search.running.conclude import judge_of
from search.running.inspect import program_facts, run_facts
from search.running.method_comparison import compare_methods
from search.running.method_curves import Method
from search.running.open_run import OpenRun, config_of, existing_run, new_run
from search.running.overfitting import PATIENCE, Check, Checks, overfits
from search.running.reporter import Counts, Reporter, SilentReporter
from search.running.reproduce import course, reproduce_all
from search.running.run import add_studies, resume_search, run_search, search_all, select_champion
from search.running.run_folder_configs import read_checked_config
from search.running.setup import evaluator, executor, load_tasks, versions, with_baselines
from search.running.summary import Summary
from search.running.targets import TARGETS, Target
from search.running.watching import Snapshot, snapshot

__all__ = [
    "PATIENCE",
    "TARGETS",
    "Check",
    "Checks",
    "Counts",
    "Method",
    "OpenRun",
    "Reporter",
    "SilentReporter",
    "Snapshot",
    "Summary",
    "Target",
    "add_studies",
    "compare_methods",
    "config_of",
    "course",
    "evaluator",
    "executor",
    "existing_run",
    "extension_points",
    "judge_of",
    "load_tasks",
    "new_run",
    "overfits",
    "program_facts",
    "read_checked_config",
    "reproduce_all",
    "resume_search",
    "run_facts",
    "run_search",
    "search_all",
    "select_champion",
    "snapshot",
    "versions",
    "with_baselines",
]
