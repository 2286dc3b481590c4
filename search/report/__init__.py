"""The report: what a run found, as one HTML file that needs no network.

The public names of this room: `report_run` for a run folder, `write_report` where its journal is open.
"""

from search.report.page import report_run, write_report

__all__ = ["report_run", "write_report"]
