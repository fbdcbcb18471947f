"""Landlock: a process gives up all files but those below a few paths, for good.

https://docs.kernel.org/userspace-api/landlock.html. The numbers of its system calls are the same on every machine.
"""

import ctypes
import os
import stat

from jail.linux import PR_SET_NO_NEW_PRIVS, call, prctl

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION = 1
PATH_BENEATH = 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3
ACCESSES = {1: 13, 2: 14, 3: 15, 5: 16}  # from this version on: how many kinds of access to files are known
NETWORK = 0b11  # bind and connect TCP, from version 4 on
SCOPES = 0b11  # abstract sockets and signals, from version 6 on


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version():
    """Return the version of Landlock in this kernel.

    Raises:
        OSError: it has none, or it is turned off.
    """
    return call("syscall", CREATE_RULESET, None, 0, ASK_VERSION)


def ruleset(readable):
    """Return a descriptor of the rules that leave nothing but reading below these paths.

    Args:
        readable: files and folders; those that do not exist are passed over.

    Raises:
        OSError: there is no Landlock.
    """
    known = version()
    accesses = (1 << max(count for since, count in ACCESSES.items() if since <= known)) - 1
    asked = _Ruleset(accesses, NETWORK, SCOPES)
    size = 8 if known < 4 else 16 if known < 6 else 24
    rules = call("syscall", CREATE_RULESET, ctypes.byref(asked), size, 0)
    for path in readable:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        access = READ_FILE | READ_DIR if stat.S_ISDIR(os.fstat(place).st_mode) else READ_FILE
        call("syscall", ADD_RULE, rules, PATH_BENEATH, ctypes.byref(_PathBeneath(access, place)), 0)
        os.close(place)
    return rules


def restrict(rules):
    """Hold this process, which must have one thread, to a ruleset, and give up every way to more rights.

    Raises:
        OSError: the kernel refused.
    """
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    call("syscall", RESTRICT_SELF, rules, 0)
