"""Ray itself dies: the run says so, starts it again, and every job gets its answer."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from search.execution.executor import WorkersLostError
from search.execution.messages import RaySettings
from search.execution.private_ray import private_folder
from search.execution.ray_executor import RayExecutor
from tests.clusters import end, free_port, head, joined
from tests.workers import FACTS, job, obedient, settle

AGAIN = "Ray is started again, and its jobs are sent again"


def servers(name: str) -> list[psutil.Process]:
    """Processes of the Ray of this process that have a name."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if name in (process.name(), *process.cmdline()[:1]):
                found.append(process)
    return found


class Own:
    """An executor with a Ray of its own, which tests kill again and again."""

    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.executor = RayExecutor(partial(obedient, folder), FACTS, RaySettings(count=2), say=self.said.append)

    def first_word(self) -> str:
        """What it says first, within a minute of short jobs; the jobs may be done before a death is noticed."""
        deadline = time.monotonic() + 60
        while not self.said and time.monotonic() < deadline:
            settle(self.executor, [job(1)])
            time.sleep(0.2)
        return self.said[0]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    made = Own(tmp_path_factory.mktemp("own"))
    with made.executor:
        yield made


def test_a_ray_of_its_own_listens_on_the_loopback_interface_alone_and_keeps_its_token_secret(own: Own) -> None:
    settle(own.executor, [job(number) for number in range(20)])
    (child,) = [process for process in psutil.Process().children() if "ray_process" in " ".join(process.cmdline())]
    listening = {
        connection.laddr.ip
        for process in [child, *child.children(recursive=True)]
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    assert listening
    token = Path(child.environ()["RAY_AUTH_TOKEN_PATH"])
    assert (token.stat().st_mode & 0o777, token.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert child.environ()["RAY_AUTH_MODE"] == "token"


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("raylet", f"the raylet of Ray died; {AGAIN}"),
        ("gcs_server", f"the GCS server of Ray died; {AGAIN}"),
        (sys.executable, f"the process that runs Ray ended by SIGKILL; {AGAIN}"),
    ],
)
def test_a_ray_that_died_is_started_again_and_every_job_gets_its_score(own: Own, server: str, said: str) -> None:
    settle(own.executor, [job(number) for number in range(20)])
    own.said.clear()
    before = psutil.Process().children(recursive=True)
    killed, *_ = [process for process in servers(server) if "resource_tracker" not in " ".join(process.cmdline())]
    killed.kill()
    scores = settle(own.executor, [job(number) for number in range(100)])
    assert {number: score.fitness for (_, number), score in scores.items()} == {n: n for n in range(100)}
    assert own.first_word() == said
    assert not [process for process in psutil.wait_procs(before, timeout=20)[1] if process.is_running()]


def test_all_workers_that_die_at_once_are_replaced(own: Own) -> None:
    settle(own.executor, [job(number) for number in range(20)])
    for worker in servers("ray::Worker"):
        worker.kill()
    assert len(settle(own.executor, [job(number) for number in range(100)])) == 100


def test_a_ray_that_stands_still_is_noticed(own: Own) -> None:
    settle(own.executor, [job(number) for number in range(20)])
    own.said.clear()
    (server,) = servers("gcs_server")
    server.suspend()
    assert len(settle(own.executor, [job(number) for number in range(20)])) == 20
    assert own.first_word() == f"Ray on this machine has not answered for 15 s; {AGAIN}"


def test_a_full_disk_is_named_before_ray_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    monkeypatch.setattr("search.execution.private_ray._LONGEST_FOLDER", 1000)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        with pytest.raises(WorkersLostError, match=r"^Ray cannot keep its files in .* RAY_TMPDIR"):
            private_folder()
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_cluster_that_goes_and_comes_back_is_joined_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    port = free_port()
    said: list[str] = []
    node = head(port, tmp_path)
    try:
        address = f"127.0.0.1:{port}"
        executor = joined(partial(obedient, tmp_path), address, said)
        with executor:
            settle(executor, [job(number) for number in range(20)])
            end(node)
            done, restarted = threading.Event(), [node]

            def restart() -> None:
                """Start a head, again and again if it ends: `ray start` refuses a port at which something answers."""
                while not done.wait(3):
                    if restarted[-1].poll() is not None:
                        restarted.append(head(port, tmp_path))

            restarting = threading.Thread(target=restart)
            restarting.start()
            try:
                scores = settle(executor, [job(number) for number in range(50)])
            finally:
                done.set()
                restarting.join()
                node = restarted[-1]
        assert len(scores) == 50
        assert any("joined again, within 300 s if it answers" in line for line in said)
    finally:
        end(node)
