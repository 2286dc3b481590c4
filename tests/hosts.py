"""Several hosts on one machine, for tests and measurements of clusters.

Each consists of Linux namespaces: own address, host name, processes, /tmp and /dev/shm; a bridge joins them. Needs root
and iproute2.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Self

import psutil

ROOT = Path(__file__).resolve().parent.parent
_SWITCH = Path(__file__).resolve().parent / "delayed_switch.py"
_TOOLS = ("ip", "unshare", "nsenter", "mount")
_PACKAGES = ("primitives", "proxy_tasks", "simplify", "selection", "search", "optsearch", "tests")
_NET = "10.77.6"
_INIT = """
set -e
hostname node{number}
mount --make-rprivate /
mount -t tmpfs -o size=500m tmpfs /tmp
mount -t tmpfs -o size=300m tmpfs /dev/shm
mount -t proc proc /proc
{hide}
echo ready
exec sleep infinity
"""

_MEMORY = """
set -e
cd /sys/fs/cgroup
test -e own || {{ mount -t tmpfs tmpfs . && cd /sys/fs/cgroup && mkdir memory && touch own; }}
echo {total} | tee memory.max > memory/memory.limit_in_bytes
echo {used} | tee memory.current > memory/memory.usage_in_bytes
printf '%s 0\n' {{,total_}}{{,in}}active_file | tee memory.stat > memory/memory.stat
"""


def reason_why_not() -> str:
    """Why hosts cannot be made here; empty if they can."""
    if os.geteuid() != 0:
        return "hosts need root"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        return f"hosts need iproute2 and util-linux ({', '.join(missing)} not found)"
    probe = f"probe{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
    return "" if made.returncode == 0 else f"hosts need network namespaces: {made.stderr.decode().strip()}"


class Hosts:
    """A bridge with hosts 1 … N at 10.77.6.1 … N; a context manager that ends all their processes.

    Args:
        count: number of hosts.
        bare: numbers of hosts on which the project is not installed.
    """

    def __init__(self, count: int, bare: Sequence[int] = ()) -> None:
        self._prefix = f"h{os.getpid() % 100_000}"
        self._count, self._bare = count, bare
        self._inits: dict[int, subprocess.Popen[str]] = {}
        self._pids: dict[int, int] = {}
        self._delayed: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        switch = f"{self._prefix}sw"
        _ip("netns", "add", switch)
        _ip("-n", switch, "link", "add", "br0", "type", "bridge")
        _ip("-n", switch, "link", "set", "br0", "up")
        for number in range(1, self._count + 1):
            self.boot(number)
        return self

    def __exit__(self, *_: object) -> None:
        if self._delayed:
            self._delayed.kill()
            self._delayed.communicate()
        for number in list(self._inits):
            self.crash(number)
        for number in range(1, self._count + 1):
            _ip("netns", "del", f"{self._prefix}{number}", check=False)
        _ip("netns", "del", f"{self._prefix}sw", check=False)

    def boot(self, number: int) -> None:
        host, switch, port = f"{self._prefix}{number}", f"{self._prefix}sw", f"p{number}"
        _ip("netns", "add", host)
        _ip("link", "add", f"{self._prefix}e{number}", "type", "veth", "peer", "name", f"{self._prefix}p{number}")
        _ip("link", "set", f"{self._prefix}e{number}", "netns", host, "name", "eth0")
        _ip("link", "set", f"{self._prefix}p{number}", "netns", switch, "name", port)
        _ip("-n", host, "link", "set", "lo", "up")
        _ip("-n", host, "addr", "add", f"{_NET}.{number}/24", "dev", "eth0")
        _ip("-n", host, "link", "set", "eth0", "up")
        _ip("-n", host, "route", "add", "default", "via", f"{_NET}.254")
        _ip("-n", switch, "link", "set", port, "master", "br0")
        _ip("-n", switch, "link", "set", port, "up")
        folders = {ROOT, _installed()}
        hidden = [folder / package for folder in folders for package in _PACKAGES if (folder / package).is_dir()]
        # Those below /tmp are hidden already.
        hiding = (f"[ ! -d '{folder}' ] || mount -t tmpfs tmpfs '{folder}'" for folder in hidden)
        hide = "\n".join(hiding) if number in self._bare else ""
        command = [*self._inside(host), "unshare", "--mount", "--uts", "--ipc", "--pid", "--fork"]
        script = _INIT.format(number=number, hide=hide)
        init = subprocess.Popen(
            [*command, "--kill-child", "bash", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert init.stdout is not None
        assert init.stdout.readline() == "ready\n", f"host {number} did not boot"
        self._inits[number] = init
        (self._pids[number],) = (child.pid for child in psutil.Process(init.pid).children())

    def address(self, number: int) -> str:
        """Address of a host."""
        return f"{_NET}.{number}"

    def start(
        self, number: int, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a Python process on a host."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        given = {"PYTHONPATH": str(ROOT), "HOME": "/tmp", "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
        return subprocess.Popen(
            [*self._enter(number), sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=kept | given | dict(environment or {}),
        )

    def _enter(self, number: int) -> list[str]:
        return ["nsenter", "-t", str(self._pids[number]), "-m", "-u", "-i", "-n", "-p"]

    def start_ray(
        self, number: int, *, head: int = 0, cpus: int = 1, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a node of Ray on a host: the head of a cluster, or a node that joins the one on the host `head`."""
        code = "from ray.scripts.scripts import main; main()"
        place = [f"--address={self.address(head)}:6379"] if head else ["--head", "--port=6379"]
        place += [] if head else ["--include-dashboard=false"]
        options = [f"--num-cpus={cpus}", f"--node-ip-address={self.address(number)}", "--object-store-memory=80000000"]
        every = ["-c", code, "start", *place, *options, "--disable-usage-stats"]
        node = self.start(number, *every, environment=environment)
        said, _ = node.communicate()
        assert node.returncode == 0, said

    def cut(self, number: int) -> None:
        """Cut the link of a host: packets vanish."""
        _ip("-n", f"{self._prefix}sw", "link", "set", f"p{number}", "down")

    def heal(self, number: int) -> None:
        """Restore the link of a host."""
        _ip("-n", f"{self._prefix}sw", "link", "set", f"p{number}", "up")

    def freeze(self, number: int) -> None:
        """Stop all processes of a host, as a machine that hangs; its kernel still answers."""
        for process in psutil.Process(self._pids[number]).children(recursive=True):
            process.suspend()

    def fill(self, number: int) -> None:
        """Fill the disk of a host: no byte can be written to its /tmp, where Ray has its logs and files."""
        process = self.start(number, "-c", "file = open('/tmp/full', 'wb', 0)\nwhile True: file.write(bytes(4096))")
        said, _ = process.communicate()
        assert "No space left on device" in said, said

    def use_memory(self, number: int, share: float) -> None:
        """Let the kernel of a host report a share of memory in use, in the files that Ray's memory monitor reads.

        Called first before Ray is started there.
        """
        total = int(0.9 * psutil.virtual_memory().total)  # Ray takes the lesser of the machine's and this one
        script = _MEMORY.format(total=total, used=int(share * total))
        subprocess.run([*self._enter(number), "bash", "-c", script], check=True)

    def delay(self, seconds: float) -> None:
        """Deliver each packet between hosts after some seconds, from now on; no host may boot afterwards."""
        ports = [f"p{number}" for number in self._inits]
        for number, port in zip(self._inits, ports, strict=True):
            subprocess.run([*self._inside(f"{self._prefix}{number}"), sys.executable, _SWITCH, "eth0"], check=True)
            _ip("-n", f"{self._prefix}sw", "link", "set", port, "nomaster", "promisc", "on")
        command = [*self._inside(f"{self._prefix}sw"), sys.executable, str(_SWITCH), str(seconds), *ports]
        self._delayed = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._delayed.stdout is not None
        assert self._delayed.stdout.readline() == "ready\n"

    @staticmethod
    def _inside(namespace: str) -> list[str]:
        return ["nsenter", f"--net=/run/netns/{namespace}"]

    def crash(self, number: int) -> None:
        """End all processes of a host at once, its link cut first."""
        self.cut(number)
        os.kill(self._pids[number], signal.SIGKILL)
        self._inits.pop(number).communicate()
        time.sleep(0.5)  # the kernel takes the interfaces down with the last process
        _ip("netns", "del", f"{self._prefix}{number}", check=False)
        _ip("-n", f"{self._prefix}sw", "link", "del", f"p{number}", check=False)


def _installed() -> Path:
    """Folder from which an editable installation of the project is imported."""
    text = distribution("optsearch").read_text("direct_url.json") or ""
    _, _, rest = text.partition("file://")
    return Path(rest.partition('"')[0] or ROOT)


def _ip(*arguments: str, check: bool = True) -> None:
    subprocess.run(["ip", *arguments], check=check, capture_output=True)
