"""The HTML report of a run: one file that needs no network.

The public names of this subpackage: `report_run` for a run folder, `write_report` for an open journal, `gather` for its
data (`Facts`), and `answers` (`Answers`), the main results as sentences.
"""

from search.report.facts import Facts, gather
from search.report.page import report_run, write_report
from search.report.wording import Answers, answers

__all__ = ["Answers", "Facts", "answers", "gather", "report_run", "write_report"]
