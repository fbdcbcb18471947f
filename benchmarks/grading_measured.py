"""What a command and everything that it starts take: seconds, CPU seconds, memory. For benchmarks/grading.py; Linux."""

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

BETWEEN_LOOKS = 0.1  # seconds
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Taken:
    """What a command took, with all processes below it.

    Attributes:
        seconds: by the clock.
        cpu: seconds of computing, of whoever it started, too.
        memory: bytes of the whole tree at its peak; memory that several share counts once (where that cannot be read,
            as of other users' processes, it counts for each).
    """

    seconds: float
    cpu: float
    memory: int


def measured(command, folder, environment=None):
    """Run a command to its end and return what it took.

    CPU seconds are those that the system adds up for processes that were waited for. What is left behind by its parent
    becomes a child of this process, which waits for it, so that nothing is lost; where looking at the tree from time to
    time saw more, that counts.

    Raises:
        RuntimeError: the command failed.
    """
    _take_in_orphans()
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with _Looking() as looking:
        process = subprocess.Popen(
            list(map(str, command)), cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said, _ = process.communicate()
        seconds = time.monotonic() - began
    _wait_for_what_is_left()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise RuntimeError(f"{command[:3]} ended with {process.returncode}:\n{said.decode(errors='replace')[-3000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(seconds, max(cpu, looking.cpu), looking.memory)


class _Looking:
    """Looks at everything below this process from time to time, in a thread."""

    def __init__(self):
        self.memory, self._seen, self._done = 0, {}, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    @property
    def cpu(self):
        return sum(self._seen.values())

    def _look(self):
        this = psutil.Process()
        while not self._done.wait(BETWEEN_LOOKS):
            memory = 0
            for process in this.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    times = process.cpu_times()
                    self._seen[process.pid, process.create_time()] = times.user + times.system
                    memory += _memory_of(process)
            self.memory = max(self.memory, memory)


def _memory_of(process):
    """Return the bytes of a process, of what it shares only its part."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return process.memory_info().rss


def _take_in_orphans():
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait_for_what_is_left():
    """End what a command has left behind, and wait for it, so that its seconds count."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.kill()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
