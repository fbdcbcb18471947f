"""Root gives up being root: a jailed process gets a user of its own, whom nothing belongs to, and no rights."""

import contextlib
import ctypes
import os
import secrets

from jail.linux import PR_SET_KEEPCAPS, call, prctl

FIRST_USER, USERS = 1_900_000_000, 100_000_000  # numbers that no system gives to people or services
NOBODY = 65534
VERSION_3 = 0x20080522
READ_EVERYTHING = 1 << 2  # CAP_DAC_READ_SEARCH: files whatever their modes; what may be read, Landlock says


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Rights(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def own_user():
    """Return the number of a user whom nobody else is: drawn, because process numbers begin anew in a namespace."""
    return FIRST_USER + secrets.randbelow(USERS)


def become(user, *, reading=False):
    """Become a user for good, without groups and rights; only root can.

    Args:
        user: its number; where this system has no such number (in some containers), nobody's.
        reading: keep the right to read files whatever their modes: an interpreter may lie in somebody's home.

    Raises:
        OSError: this process is not root, or may not.
    """
    if reading:
        prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    for number in (user, NOBODY):
        with contextlib.suppress(OSError):
            os.setresgid(number, number, number)
            os.setresuid(number, number, number)
            break
    if 0 in (*os.getresuid(), *os.getresgid()):
        raise OSError("this process stays root")
    kept = READ_EVERYTHING if reading else 0
    rights = (_Rights * 2)(_Rights(kept, kept, 0), _Rights(0, 0, 0))
    call("capset", ctypes.byref(_Header(VERSION_3, 0)), ctypes.byref(rights))
