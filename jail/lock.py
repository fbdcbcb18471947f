"""A process locks itself down: limits, another user, files, system calls. There is no way back."""

import contextlib
import os
import signal
from dataclasses import dataclass

from jail import identity, landlock, limits, seccomp
from jail.linux import PR_SET_PDEATHSIG, prctl

LAYERS = ("limits", "user", "files", "calls")


@dataclass(frozen=True)
class Lock:
    """What a process is to be held by.

    Attributes:
        layers: of `LAYERS`.
        rules: the descriptor of a Landlock ruleset; None without "files".
        filter: a seccomp filter; None without "calls".
        user: whom root becomes; None where this is not root.
        reading: whether that user may read files whatever their modes.
        threads: that the user may have in all processes.
    """

    layers: tuple[str, ...]
    rules: int | None = None
    filter: bytes | None = None
    user: int | None = None
    reading: bool = False
    threads: int = limits.THREADS


def lock(layers, readable):
    """Return the `Lock` of the layers that this machine has, and why it lacks the others, by name.

    Args:
        layers: those that are wanted.
        readable: the files and folders that may be read.
    """
    found, missing = {}, {}

    def attempt(layer, make):
        try:
            found.update(make())
        except OSError as error:
            missing[layer] = str(error)

    if "files" in layers:
        attempt("files", lambda: {"rules": landlock.ruleset(readable)})
    if "calls" in layers:
        attempt("calls", lambda: {"filter": seccomp.program(seccomp.this_machine())})
    if os.getuid() == 0 and "user" in layers:
        found |= {"user": identity.own_user()}
    else:
        found |= {"threads": limits.threads_of_this_user() + limits.THREADS}
    held = tuple(layer for layer in layers if layer not in missing and (layer != "user" or os.getuid() == 0))
    return Lock(held, **found), missing


def close(lock, memory, seconds):
    """Hold this process, which must have one thread, to a `Lock` and its limits.

    Args:
        lock: the `Lock`.
        memory: bytes of addresses that it may take from here on.
        seconds: of computing, altogether.

    Raises:
        OSError: a layer failed.
    """
    os.umask(0o077)
    if lock.user is not None:
        identity.become(lock.user, reading=lock.reading)
    with contextlib.suppress(OSError):
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # after the change of user, which takes it back
    if "limits" in lock.layers:
        limits.hold_to(limits.Allowance(memory, seconds, lock.threads))
    if lock.rules is not None:
        landlock.restrict(lock.rules)
        os.close(lock.rules)
    if lock.filter is not None:
        seccomp.install(lock.filter)
