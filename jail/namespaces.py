"""A view of the system of one's own: no network, no other processes, nothing that outlives the first one.

By the kernel where it lets this user, or by bubblewrap where that is installed, which also hides all other files.
"""

import contextlib
import os
import shutil
import signal
import sys

from jail.linux import PR_SET_PDEATHSIG, call, prctl

NEW_USER, NEW_PROCESSES, NEW_NETWORK, NEW_IPC, NEW_NAMES = 0x10000000, 0x20000000, 0x40000000, 0x08000000, 0x04000000
UNSHARED = ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
EMPTY = ("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp")
# So that a child can give up root, and can be ended.
ROOTS_RIGHTS = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_DAC_READ_SEARCH")


def enter():
    """Go on as the first process of new namespaces; the process that called this waits for it and ends as it ends.

    Raises:
        OSError: the kernel does not let this user.
    """
    user, group = os.getuid(), os.getgid()
    call("unshare", NEW_PROCESSES | NEW_NETWORK | NEW_IPC | NEW_NAMES | (NEW_USER if user else 0))
    if user:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    inner = os.fork()
    if inner:
        os.closerange(0, 256)  # the other end of the line must see when the server is gone
        _, status = os.waitpid(inner, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def allowed():
    """Tell whether the kernel lets this user have namespaces of its own: a child tries."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            enter()
            os._exit(0)
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def bubblewrap(command, readable):
    """Return `command` as one that runs inside bubblewrap, with nothing but these paths; None where that is missing.

    Args:
        command: the arguments.
        readable: files and folders that it sees.
    """
    found = shutil.which("bwrap")
    if found is None:
        return None
    places = list(dict.fromkeys((*readable, "/usr", "/bin", sys.prefix, sys.base_prefix)))
    seen = [word for path in _parents_first(places) for word in _shown(path)]
    rights = [word for right in ROOTS_RIGHTS for word in ("--cap-add", right)] if os.getuid() == 0 else []
    options = [*UNSHARED, "--new-session", "--cap-drop", "ALL", *rights, *EMPTY, *seen]
    return [found, *options, "--", *command]


def _parents_first(paths):
    return sorted((path for path in map(os.path.abspath, paths) if not path.startswith("/dev")), key=len)


def _shown(path):
    if os.path.islink(path):
        return ("--symlink", os.readlink(path), path)
    return ("--ro-bind-try", path, path)
