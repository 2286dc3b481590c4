"""Workers on other machines receive the files that a config names: modules, their neighbours, and data."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ray.cluster_utils import Cluster

from primitives import UserError
from proxy_tasks import copies, use_copies
from proxy_tasks.files import read_arrays
from search.commands.main import main
from search.execution.ray_process import working_directory
from search.execution.worker import copy_in
from search.record import look
from search.settings import build_config, load_config, read_config, restore_config, sent_files

pytestmark = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # Ray starts its processes after JAX here

CONFIG = """
tasks:
  - name: flowers
    family: classification
    data: data/flowers.npz
    batch: 8
    steps: 15
    settings: {hidden: [4]}
    tuned: &tuned {adamw: [0.9, 0.95, 0.1, 1.0], lion: [0.9, 0.95, 0.3, 1.0], noise: 0.1}
  - {name: circle, family: "circles_of_a_test:circle", batch: 8, steps: 10, tuned: *tuned}
search: {children: 8, population: 3, tournament: 2, plugins: [functions_of_a_test]}
evaluation: {seeds: 2, first_seeds: 1}
selection: {finalists: 1, seeds: 2, tuning_trials: 0}
"""

GUARD = "import os\nassert os.getpid() == {driver} or not __file__.startswith({folder!r}), 'a file of the driver'\n"

FUNCTIONS = """
import jax.numpy as jnp
from neighbour_of_a_test import SLOPE
from primitives import ANY, Primitive, register
register(Primitive("leaky", lambda x: jnp.where(x > 0, x, SLOPE * x), (ANY,)))
"""

CIRCLES = """
import jax.numpy as jnp
import numpy as np
from proxy_tasks import Problem, register_family

@register_family
def circle(task):
    x = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    rows = {split: {"x": x, "y": np.square(x).sum(axis=1)} for split in ("train", "validation", "test")}
    start = lambda generator: generator.normal(size=2).astype(np.float32)
    return Problem((2,), start, lambda w, rows: jnp.mean(jnp.square(jnp.square(rows["x"]) @ w - rows["y"])), rows)
"""


@pytest.fixture
def own(tmp_path: Path, own_registry: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A config that names a plugin with a neighbour, a task family, and data."""
    folder = tmp_path / "origin"
    (folder / "data").mkdir(parents=True)
    generator = np.random.default_rng(1)
    y = generator.integers(0, 3, 90)
    np.savez(folder / "data" / "flowers.npz", x=generator.normal(size=(90, 5)) + y[:, None], y=y)
    guard = GUARD.format(driver=os.getpid(), folder=str(folder))
    (folder / "functions_of_a_test.py").write_text(guard + FUNCTIONS)
    (folder / "neighbour_of_a_test.py").write_text(f"{guard}SLOPE = 0.1\n")
    (folder / "circles_of_a_test.py").write_text(guard + CIRCLES)
    (folder / "unused.py").write_text("raise AssertionError\n")
    (folder / "own.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield folder / "own.yaml"
    for name in set(sys.modules) - known:
        if "of_a_test" in name:
            del sys.modules[name]


def test_the_modules_of_a_config_their_neighbours_and_its_data_are_sent(own: Path) -> None:
    config = read_config(own)
    load_config(config)
    files = sent_files(config)
    names = ("functions_of_a_test.py", "neighbour_of_a_test.py", "circles_of_a_test.py", "data/flowers.npz")
    assert files == {str(own.parent / name): (own.parent / name).read_bytes() for name in names}
    with working_directory(files) as environment:
        folder = Path(environment["working_dir"])
        assert {path: copy_in(folder, path).read_bytes() for path in files} == files
        assert len([path for path in folder.rglob("*") if path.is_file()]) == len(files)
    assert not folder.exists()


def test_without_files_nothing_is_sent() -> None:
    assert sent_files(build_config({"tasks": ["digits"], "program": "lion"})) == {}
    with working_directory({}) as environment:
        assert environment == {}


def test_a_config_is_restored_where_only_copies_of_its_files_are(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "_COPIES", {})
    config = read_config(own)
    load_config(config)
    values, files = config.model_dump(mode="json"), sent_files(config)
    own.parent.rename(own.parent.parent / "gone")
    with pytest.raises(UserError, match="there is no data file"):
        restore_config(values)
    with working_directory(files) as environment:
        use_copies({path: str(copy_in(Path(environment["working_dir"]), path)) for path in files})
        assert restore_config(values) == config
        x, _ = read_arrays(str(own.parent / "data" / "flowers.npz"))
        assert x.shape == (90, 5)


def test_workers_of_a_cluster_use_copies_of_modules_and_data(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(own), "--out", "inline"]) == 0
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "object_store_memory": 100 * 2**20})
    try:
        workers = ["workers.executor=ray", f"workers.address={cluster.address}", "workers.count=1"]
        assert main(["run", str(own), "--out", "cluster", *(part for text in workers for part in ("--set", text))]) == 0
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]
    assert "the workers receive copies of 4 files that the config names" in capsys.readouterr().err
    with look(Path("inline")) as here, look(Path("cluster")) as there:
        assert here.digest() == there.digest()
