"""What a run keeps on disk: the journal, its tables, and the run folder.

The public names of this room:

- The journal: `Journal`, its rows `CandidateRow`, the `Key` of a trial, the note `MIXED`, `repair`.
- Queries: `query` (a condition on rows), `front` (the best program of each length).
- The run folder: `claim`, `fresh_folder`, `locked`, `open_journal`, `look`, and the names of its files (`CONFIG`,
  `JOURNAL`, `SUMMARY`, `BEST`, `SIMPLIFIED`, `EXPORT`, `DRAWING`, `CHECKS`).
- Files that are written as a whole or not at all: `whole_file`, `write_text`; `plain` makes values fit for JSON.
- Trust in the code that a folder names: `new_id`, `vouch`, `vouched`.
"""

from search.record.atomic_files import whole_file, write_text
from search.record.candidate_table import CandidateRow
from search.record.folder import (
    BEST,
    CHECKS,
    CONFIG,
    DRAWING,
    EXPORT,
    JOURNAL,
    SIMPLIFIED,
    SUMMARY,
    claim,
    fresh_folder,
    locked,
    look,
    open_journal,
    plain,
)
from search.record.journal import MIXED, Journal
from search.record.ownership import new_id, vouch, vouched
from search.record.queries import front, query
from search.record.repairs import repair
from search.record.trial_table import Key

__all__ = [
    "BEST",
    "CHECKS",
    "CONFIG",
    "DRAWING",
    "EXPORT",
    "JOURNAL",
    "MIXED",
    "SIMPLIFIED",
    "SUMMARY",
    "CandidateRow",
    "Journal",
    "Key",
    "claim",
    "fresh_folder",
    "front",
    "locked",
    "look",
    "new_id",
    "open_journal",
    "plain",
    "query",
    "repair",
    "vouch",
    "vouched",
    "whole_file",
    "write_text",
]
