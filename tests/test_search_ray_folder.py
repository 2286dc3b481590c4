"""Workers import nothing from the working directory, which may be a run folder of others."""

import os
from functools import partial
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

import search
from search.execution.child import start_child
from search.execution.messages import RaySettings
from search.execution.private_ray import EMPTY, working_directory
from search.execution.ray_executor import RayExecutor
from tests.workers import FACTS, job, obedient, settle

pytestmark = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # Ray starts its processes after JAX here


@pytest.fixture
def stray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a module in the working directory, named like one that each worker imports, would create."""
    created, folder = tmp_path / "imported", tmp_path / "foreign"
    folder.mkdir()
    (folder / "threadpoolctl.py").write_text(f"open({str(created)!r}, 'w').close()\nraise ImportError\n")
    monkeypatch.chdir(folder)
    return created


def test_ray_on_this_machine_imports_nothing_from_the_working_directory(stray: Path, tmp_path: Path) -> None:
    with RayExecutor(partial(obedient, tmp_path), FACTS, RaySettings(count=1)) as executor:
        assert len(settle(executor, [job(1)])) == 1
    assert not stray.exists()


def test_the_workers_of_a_cluster_import_nothing_from_the_working_directory(stray: Path, tmp_path: Path) -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100 * 2**20})
    try:
        settings = RaySettings(count=1, address=cluster.address)
        with RayExecutor(partial(obedient, tmp_path), FACTS, settings) as executor:
            assert len(settle(executor, [job(1)])) == 1
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]
    assert not stray.exists()


def test_only_a_checkout_from_which_optsearch_runs_stays_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert working_directory(Path("/private")) == Path("/private", EMPTY)
    checkout = Path(search.__path__[0]).resolve().parent
    monkeypatch.chdir(checkout)
    assert working_directory(Path("/private")) == checkout


def test_a_child_in_another_folder_keeps_the_import_path_of_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    (here / "module_of_a_child.py").write_text(
        "import os\ndef main(end):\n    os.write(end, f'{os.getcwd()} {os.environ[\"PYTHONPATH\"]}'.encode())\n"
    )
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(".")
    monkeypatch.setenv("PYTHONPATH", f"{os.pathsep}lib")
    reading, writing = os.pipe()

    class End:
        def fileno(self) -> int:
            return writing

    process = start_child("module_of_a_child", End(), environment={}, folder=there)  # type: ignore[arg-type]
    os.close(writing)
    with os.fdopen(reading) as file:
        assert file.read() == f"{there} {here}{os.pathsep}{here / 'lib'}"
    assert process.wait() == 0
