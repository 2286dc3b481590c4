"""The report: what a run found, as one HTML file that needs no network.

The public names of this room: `report_run` for a run folder, `write_report` where its journal is open; `answers`
(`Answers`), the sentences that a report begins with.
"""

from search.report.page import report_run, write_report
from search.report.wording import Answers, answers

__all__ = ["Answers", "answers", "report_run", "write_report"]
