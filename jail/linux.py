"""Linux's C library, through which the kernel is asked for what Python has no function for."""

import ctypes
import functools
import os

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS = 1, 4, 8, 38


def call(name, *arguments):
    """Call a function of the C library.

    Raises:
        OSError: it failed, or there is no such function here.
    """
    function = getattr(_library(), name, None)
    if function is None:
        raise OSError(f"the C library of this system has no {name}")
    result = function(*(ctypes.c_long(one) if isinstance(one, int) else one for one in arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


@functools.cache
def _library():
    return ctypes.CDLL(None, use_errno=True)


def prctl(option, value):
    """Set one of the process's own properties. Raises OSError if the kernel refuses."""
    call("prctl", option, value, 0, 0, 0)
