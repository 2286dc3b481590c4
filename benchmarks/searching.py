"""Benchmarks of searches as a whole: workers, driver, journal."""

from benchmarks.journals import ROWS, large_journal
from benchmarks.limits import Limit, Section, table
from benchmarks.scaling import ROUNDS, WORKERS, driver_rates, workers_ratio

RATIO = 1.7  # least speed-up of two workers over one process
RATES = {"few hits": 2_000, "mostly hits": 5_000}  # least children per second of CPU time of the driver
HITS = {"few hits": (0.1, 0.4), "mostly hits": (0.7, 0.95)}  # range of the share of cache hits in each search
RESUME, MEMORY, INSPECT = 30, 2048, 3  # largest values: seconds, MiB, seconds


def workers(rounds: int = ROUNDS, evaluations: int = 200) -> Section:
    """Two Ray workers compared with one process."""
    row = workers_ratio(rounds, evaluations)
    cells = f"{row['inline']:.1f}", f"{row['ray']:.1f}", f"**{row['ratio']:.2f}**", f"{RATIO}", f"{row['histories']}"
    lines = [
        "## Workers: evaluations per second in an evolution on `digits`",
        "",
        f"In turns, median of {rounds} rounds; from evaluation {evaluations} of a search on. Both have to record the "
        "same history.",
        "",
        *table(["in this process", "two workers on Ray", "ratio", "at least", "different histories"], [cells], left=0),
    ]
    limits = [
        Limit("evaluations per second, two workers over one process", row["ratio"], RATIO, at_least=True),
        Limit("different histories of these searches", row["histories"], 1),
    ]
    return Section(lines, limits)


def driver(share: float = 1.0) -> Section:
    """The rate of the driver with workers that answer at once."""
    rows, limits = [], []
    for row in driver_rates(share):
        name, (low, high) = row["case"], HITS[row["case"]]
        numbers = f"{row['ray']:.2f}", f"{row['children']:,.0f}", f"{row['evaluated']:,.0f}", f"{row['hits']:.0%}"
        rows.append([name, f"**{row['driver']:,.0f}**", f"{RATES[name]:,}", *numbers])
        limits += [
            Limit(
                f"children recorded per second of the driver, {name}",
                row["driver"],
                RATES[name],
                at_least=True,
                speed=True,
            ),
            Limit(f"share of cache hits, {name}", row["hits"], low, at_least=True),
            Limit(f"share of cache hits, {name}", row["hits"], high),
            Limit(f"children that were not recorded, {name}", row["missing"], 0),
        ]
    heads = [
        "search",
        "children recorded per second of the driver",
        "at least",
        "ms of the Ray process per child",
        "children recorded per second",
        "evaluated per second",
        "cache hits",
    ]
    lines = [
        f"## Driver: {WORKERS} workers that answer at once",
        "",
        "Breeding, duplicates, batches to and from Ray, and the journal, in CPU time of the driver's process. The "
        "process that is connected to Ray does its own share. The last columns are rates in wall time, with all "
        "workers on the same cores.",
        "",
        *table(heads, rows),
    ]
    return Section(lines, limits)


def journal(rows: int = ROWS) -> Section:
    """Resuming and inspecting a long run."""
    row = large_journal(rows)
    limits = [
        Limit("seconds from opening the journal to the next child", row["resume"], RESUME, speed=True),
        Limit("MiB of the driver", row["memory"], MEMORY),
        Limit("seconds of the first `optsearch inspect`, which checks every row", row["first"], RESUME, speed=True),
        Limit("seconds of the next `optsearch inspect`", row["next"], INSPECT, speed=True),
    ]
    lines = [
        f"## Journal of {row['rows']:,} candidates ({row['size']:,.0f} MiB, four fifths cache hits)",
        "",
        *table(
            ["", "measured", "at most"],
            [[limit.name, f"**{limit.value:,.1f}**", f"{limit.bound:,.0f}"] for limit in limits],
        ),
    ]
    return Section(lines, limits)
