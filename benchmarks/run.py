"""Run every benchmark, write `docs/benchmarks.md`, and exit with 1 if a limit is missed: `python -m benchmarks.run`."""

from search.execution import pin_threads

pin_threads()

import os
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import breeding, compiling, costs, memory, scoring, searching
from benchmarks.limits import Section, account, exit_status, measured
from search.running import versions

TARGET = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
SECTIONS: dict[str, Callable[[], Section]] = {
    "Scoring": scoring.section,
    "Cost of a task": costs.section,
    "Interpreting over compiling": compiling.section,
    "Breeding": breeding.section,
    "Memory": memory.section,
    "Workers": searching.workers,
    "Driver": searching.driver,
    "Journal": searching.journal,
}


def main(sections: Mapping[str, Callable[[], Section]] = SECTIONS, target: Path = TARGET) -> int:
    """Measure, write and print the report.

    Args:
        sections: benchmarks by title.
        target: file of the report.

    Returns:
        The exit status: 1 if a limit is missed or a benchmark fails.
    """
    found = [measured(title, measure) for title, measure in sections.items()]
    limits = [limit for section in found for limit in section.limits]
    known = ", ".join(f"{name} {version}" for name, version in versions().items())
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`, which exits with 1 if a limit is missed. Ratios are measured side by side in one",
        "process on one thread; a single ratio is good to about ± 0.1 on a shared machine.",
        "",
        f"Machine: {platform.machine()}, {os.cpu_count()} cores; {known}",
        "",
    ]
    for section in found:
        lines += [*section.lines, ""]
    text = "\n".join([*lines, *account(limits)]) + "\n"
    target.write_text(text, encoding="utf-8")
    print(text)
    return exit_status(limits)


if __name__ == "__main__":
    sys.exit(main())
