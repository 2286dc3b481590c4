"""Coverage-guided fuzzing of everything that reads what a stranger sends; needs `pip install atheris`.

    python -m tests.fuzz yaml --seconds 600       # one of: arrays journal override program query summary text yaml

A reader accepts an input, or raises `UserError` with one printable line. Anything else ends the run: the input is then
left in the working directory (`crash-…`, `timeout-…`, `oom-…`), and belongs into a test.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SLOWEST = 20  # seconds for one input
MEMORY = 6000  # MiB
LONGEST = 4096  # bytes of an input
CODE = ["primitives", "proxy_tasks", "search", "simplify", "yaml", "zipfile"]  # instrumented


def readers(folder: Path) -> dict[str, tuple[Callable[[bytes], object], list[bytes]]]:
    """Each reader as a function of bytes, and inputs to begin with.

    Args:
        folder: an empty folder for files.
    """
    from primitives import parse, to_text
    from proxy_tasks.files import read_arrays, read_text
    from search.record import look, query, read_summary
    from search.settings import check_config, read_config, set_key
    from simplify import SEARCH, simplify
    from tests.recorded_runs import recorded_run

    file = folder / "input"
    whole = recorded_run(folder / "run") / "journal.sqlite"
    results = folder / "run" / "summary.json"
    original, results_original = whole.read_bytes(), results.read_bytes()

    def of_file(read: Callable[[], object]) -> Callable[[bytes], object]:
        def run(content: bytes) -> object:
            file.write_bytes(content)
            return read()

        return run

    def of_text(read: Callable[[str], object]) -> Callable[[bytes], object]:
        return lambda content: read(content.decode("utf-8", "replace"))

    def program(text: str) -> None:
        parsed = parse(text)
        assert parse(to_text(parsed)) == parsed
        simplify(parsed, SEARCH)

    def override(text: str) -> None:
        values = {"tasks": ["digits"]}
        set_key(values, text)

    def condition(text: str) -> None:
        holds = query(text)
        with look(folder / "run") as journal:
            for row in journal.rows(limit=3):
                holds(row)

    def edited(original: bytes, edits: bytes) -> bytes:
        """A file with some bytes replaced; eight bytes are an edit, four of the place and four that stand there."""
        content = bytearray(original)
        for start in range(0, len(edits) - 7, 8):
            place = int.from_bytes(edits[start : start + 4], "little") % (len(content) - 4)
            content[place : place + 4] = edits[start + 4 : start + 8]
        return bytes(content)

    def summary(edits: bytes) -> None:
        results.write_bytes(edited(results_original, edits))
        read_summary(folder / "run")

    def journal(edits: bytes) -> None:
        whole.write_bytes(edited(original, edits))
        with look(folder / "run") as opened:
            opened.verify()
            for look_up in (opened.meta, opened.statistics, opened.digest, lambda: list(opened.rows())):
                look_up()

    arrays = io.BytesIO()
    np.savez(arrays, x=np.zeros((4, 2), np.float32), y=np.arange(4))
    packed = io.BytesIO()
    np.savez_compressed(packed, x=np.zeros((4, 2), np.float32), y=np.arange(4))
    programs = [path.read_bytes() for path in sorted((ROOT / "configs").glob("*.py"))]
    configs = [path.read_bytes() for path in sorted((ROOT / "configs").glob("**/*.yaml"))]
    edits = [bytes(8), b"\x64\0\0\0abcd", bytes(range(64))]
    queries = [
        b"uses:sign and length < 8",
        b'status == "ok" and not fitness > 0',
        b"number in (1, 2)",
        b"uses:sign or repeat",
    ]
    overrides = [b"search.children=500", b"tasks=[digits, vit]", b"selection.stages=[{tasks: [digits]}]", b"seed=1"]
    return {
        "arrays": (of_file(lambda: read_arrays(str(file))), [arrays.getvalue(), packed.getvalue()]),
        "journal": (journal, edits),
        "override": (of_text(override), overrides),
        "program": (of_text(program), programs),
        "query": (of_text(condition), queries),
        "summary": (summary, edits),
        "text": (of_file(lambda: read_text(str(file))), [b"some text", "\ufeffäöü".encode()]),
        "yaml": (of_file(lambda: check_config(read_config(file))), configs),
    }


def main() -> None:
    """Fuzz one reader."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reader")
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    import atheris

    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    with atheris.instrument_imports(include=CODE):  # what is imported here counts the branches that it takes
        from primitives import UserError

        known = readers(folder)
    if options.reader not in known:
        parser.error(f"there is no reader `{options.reader}`; there are {', '.join(known)}")
    read, examples = known[options.reader]

    def accepted_or_refused(content: bytes) -> None:
        try:
            read(content)
        except UserError as error:
            if not str(error).isprintable():
                raise AssertionError(f"not one printable line: {error!r}") from error

    corpus = folder / "corpus"
    corpus.mkdir()
    for number, example in enumerate(examples):
        (corpus / str(number)).write_bytes(example)
    limits = [
        f"-max_total_time={options.seconds}",
        f"-timeout={SLOWEST}",
        f"-rss_limit_mb={MEMORY}",
        f"-max_len={LONGEST}",
    ]
    atheris.Setup([sys.argv[0], str(corpus), *limits, "-print_final_stats=1"], accepted_or_refused)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
