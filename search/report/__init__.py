"""The HTML report of a run: one file that needs no network.

The public names of this subpackage: `report_run` for a run folder, `write_report` for an open journal, and `answers`
(`Answers`), the main results as sentences.
"""

from search.report.page import report_run, write_report
from search.report.wording import Answers, answers

__all__ = ["Answers", "answers", "report_run", "write_report"]
