"""What a locked process can still do that it must not: it tries, and tells."""

import _thread
import mmap
import os
import socket
import subprocess
import sys

from jail.limits import THREADS

MEMORY = 2**30  # bytes that a process on trial may take


def possible():
    """Return the names of what this process, locked, could do all the same; () if the lock holds."""
    return tuple(name for name, attempt in ATTEMPTS.items() if _works(attempt))


def _works(attempt):
    try:
        attempt()
    except (OSError, MemoryError, ValueError):
        return False
    return True


def _fork():
    if os.fork() == 0:
        os._exit(0)


def _limits_of_the_parent():
    import resource

    resource.prlimit(os.getppid(), resource.RLIMIT_CPU)


def _much_memory():
    mmap.mmap(-1, 2 * MEMORY).close()  # promised, not touched: nothing but a limit refuses it


def _many_threads():
    held = _thread.allocate_lock()
    held.acquire()
    _thread.stack_size(2**16)
    try:
        for _ in range(4 * THREADS):
            _thread.start_new_thread(held.acquire, ())
    except RuntimeError as error:
        raise OSError(str(error)) from None


ATTEMPTS = {
    "read other files": lambda: open("/etc/passwd", "rb").close(),
    "read what the kernel tells of processes": lambda: open("/proc/self/maps", "rb").close(),
    "write files": lambda: open("/tmp/jail", "wb").close(),
    "change files": lambda: os.utime("/etc/passwd"),
    "start processes": _fork,
    "run programs": lambda: subprocess.run([sys.executable, "-c", "0"], check=False),
    "signal processes": lambda: os.kill(os.getppid(), 0),
    "open connections": lambda: socket.socket().close(),
    "read limits of others": _limits_of_the_parent,
    "take all memory": _much_memory,
    "start threads without end": _many_threads,
}
