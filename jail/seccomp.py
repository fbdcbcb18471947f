"""seccomp: a process gives up all system calls but those that computing needs, for good.

The filter is a small program for the kernel's packet machine (BPF): it allows what stands in `ALLOWED`, looks at the
arguments of what stands in `WITH`, and lets everything else fail as "not permitted".
https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import platform
import struct
from dataclasses import dataclass

from jail.linux import PR_SET_NO_NEW_PRIVS, call, prctl

LOAD, JUMP_IF_EQUAL, JUMP_IF_ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06  # the four instructions that are needed
NUMBER, MACHINE, ARGUMENTS = 0, 4, 16  # where the kernel's description of a call has them, in bytes
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000
SET_MODE_FILTER, ALL_THREADS = 1, 1

# What computing needs: memory, threads, clocks, reading files that are let (by Landlock), writing to what is open.
ALLOWED = (
    *("read", "write", "readv", "writev", "pread64", "lseek", "close", "dup", "dup2", "dup3"),
    *("mmap", "munmap", "mprotect", "mremap", "madvise", "brk", "futex", "sched_yield", "membarrier", "rseq"),
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times"),
    *("open", "openat", "stat", "fstat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2"),
    *("getdents64", "readlink", "readlinkat", "getcwd", "poll", "ppoll", "select", "pselect6"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"),
    *("getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "uname", "sysinfo", "getrandom"),
    *("getrlimit", "getrusage", "sched_getaffinity", "getcpu", "set_robust_list", "set_tid_address"),
    *("exit", "exit_group"),
)
OTHERWISE = {"clone3": errno.ENOSYS, "openat2": errno.ENOSYS, "ioctl": errno.ENOTTY}  # libraries then ask differently
THREAD = 0x10000  # clone: a thread of this process, no process of its own
FCNTL = (0, 1, 2, 3, 1030)  # duplicate, read and set close-on-exec, read the flags; nothing that sends signals
PRCTL = (15, 16, 0x53564D41)  # a thread's name, and names of memory


@dataclass(frozen=True)
class Machine:
    """A kind of processor: the kernel's mark for it, and its numbers of the system calls."""

    mark: int
    numbers: dict[str, int]


X86_64 = Machine(
    0xC000003E,
    {
        **{"read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "lseek": 8},
        **{"mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14},
        **{"rt_sigreturn": 15, "ioctl": 16, "pread64": 17, "readv": 19, "writev": 20, "access": 21, "select": 23},
        **{"sched_yield": 24, "mremap": 25, "madvise": 28, "dup": 32, "dup2": 33, "nanosleep": 35, "getpid": 39},
        **{"clone": 56, "exit": 60, "uname": 63, "fcntl": 72, "getcwd": 79, "readlink": 89, "gettimeofday": 96},
        **{"getrlimit": 97, "getrusage": 98, "sysinfo": 99, "times": 100, "getuid": 102, "getgid": 104},
        **{"geteuid": 107, "getegid": 108, "getppid": 110, "sigaltstack": 131, "prctl": 157, "gettid": 186},
        **{"time": 201, "futex": 202, "sched_getaffinity": 204, "getdents64": 217, "set_tid_address": 218},
        **{"restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230},
        **{"exit_group": 231, "openat": 257, "newfstatat": 262, "readlinkat": 267, "faccessat": 269},
        **{"pselect6": 270, "ppoll": 271, "set_robust_list": 273, "dup3": 292, "prlimit64": 302, "getcpu": 309},
        **{"seccomp": 317, "getrandom": 318, "membarrier": 324, "statx": 332, "rseq": 334, "clone3": 435},
        **{"openat2": 437, "faccessat2": 439},
    },
)
ARM64 = Machine(
    0xC00000B7,
    {
        **{"getcwd": 17, "dup": 23, "dup3": 24, "fcntl": 25, "ioctl": 29, "faccessat": 48, "openat": 56, "close": 57},
        **{"getdents64": 61, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67},
        **{"pselect6": 72, "ppoll": 73, "readlinkat": 78, "newfstatat": 79, "fstat": 80, "exit": 93},
        **{"exit_group": 94, "set_tid_address": 96, "futex": 98, "set_robust_list": 99, "nanosleep": 101},
        **{"clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "sched_getaffinity": 123},
        **{"sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134},
        **{"rt_sigprocmask": 135, "rt_sigreturn": 139, "times": 153, "uname": 160, "getrlimit": 163},
        **{"getrusage": 165, "prctl": 167, "getcpu": 168, "gettimeofday": 169, "getpid": 172, "getppid": 173},
        **{"getuid": 174, "geteuid": 175, "getgid": 176, "getegid": 177, "gettid": 178, "sysinfo": 179, "brk": 214},
        **{"munmap": 215, "mremap": 216, "clone": 220, "mmap": 222, "mprotect": 226, "madvise": 233},
        **{"prlimit64": 261, "seccomp": 277, "getrandom": 278, "membarrier": 283, "statx": 291, "rseq": 293},
        **{"clone3": 435, "openat2": 437, "faccessat2": 439},
    },
)
MACHINES = {"x86_64": X86_64, "aarch64": ARM64}


def this_machine():
    """Return the `Machine` that this is.

    Raises:
        OSError: no filter has been written for it.
    """
    name = platform.machine()
    if name not in MACHINES or struct.calcsize("P") != 8:
        raise OSError(f"there is no list of system calls for {name}")
    return MACHINES[name]


def program(machine):
    """Return the filter for a machine, as bytes of eight for each instruction."""
    steps = [
        *(_step(LOAD, MACHINE), _step(JUMP_IF_EQUAL, machine.mark, 1, 0), _step(RETURN, KILL)),
        _step(LOAD, NUMBER),
    ]
    if machine is X86_64:  # its other numbering, for 32-bit pointers, is a way around a list of numbers
        steps += [_step(JUMP_IF_ANY_BIT, 0x40000000, 0, 1), _step(RETURN, KILL)]
    for name in ALLOWED:
        if name in machine.numbers:
            steps += [_step(JUMP_IF_EQUAL, machine.numbers[name], 0, 1), _step(RETURN, ALLOW)]
    for name, number in OTHERWISE.items():
        steps += [_step(JUMP_IF_EQUAL, machine.numbers[name], 0, 1), _step(RETURN, FAIL | number)]
    steps += _looked_at(machine.numbers["clone"], [(0, THREAD, JUMP_IF_ANY_BIT)])
    for name, place, values in (("fcntl", 1, FCNTL), ("prctl", 0, PRCTL)):
        steps += [
            step for value in values for step in _looked_at(machine.numbers[name], [(place, value, JUMP_IF_EQUAL)])
        ]
    # Limits may be read, of this process alone: its number is 0, and there is no new limit, which would stand at an
    # address of two halves.
    own = [(0, 0, JUMP_IF_EQUAL), (2, 0, JUMP_IF_EQUAL), (2.5, 0, JUMP_IF_EQUAL)]
    steps += _looked_at(machine.numbers["prlimit64"], own)
    return b"".join([*steps, _step(RETURN, FAIL | errno.EPERM)])


def install(filter_bytes):
    """Hold this process, all its threads and all that comes of them to a filter.

    Raises:
        OSError: the kernel refused.
    """
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    steps = ctypes.create_string_buffer(filter_bytes, len(filter_bytes))
    described = ctypes.create_string_buffer(struct.pack("HP", len(filter_bytes) // 8, ctypes.addressof(steps)))
    if call("syscall", this_machine().numbers["seccomp"], SET_MODE_FILTER, ALL_THREADS, described):
        raise OSError("a thread could not be held to the filter")


def _step(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)


def _looked_at(number, conditions):
    """Return the steps that allow a call if all conditions on its arguments hold; the number is loaded again after."""
    checks = []
    for index, (place, value, test) in enumerate(conditions):
        left = 2 * (len(conditions) - index - 1) + 1
        checks += [_step(LOAD, ARGUMENTS + int(8 * place)), _step(test, value, 0, left)]
    body = [*checks, _step(RETURN, ALLOW), _step(LOAD, NUMBER)]
    return [_step(JUMP_IF_EQUAL, number, 0, len(body)), *body]
