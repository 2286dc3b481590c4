"""JAX is strict in tests: one thread, and no silent promotion of ranks. A tiny task stands in for the real ones.

What has been compiled is kept on disk, for the many processes that these tests start and kill. Compilation is most of
their CPU time, so LLVM optimizes little, and XLA uses its older emitters, which compile faster and train a little
slower.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ["XDG_STATE_HOME"] = os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="optsearch-tests-")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(tempfile.gettempdir(), "optsearch-tests-compiled")))
os.environ["XLA_FLAGS"] = " ".join(
    [os.environ.get("XLA_FLAGS", ""), "--xla_backend_optimization_level=1", "--xla_cpu_use_fusion_emitters=false"]
).strip()
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")

from search.execution.process import pin_threads

pin_threads()

import jax  # noqa: E402 - after the threads are pinned
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from search.commands.panel import LivePanel  # noqa: E402
from search.record import Journal  # noqa: E402
from search.report import write_report  # noqa: E402
from search.running import run as runner  # noqa: E402
from search.settings.reading import read_config  # noqa: E402
from tests.extensions import forget_extensions, forget_functions  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "raise")  # type: ignore[no-untyped-call]

# Draws are bounded by number, never by seconds: these machines are shared and noisy.
settings.register_profile("steady", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("steady")

SMALL_RUN = """
seed: 3
program: adamw
tasks: [digits]
search: {children: 40, population: 10, tournament: 3}
evaluation: {seeds: 2, first_seeds: 1}
selection: {finalists: 2, seeds: 2, tuning_trials: 3}
"""


_REPORTS = {"written": False}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with tests of Ray, most of which wait for processes.

    Each of several test processes begins with an equal part of the list, so that the first runs these tests while the
    others compute.
    """
    items.sort(key=lambda item: "test_search_ray" not in item.nodeid)


@pytest.fixture(scope="session", autouse=True)
def without_reports() -> Iterator[None]:
    """Runs leave no report, which takes seconds, unless a test asks for `reports`."""

    def write_if_wanted(folder: Path, journal: Journal) -> Path:
        return write_report(folder, journal) if _REPORTS["written"] else folder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "write_report", write_if_wanted)
        yield


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of this test leave their reports."""
    monkeypatch.setitem(_REPORTS, "written", True)


@pytest.fixture
def small_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config of a run that takes seconds, in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(SMALL_RUN)
    return path


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The language may be added to in this test; it is as before afterwards."""
    forget_functions(monkeypatch)


@pytest.fixture
def own_extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Extensions may be registered in this test; the tables are as before afterwards."""
    forget_extensions(monkeypatch)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Digest of the small run when nothing happens to it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    path = folder / "small.yaml"
    path.write_text(SMALL_RUN)
    with LivePanel(quiet=True) as progress:
        return runner.run_search(read_config(path), folder / "run", progress).digest
