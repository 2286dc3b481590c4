"""The tables on searches as a whole: workers, driver, journal."""

from benchmarks.journals import large_journal
from benchmarks.scaling import ROUNDS, WORKERS, driver_rates, workers_ratio

LIMITS = {"ratio": 1.7, "few hits": 2_000, "mostly hits": 5_000, "resume": 30, "memory": 2048, "inspect": 3}


def lines() -> list[str]:
    """Measure, and give the tables as Markdown."""
    row = workers_ratio()
    found = ["", "## Workers: evaluations a second at the quickstart's task", ""]
    found += [f"In turns, median of {ROUNDS} rounds; from the 200th evaluation of a search on.", ""]
    found += ["| in this process | two workers on Ray | ratio | at least |", "|--:|--:|--:|--:|"]
    found += [f"| {row['inline']:.1f} | {row['ray']:.1f} | **{row['ratio']:.2f}** | {LIMITS['ratio']} |"]
    found += ["", f"## Driver: {WORKERS} workers that answer at once", ""]
    found += ["Breeding, duplicates, batches to and from Ray, journal; all on two cores with the workers.", ""]
    found += ["| search | recorded children a second | at least | evaluated a second | cache hits |"]
    found += ["|---|--:|--:|--:|--:|"]
    for row in driver_rates():
        numbers = f"{row['evaluated']:,.0f} | {row['hits'] * 100:.0f} %"
        found += [f"| {row['case']} | **{row['children']:,.0f}** | {LIMITS[row['case']]:,} | {numbers} |"]
    row = large_journal()
    found += ["", f"## Journal of {row['rows']:,} candidates ({row['size']:,.0f} MiB, four fifths cache hits)", ""]
    found += ["| | measured | at most |", "|---|--:|--:|"]
    found += [f"| seconds from its opening to the next child | **{row['resume']:.1f}** | {LIMITS['resume']} |"]
    found += [f"| MiB of the driver | **{row['memory']:,.0f}** | {LIMITS['memory']:,} |"]
    found += [f"| seconds of `optsearch inspect` | **{row['inspect']:.1f}** | {LIMITS['inspect']} |"]
    return found
