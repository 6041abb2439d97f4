"""Hosts of a network: each with an address, processes and a folder for Ray of its own, on one bridge of this machine.

They share its disk. A host is cut off as by a cable that is pulled, or switched off with all that runs on it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

NETWORK, ROUTER = "10.78.0.0/24", "10.78.0.254"
RAY_FOLDER = Path("/tmp/ray")
NEEDED = ("ip", "unshare", "nsenter", "mount")

FIRST_PROCESS = """
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("on", flush=True)
while True:
    signal.pause()
"""
"""It takes in what others leave behind, and what it is of ends with it."""


@dataclass
class Host:
    """One of them, which is on."""

    name: str
    address: str
    folder: Path
    power: subprocess.Popen

    @property
    def inside(self):
        """Return what a command begins with that runs there."""
        return ("nsenter", "--target", str(self._first().pid), "--net", "--mount", "--pid", "--uts")

    def run(self, *command, **variables):
        """Run a command there to its end."""
        with (self.folder / "said").open("w") as said:
            ended = subprocess.run(
                [*self.inside, *map(str, command)], env={**os.environ, **variables}, check=False,
                stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
            )  # fmt: skip
        assert ended.returncode == 0, (self.folder / "said").read_text()

    def processes(self, name):
        """Return the processes there whose names begin so."""
        return [one for one in self._first().children(recursive=True) if one.name().startswith(name)]

    def cut(self):
        """Let every packet from and to it vanish."""
        _ip("link", "set", f"{self.name}v", "down")

    def join(self):
        """Connect it again."""
        _ip("link", "set", f"{self.name}v", "up")

    def switch_off(self):
        """End all that runs there at once."""
        if self.power.poll() is None:
            for first in psutil.Process(self.power.pid).children():
                first.kill()
            self.power.wait()

    def _first(self):
        (first,) = psutil.Process(self.power.pid).children()
        return first


@dataclass
class Network:
    """A bridge, and the hosts on it."""

    prefix: str
    home: Path
    router: str = ROUTER
    """This machine's address on it."""
    hosts: list[Host] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """Of the hosts, and of one that was not finished."""

    def add(self):
        """Make a host and switch it on."""
        number = len(self.hosts) + 1
        name, address = f"{self.prefix}{number}", f"10.78.0.{number}"
        self.names.append(name)
        _ip("netns", "add", name)
        _ip("link", "add", f"{name}v", "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", f"{name}v", "master", self.prefix, "up")
        _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", name, "link", "set", device, "up")
        _ip("-n", name, "route", "add", "default", "via", ROUTER)  # by which Ray learns its own address
        folder = self.home / name
        (folder / "ray").mkdir(parents=True)
        start = f'mount --bind {folder}/ray {RAY_FOLDER} && hostname {name} && exec {sys.executable} -c "$0"'
        power = subprocess.Popen(
            ["ip", "netns", "exec", name, "unshare", "--fork", "--kill-child", "--pid", "--mount-proc", "--uts",
             "sh", "-c", start, FIRST_PROCESS], stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.hosts.append(Host(name, address, folder, power))
        assert power.stdout.readline() == "on\n"
        return self.hosts[-1]

    def remove(self):
        """Switch all off and take the bridge away."""
        for host in self.hosts:
            host.switch_off()
            host.power.stdout.close()
        for name in self.names:
            _ip("link", "delete", f"{name}v", check=False)  # connections that end slowly would keep it
            _ip("netns", "delete", name, check=False)
        _ip("link", "delete", self.prefix)
        shutil.rmtree(self.home)


def make():
    """Make a network without hosts; skip the test where that is not allowed or not possible."""
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"hosts are made by root, with {', '.join(NEEDED)}: {missing or 'not root'}")
    prefix = f"pdx{os.getpid() % 10**6}"
    try:
        _ip("link", "add", prefix, "type", "bridge")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no bridge can be made here: {error.stderr.strip()}")
    network = Network(prefix, Path(tempfile.mkdtemp(prefix="pdx", dir="/tmp")))
    RAY_FOLDER.mkdir(exist_ok=True)
    try:
        _ip("addr", "add", f"{ROUTER}/24", "dev", prefix)
        _ip("link", "set", prefix, "up")
        _ip("netns", "add", f"{prefix}0")
        _ip("netns", "delete", f"{prefix}0")
    except subprocess.CalledProcessError as error:
        network.remove()
        pytest.skip(f"no network can be made here: {error.stderr.strip()}")
    return network


def _ip(*arguments, check=True):
    subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)
