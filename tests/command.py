"""A real ``paperdex run`` or ``sweep``, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from busy import busy_scenario

PAPERDEX = Path(sys.executable).with_name("paperdex")
TENTH = busy_scenario().blocks // 10
"""The command tells of each tenth of its run."""


class Command:
    """The command, told in the lines that it prints on its way."""

    def __init__(self, arguments, *, what="run", program=(PAPERDEX,), **variables):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PAPERDEX_")}
        self._process = subprocess.Popen(
            [*program, what, *arguments, "--json"],
            env={**environment, **variables}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def lines(self):
        """Yield what it says, a line at a time, until its process ends."""
        for line in self._process.stderr:
            assert not re.search("Traceback|Unhandled", line), "a user is told in sentences"
            yield line.rstrip("\n")

    def tenths(self):
        """Yield the tenths of the run as they are reached."""
        for line in self.lines():
            if line.startswith("block "):
                yield int(line.split()[1].replace(",", "")) // TENTH

    def kill(self):
        """Kill the conductor, and with it all that its job has started."""
        self._process.kill()
        self._process.communicate()

    def child(self, name):
        """Return the youngest of the processes that it has started whose names begin so."""
        alive = [
            one for one in psutil.Process(self._process.pid).children(recursive=True) if one.name().startswith(name)
        ]
        return max(alive, key=psutil.Process.create_time)

    def signal(self, number):
        """Ask the conductor's process to end."""
        self._process.send_signal(number)

    def pause(self):
        """Stop the conductor's process where it is, as a machine that sleeps would."""
        self._process.send_signal(signal.SIGSTOP)

    def wake(self):
        """Let it go on; return its exit status and the last that it says."""
        self._process.send_signal(signal.SIGCONT)
        _, stderr = self._process.communicate()
        return self._process.returncode, stderr.splitlines()[-1]

    def end(self):
        """Wait for the end and return the exit status, what it printed, and what else it said."""
        stdout, stderr = self._process.communicate()
        return self._process.returncode, stdout, stderr

    def summary(self):
        """Wait for the end and return what the run came to."""
        status, stdout, stderr = self.end()
        assert status == 0, stderr
        return json.loads(stdout)
