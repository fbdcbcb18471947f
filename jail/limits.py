"""Limits that the kernel holds a process to: memory, files, descriptors, threads, computing time."""

import contextlib
import math
import os
from dataclasses import dataclass

DESCRIPTORS = 64
THREADS = 256  # beyond those that there are


@dataclass(frozen=True)
class Allowance:
    """What a process may take from here on.

    Attributes:
        memory: bytes of addresses.
        seconds: of computing, altogether: the last resort, if whoever watches the process is gone.
        threads: that its user may have then, in all processes.
    """

    memory: int
    seconds: float
    threads: int = THREADS


def hold_to(allowance):
    """Hold this process to an allowance; it writes no files. Where a system lacks a limit, there is none."""
    try:
        import resource
    except ImportError:  # Windows
        return
    seconds = math.ceil(allowance.seconds)
    addresses = _used() + allowance.memory
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: DESCRIPTORS,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_NPROC: allowance.threads,
        **({resource.RLIMIT_AS: addresses} if addresses > allowance.memory else {}),  # macOS knows no such limit
    }
    for kind, most in wanted.items():
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.getrlimit(kind)
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (most, most))


def _used():
    """Return bytes of addresses that this process has; 0 where nobody says."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:  # bytes: for text a codec would have to be loaded
            pages = int(file.read().split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def threads_of_this_user():
    """Return how many threads the user of this process has, in all its processes that can be seen."""
    found = 0
    with contextlib.suppress(OSError):
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal():
                with contextlib.suppress(OSError):
                    if entry.stat().st_uid == os.getuid():
                        found += len(os.listdir(f"/proc/{entry.name}/task"))
    return found
