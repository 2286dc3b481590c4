"""Storage of a run: the journal, its tables, and the run folder.

The public names of this subpackage:

- The journal: `Journal`, its rows `CandidateRow` and their `Outcome`, the `Key` of a trial, its notes (`MIXED`, `LION`,
  `SEARCH_ENDED`, `SECONDS`, `TRIALS_OF`), `repair`.
- The ancestry of a candidate: `ancestry` (`Ancestor`), `other_children`, `differences`, `live_lines`, `unreadable`.
- Tables for other programs: `TABLE_COLUMNS`, `table_row`, `write_csv`, `write_parquet`.
- JSON files as typed values: `read_json`, with `Number` for its numbers.
- `summary.json` as typed values: `read_summary`, a `SummaryFile` of `ComparisonRow`, `SimplifyStep`,
  `Resemblance`, `CheckRow`, `CurvePoint` and `SensitivityPoint`.
- The champion of a run, also in a folder without `summary.json`: `read_conclusion` (`Conclusion`, `ChampionFiles`).
- Queries: `query` (a condition on rows), `front` (the best program of each length).
- The run folder: `claim`, `fresh_folder`, `locked`, `removed_if_empty`, `open_journal`, `look`, `in_use`, `lock_owner`,
  and the names of its files (`CONFIG`, `JOURNAL`, `SUMMARY`, `BEST`, `SIMPLIFIED`, `EXPORT`,
  `DRAWING`, `CHECKS`, `REPORT`).
- Files: `whole_file` and `write_text` write atomically; `check_regular` and `check_single` refuse links; `plain` makes
  values for JSON.
- Trust in the code that a run folder names: `new_id`, `vouch`, `vouched`.
"""

from search.record.atomic_files import whole_file, write_text
from search.record.candidate_table import CandidateRow
from search.record.chain import MIXED, SEARCH_ENDED
from search.record.champion_files import ChampionFiles, Conclusion, read_conclusion
from search.record.exported_tables import TABLE_COLUMNS, table_row, write_csv, write_parquet
from search.record.faults import lock_owner
from search.record.folder import (
    BEST,
    CHECKS,
    CONFIG,
    DRAWING,
    EXPORT,
    JOURNAL,
    REPORT,
    SIMPLIFIED,
    SUMMARY,
    claim,
    fresh_folder,
    locked,
    look,
    open_journal,
    removed_if_empty,
)
from search.record.journal import LION, SECONDS, TRIALS_OF, Journal, Outcome
from search.record.json_files import read_json
from search.record.json_values import plain
from search.record.lineage import Ancestor, ancestry, differences, live_lines, other_children, unreadable
from search.record.opening import check_regular, check_single, in_use
from search.record.ownership import new_id, vouch, vouched
from search.record.queries import front, query
from search.record.repairs import repair
from search.record.summary_file import (
    CheckRow,
    ComparisonRow,
    CurvePoint,
    Number,
    Resemblance,
    SensitivityPoint,
    SimplifyStep,
    SummaryFile,
    read_summary,
)
from search.record.trial_table import Key

__all__ = [
    "BEST",
    "CHECKS",
    "CONFIG",
    "DRAWING",
    "EXPORT",
    "JOURNAL",
    "LION",
    "MIXED",
    "REPORT",
    "SEARCH_ENDED",
    "SECONDS",
    "SIMPLIFIED",
    "SUMMARY",
    "TABLE_COLUMNS",
    "TRIALS_OF",
    "Ancestor",
    "CandidateRow",
    "ChampionFiles",
    "CheckRow",
    "ComparisonRow",
    "Conclusion",
    "CurvePoint",
    "Journal",
    "Key",
    "Number",
    "Outcome",
    "Resemblance",
    "SensitivityPoint",
    "SimplifyStep",
    "SummaryFile",
    "ancestry",
    "check_regular",
    "check_single",
    "claim",
    "differences",
    "fresh_folder",
    "front",
    "in_use",
    "live_lines",
    "lock_owner",
    "locked",
    "look",
    "new_id",
    "open_journal",
    "other_children",
    "plain",
    "query",
    "read_conclusion",
    "read_json",
    "read_summary",
    "removed_if_empty",
    "repair",
    "table_row",
    "unreadable",
    "vouch",
    "vouched",
    "whole_file",
    "write_csv",
    "write_parquet",
    "write_text",
]
