"""The filter, instruction by instruction: a small machine runs it here, and a list of numbers comes from elsewhere."""

import ctypes
import ctypes.util
import errno
import struct

import pytest

from jail import seccomp
from jail.seccomp import ARM64, X86_64

MACHINES = pytest.mark.parametrize("machine", [X86_64, ARM64], ids=["x86-64", "arm64"])
PERMITTED, REFUSED = seccomp.ALLOW, seccomp.FAIL | errno.EPERM


def decide(machine, number, arguments=(), mark=None):
    """Run the filter on one system call, as the kernel would; return what it decides."""
    data = struct.pack("iIQ6Q", number, machine.mark if mark is None else mark, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    program = seccomp.program(machine)
    steps = [struct.unpack_from("HBBI", program, place) for place in range(0, len(program), 8)]
    place = loaded = 0
    while True:
        code, if_true, if_false, value = steps[place]
        place += 1
        match code:
            case seccomp.LOAD:
                (loaded,) = struct.unpack_from("I", data, value)
            case seccomp.JUMP_IF_EQUAL:
                place += if_true if loaded == value else if_false
            case seccomp.JUMP_IF_ANY_BIT:
                place += if_true if loaded & value else if_false
            case seccomp.RETURN:
                return value


@MACHINES
def test_what_computing_needs_is_allowed_and_nothing_else(machine):
    looked_at = {machine.numbers[name] for name in ("clone", "fcntl", "prctl", "prlimit64")}
    otherwise = {machine.numbers[name]: number for name, number in seccomp.OTHERWISE.items()}
    allowed = {machine.numbers[name] for name in seccomp.ALLOWED if name in machine.numbers}
    for number in set(range(1000)) - looked_at:
        wanted = PERMITTED if number in allowed else seccomp.FAIL | otherwise.get(number, errno.EPERM)
        assert decide(machine, number) == wanted, number


@MACHINES
@pytest.mark.parametrize(
    ("name", "arguments", "decision"),
    [
        ("clone", [0x3D0F00], PERMITTED),  # what a new thread asks for
        ("clone", [17], REFUSED),  # a process
        ("clone", [0x10000000], REFUSED),  # in a user namespace of its own
        ("fcntl", [3, 1], PERMITTED),
        ("fcntl", [3, 1030, 5], PERMITTED),
        ("fcntl", [3, 4, 0x2000], REFUSED),  # send signals when there is something to read
        ("fcntl", [3, 8, 1], REFUSED),  # to that process
        ("prctl", [15], PERMITTED),
        ("prctl", [1, 0], REFUSED),  # outlive the parent
        ("prctl", [4, 1], REFUSED),
        ("prlimit64", [0, 7, 0], PERMITTED),
        ("prlimit64", [1, 7, 0], REFUSED),  # those of another process
        ("prlimit64", [0, 7, 0x7F00_0000_1000], REFUSED),  # a new limit
        ("prlimit64", [0, 7, 0x7F00_0000_0000], REFUSED),  # at an address whose lower half is 0
    ],
)
def test_arguments_are_looked_at(machine, name, arguments, decision):
    assert decide(machine, machine.numbers[name], arguments) == decision


@MACHINES
def test_another_machines_calls_end_the_process(machine):
    assert decide(machine, machine.numbers["read"], mark=0x40000003) == seccomp.KILL  # 32-bit


def test_the_other_numbering_ends_the_process():
    assert decide(X86_64, 0x40000000 | 0) == seccomp.KILL


@MACHINES
def test_the_numbers_are_those_of_libseccomp(machine):
    found = ctypes.util.find_library("seccomp")
    if found is None:
        pytest.skip("libseccomp, which knows the numbers, is not installed")
    resolve = ctypes.CDLL(found).seccomp_syscall_resolve_name_arch
    resolve.argtypes = (ctypes.c_uint32, ctypes.c_char_p)
    theirs = {name: resolve(machine.mark, name.encode()) for name in machine.numbers}
    assert theirs == machine.numbers


@MACHINES
def test_every_name_is_a_call_of_that_machine_or_of_the_other(machine):
    named = {*seccomp.ALLOWED, *seccomp.OTHERWISE, "clone", "fcntl", "prctl", "prlimit64", "seccomp"}
    assert set(machine.numbers) <= named
    assert named == {*X86_64.numbers, *ARM64.numbers}
